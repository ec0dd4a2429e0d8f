"""Options that the commands of both servers have, said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rivers.log_options import FORMAT_VARIABLE, LEVEL_VARIABLE

Host = Annotated[
    str, typer.Option(help="Address to serve on; any other than loopback needs TLS and tokens, or --insecure.")
]
Insecure = Annotated[bool, typer.Option(help="Serve beyond loopback without TLS and tokens.")]
TlsCert = Annotated[
    Path | None, typer.Option(help="Certificate (PEM) of this server, which it shows as a client, too.")
]
TlsKey = Annotated[Path | None, typer.Option(help="The key of --tls-cert.")]
TlsClientCa = Annotated[Path | None, typer.Option(help="Authority of callers, who then have to show a certificate.")]
LogLevel = Annotated[str, typer.Option(envvar=LEVEL_VARIABLE, help="debug, info, warning or error.")]
LogFormat = Annotated[
    str, typer.Option(envvar=FORMAT_VARIABLE, help="console, for people, or json: one object a line.")
]
MetricsPort = Annotated[
    int | None,
    typer.Option(help="Port of GET /metrics; 0 takes a free one. Without it there are none.", min=0, max=65535),
]
MetricsHost = Annotated[str, typer.Option(help="Address of GET /metrics, which asks nobody for a token.")]

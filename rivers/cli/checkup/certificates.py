"""Checks of the files that TLS is used with: whether they can be read, belong together, and how long they are valid."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rivers.cli.checkup.finding import Finding, Level

#: So long before its end a certificate should be renewed.
_SOON = timedelta(days=14)
_PEM_END = "-----END CERTIFICATE-----"
_EXPLICIT_VERSION, _UTC_TIME = 0xA0, 0x17


def check_certificates(named: dict[str, Path], now: datetime) -> Iterator[Finding]:
    """A line for each certificate file, by the name of its option. That they can be used was checked before."""
    for option, path in named.items():
        end = expiry(path.read_text())
        told = f"{path} is valid until {end:%Y-%m-%d %H:%M} UTC"
        if end <= now:
            told = f"{path} has expired at {end:%Y-%m-%d %H:%M} UTC"
            yield Finding(f"tls {option}", Level.ERROR, told, "have a new one made")
        elif end - now < _SOON:
            yield Finding(f"tls {option}", Level.WARNING, told, "have it renewed")
        else:
            yield Finding(f"tls {option}", Level.OK, told)


def expiry(text: str) -> datetime:
    """When the first certificate of a PEM file ends to be valid."""
    first = text[text.index("-----BEGIN CERTIFICATE-----") : text.index(_PEM_END) + len(_PEM_END)]
    der = ssl.PEM_cert_to_DER_cert(first)
    # Certificate { TBSCertificate { [version], serial, algorithm, issuer, Validity { notBefore, notAfter }, ...
    _, at, _ = _element(der, 0)
    _, at, _ = _element(der, at)
    tag, _, end = _element(der, at)
    skipped = 4 if tag == _EXPLICIT_VERSION else 3
    for _ in range(skipped):
        _, _, end = _element(der, at)
        at = end
    _, at, _ = _element(der, at)
    _, _, at = _element(der, at)
    tag, start, end = _element(der, at)
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(der[start:end].decode(), form).replace(tzinfo=UTC)


def _element(der: bytes, at: int) -> tuple[int, int, int]:
    """The tag of the element at a place, and where its content starts and ends."""
    tag, length, at = der[at], der[at + 1], at + 2
    if length & 0x80:
        size = length & 0x7F
        length, at = int.from_bytes(der[at : at + size], "big"), at + size
    return tag, at, at + length

"""Generates `rivers/v1/` from `protos/rivers/v1/`; `--check` fails when the committed stubs are stale."""

from __future__ import annotations

import argparse
import filecmp
import sys
import tempfile
from importlib import resources
from pathlib import Path

from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"


def generate(target: Path) -> None:
    """Writes stubs and type stubs below `target`."""
    files = sorted(str(path) for path in PROTOS.glob("rivers/v1/*.proto"))
    well_known = resources.files("grpc_tools") / "_proto"
    # The .pyi generators are installed beside the interpreter.
    plugins = Path(sys.executable).parent
    status = protoc.main(
        [
            "protoc",
            f"--proto_path={PROTOS}",
            f"--proto_path={well_known}",
            f"--python_out={target}",
            f"--grpc_python_out={target}",
            f"--plugin=protoc-gen-mypy={plugins / 'protoc-gen-mypy'}",
            f"--mypy_out=quiet:{target}",
            f"--plugin=protoc-gen-mypy_grpc={plugins / 'protoc-gen-mypy_grpc'}",
            f"--mypy_grpc_out=quiet:{target}",
            *files,
        ]
    )
    if status:
        raise SystemExit(status)
    package = target / "rivers" / "v1"
    (package / "__init__.py").write_text('"""Generated from `protos/rivers/v1`; not edited by hand."""\n')
    for stub in package.glob("*_pb2_grpc.py*"):
        # A message file without a service needs no service stub.
        proto = (PROTOS / "rivers" / "v1" / stub.name.split("_pb2")[0]).with_suffix(".proto")
        if not any(line.startswith("service ") for line in proto.read_text().splitlines()):
            stub.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare with what is committed, write nothing")
    if not parser.parse_args().check:
        generate(ROOT)
        return
    with tempfile.TemporaryDirectory() as scratch:
        generate(Path(scratch))
        fresh, committed = Path(scratch) / "rivers" / "v1", ROOT / "rivers" / "v1"
        names = {p.name for p in [*fresh.iterdir(), *committed.iterdir()] if p.suffix in (".py", ".pyi")}
        _, different, missing = filecmp.cmpfiles(fresh, committed, names, shallow=False)
        if different or missing:
            raise SystemExit(f"rivers/v1 is stale ({', '.join(different + missing)}): run `make protos`")


if __name__ == "__main__":
    main()

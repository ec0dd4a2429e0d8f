"""Checks of where runs are kept. Nothing is made or changed, not even a directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rivers.cli.checkup.finding import Finding, Level
from rivers.errors import RiversError

if TYPE_CHECKING:
    from rivers.storage.database import Database

_FEW_BYTES, _SOME_BYTES = 100 << 20, 1 << 30
#: File systems on which locks or shared memory of several programs cannot be relied upon.
_NETWORK = {
    "nfs",
    "nfs4",
    "cifs",
    "smb3",
    "smbfs",
    "afs",
    "ceph",
    "glusterfs",
    "lustre",
    "fuse.sshfs",
    "fuse.glusterfs",
}
_DOUBTFUL = {"9p", "virtiofs"}


def check_directory(directory: Path) -> Iterator[Finding]:
    """An embedded database's directory: access, file system, room, owner and schema."""
    there = directory.absolute()
    while not there.exists():
        there = there.parent
    if not there.is_dir():
        yield Finding("storage", Level.ERROR, f"{there} is no directory", "choose another with --storage-path")
        return
    if not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "storage", Level.ERROR, f"{there} cannot be written", f"run `chown` for user {os.geteuid()} on it"
        )
    elif there != directory.absolute():
        yield Finding("storage", Level.OK, f"{directory} is not there yet; the first start makes it")
    else:
        yield Finding("storage", Level.OK, str(directory.absolute()))
    yield _file_system(there)
    yield _room(there)
    if there != directory.absolute():
        return
    yield _owner(directory)
    from rivers.storage.database import FILE, Database

    if (directory / FILE).exists():
        yield _schema(
            "storage schema", lambda: Database.embedded(directory, read_only=True, lock=None, to_migrate=True)
        )
    else:
        yield Finding("storage schema", Level.OK, "no database yet; the first start makes it")


def check_database(url: str) -> Iterator[Finding]:
    """A database server: whether it answers, and its schema."""
    from rivers.storage.database import Database

    yield _schema("database", lambda: Database.connect(url, read_only=True, lock=None, to_migrate=True))


def _owner(directory: Path) -> Finding:
    from rivers.storage import lock

    owner = lock.owner(directory)
    if owner is not None:
        return Finding("storage owner", Level.OK, f"held by {owner}")
    try:
        stale = (directory / lock.FILE).read_text().strip()
    except OSError:
        stale = ""
    return Finding("storage owner", Level.OK, f"free; the last one was {stale}" if stale else "free")


def _schema(check: str, opened: Callable[[], Database]) -> Finding:
    """Whether this version can use the database. What the errors say is what to do."""
    from rivers.storage import stamp

    try:
        database = opened()
    except RiversError as error:
        return Finding(check, Level.ERROR, str(error), error.remedy or "check where it is, and that it runs")
    try:
        with database.read() as connection:
            found = stamp.read(connection, database.url)
        if found is None:
            return Finding(check, Level.OK, f"{database.url} is empty; the first start makes its tables")
        found.check(database.url, read_only=False)
        return Finding(check, Level.OK, f"{database.url} has schema {found.version}, store {database.store_id}")
    except RiversError as error:
        return Finding(check, Level.ERROR, str(error), error.remedy)
    finally:
        database.close()


def _room(there: Path) -> Finding:
    free = shutil.disk_usage(there).free
    told = f"{free / (1 << 30):.1f} GiB free"
    if free < _FEW_BYTES:
        return Finding("storage room", Level.ERROR, told, "free some, or no run can be stored")
    if free < _SOME_BYTES:
        return Finding("storage room", Level.WARNING, told, "free some before it is used up")
    return Finding("storage room", Level.OK, told)


def _file_system(there: Path) -> Finding:
    kind = file_system(there)
    if kind in _NETWORK:
        remedy = "SQLite loses data there: use a local disk, or a server with --database-url"
        return Finding("storage file system", Level.ERROR, f"{there} is on a network file system ({kind})", remedy)
    if kind in _DOUBTFUL or kind.startswith("fuse"):
        remedy = "make sure that locks work on it, or use a local disk"
        return Finding("storage file system", Level.WARNING, f"{there} is shared ({kind})", remedy)
    return Finding("storage file system", Level.OK, kind or "unknown")


def file_system(there: Path, mounts: str | None = None) -> str:
    """The kind of file system that holds a path; "" where nobody tells. `mounts` is what mountinfo(5) says."""
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text()
        except OSError:
            return ""
    found, depth = "", -1
    for line in mounts.splitlines():
        mount, _, kinds = line.partition(" - ")
        fields, kind = mount.split(), kinds.split()
        if len(fields) < 5 or not kind:
            continue
        point = Path(fields[4].replace("\\040", " "))
        if there.is_relative_to(point) and len(point.parts) >= depth:  # the last mount on a point hides those before
            found, depth = kind[0], len(point.parts)
    return found

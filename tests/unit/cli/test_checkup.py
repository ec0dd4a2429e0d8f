"""What `rivers doctor` concludes from what it reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from rivers.cli.checkup import installation
from rivers.cli.checkup.finding import Finding, Level, is_wrong
from rivers.cli.checkup.installation import check_installation, numbers
from rivers.cli.checkup.service import SERVICES, check_clock
from rivers.cli.checkup.storage import check_directory, file_system
from rivers.v1.catalog_service_pb2 import Location, LocationState
from tests.contract import OURS, SCHEDULER

MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /srv/shared rw - nfs4 server:/export rw
31 30 8:2 / /srv/shared/local rw shared:1 - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/two\\040words rw - cifs //server/share rw
33 22 0:42 / /srv/shared rw - tmpfs tmpfs rw
garbage
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me", "ext4"),
        ("/srv/shared/local/rivers", "xfs"),
        ("/srv/shared/rivers", "tmpfs"),
        ("/srv/shared-not", "ext4"),
        ("/mnt/two words/rivers", "cifs"),
    ],
)
def test_the_nearest_mount_tells_the_file_system(path: str, kind: str) -> None:
    assert file_system(Path(path), MOUNTS) == kind


def test_versions_compare_as_numbers() -> None:
    assert numbers("1.80") < numbers("1.100.0")
    assert numbers("2.1.0") == numbers("2.1")
    assert numbers("6.33rc1") == numbers("6.33")


def test_every_requirement_of_this_installation_is_met() -> None:
    findings = list(check_installation())
    assert [finding.level for finding in findings] == [Level.OK, Level.OK], findings


def test_a_package_that_is_old_or_missing_is_named_with_its_floor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "requires", lambda name: ["grpcio>=999", "no-such-package[binary]>=1.2"])
    old, missing = list(check_installation())[1:]
    assert (old.level, missing.level) == (Level.ERROR, Level.ERROR)
    assert "999" in old.message
    assert "'no-such-package>=1.2'" in missing.remedy


def test_a_file_is_no_storage_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (finding,) = check_directory(tmp_path / "file" / "storage")
    assert finding.level == Level.ERROR
    assert "--storage-path" in finding.remedy


def test_every_service_of_the_scheduler_is_asked_for_its_health() -> None:
    ours = {method.containing_service.full_name for method in SCHEDULER if method in OURS}
    assert set(SERVICES) == ours


@pytest.mark.parametrize(
    ("heard", "level", "told"),
    [
        (0.0, Level.OK, "agrees"),
        (-20.0, Level.OK, "agrees"),
        (10.0, Level.WARNING, "behind the scheduler"),
        (3600.0, Level.WARNING, "behind the scheduler"),
        (-3600.0, Level.WARNING, "ahead of the scheduler"),
    ],
)
def test_a_clock_that_differs_is_told(heard: float, level: Level, told: str) -> None:
    """`heard` is when the scheduler says that it heard a location, on this machine's clock."""
    now = 1_800_000_000.0
    location = Location(name="team", state=LocationState.LOCATION_STATE_READY)
    location.heard_time.FromNanoseconds(int((now + heard) * 1e9))
    finding = check_clock([location], now)
    assert (finding.level, told in finding.message) == (level, True), finding
    assert bool(finding.remedy) is (level != Level.OK)


def test_a_warning_is_not_wrong() -> None:
    assert not is_wrong([Finding("a", Level.OK, ""), Finding("b", Level.WARNING, "")])
    assert is_wrong([Finding("a", Level.OK, ""), Finding("b", Level.ERROR, "")])

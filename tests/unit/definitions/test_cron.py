"""Cron expressions: the dialect, and the times that they name."""

from datetime import UTC, datetime

import pytest

from rivers.definitions.cron import check_cron, check_timezone, latest_time, next_time, passed

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def times(expression, timezone=None, after=NEW_YEAR, count=3):
    found = []
    for _ in range(count):
        after = next_time(expression, timezone, after)
        if after is None:
            break
        found.append(after.strftime("%m-%d %H:%M:%S"))
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 6 * * *", ["01-01 06:00:00", "01-02 06:00:00", "01-03 06:00:00"]),
        ("0 6 * * MON-FRI", ["01-01 06:00:00", "01-02 06:00:00", "01-05 06:00:00"]),
        ("0 0 1 JAN,mar *", ["03-01 00:00:00", "01-01 00:00:00", "03-01 00:00:00"]),
        ("*/5 * * * *", ["01-01 00:05:00", "01-01 00:10:00", "01-01 00:15:00"]),
        ("0 1,2,3 * * *", ["01-01 01:00:00", "01-01 02:00:00", "01-01 03:00:00"]),
        ("0 1-5/2 * * *", ["01-01 01:00:00", "01-01 03:00:00", "01-01 05:00:00"]),
        ("*/20 * * * * *", ["01-01 00:00:20", "01-01 00:00:40", "01-01 00:01:00"]),
        ("30 0 12 * * *", ["01-01 12:00:30", "01-02 12:00:30", "01-03 12:00:30"]),
        ("0 0 0 1 7 * 2027", ["07-01 00:00:00"]),
        ("0 0 0 1 7 * 2020", []),
        ("@daily", ["01-02 00:00:00", "01-03 00:00:00", "01-04 00:00:00"]),
        ("@hourly", ["01-01 01:00:00", "01-01 02:00:00", "01-01 03:00:00"]),
        ("@monthly", ["02-01 00:00:00", "03-01 00:00:00", "04-01 00:00:00"]),
        ("@weekly", ["01-04 00:00:00", "01-11 00:00:00", "01-18 00:00:00"]),
        ("@yearly", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        ("0 0 L * *", ["01-31 00:00:00", "02-28 00:00:00", "03-31 00:00:00"]),
        ("0 0 * * 5#2", ["01-09 00:00:00", "02-13 00:00:00", "03-13 00:00:00"]),
        ("0 0 * * 0", ["01-04 00:00:00", "01-11 00:00:00", "01-18 00:00:00"]),
        ("0 0 * * 7", ["01-04 00:00:00", "01-11 00:00:00", "01-18 00:00:00"]),
        ("0 0 13 * 5", ["01-02 00:00:00", "01-09 00:00:00", "01-13 00:00:00"]),
    ],
)
def test_the_dialect(expression, expected):
    check_cron(expression)
    assert times(expression) == expected


@pytest.mark.parametrize(
    "expression",
    [
        "",
        " ",
        "garbage",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "*/0 * * * *",
        "@reboot",
        "@every 5m",
        "a b c d e",
        "* * * * * * * *",
        "0 0 31 2 *",
        "R R * * *",
        "H H * * *",
        "* R/2 * * *",
    ],
)
def test_what_is_no_expression(expression):
    with pytest.raises(ValueError, match=r"\w"):
        check_cron(expression)


def test_an_expression_is_text():
    with pytest.raises(TypeError, match="a cron expression is a str"):
        check_cron(5)


@pytest.mark.parametrize(
    ("expression", "after", "expected"),
    [
        pytest.param("30 2 * * *", "03-28 12:00", ["29 01:00", "30 00:30", "31 00:30"], id="skipped: at the change"),
        pytest.param("*/20 2 * * *", "03-28 12:00", ["29 01:00", "30 00:00", "30 00:20"], id="skipped: once"),
        pytest.param("0 * * * *", "03-28 23:30", ["29 00:00", "29 01:00", "29 02:00"], id="skipped: every hour"),
        pytest.param("30 2 * * *", "10-24 12:00", ["25 00:30", "26 01:30", "27 01:30"], id="repeated: once"),
        pytest.param("30 1-3 * * *", "10-24 23:00", ["24 23:30", "25 00:30", "25 02:30"], id="repeated: the first"),
        pytest.param("0 * * * *", "10-24 23:30", ["25 00:00", "25 01:00", "25 02:00"], id="repeated: every hour"),
    ],
)
def test_wall_clocks_that_change(expression, after, expected):
    moment = datetime.fromisoformat(f"2026-{after}+00:00")
    shown = []
    for _ in range(3):
        moment = next_time(expression, "Europe/Madrid", moment)
        shown.append(moment.strftime("%d %H:%M"))
    assert shown == expected


@pytest.mark.parametrize(
    ("since", "now", "expected"),
    [("00:00", "05:59", False), ("00:00", "06:00", True), ("06:00", "06:01", False), ("05:59", "07:00", True)],
)
def test_whether_a_time_has_passed(since, now, expected):
    since, now = (datetime.fromisoformat(f"2026-01-01T{time}+00:00") for time in (since, now))
    assert passed("0 6 * * *", None, since, now) is expected


@pytest.mark.parametrize(
    ("expression", "since", "until", "expected"),
    [
        ("0 6 * * *", "03-01 00:00", "03-03 07:00", "03-03 05:00"),
        ("0 6 * * *", "03-01 05:00", "03-02 04:59", None),
        ("0 6 * * *", "03-01 04:59", "03-01 05:00", "03-01 05:00"),
        ("30 2 * * *", "10-24 12:00", "10-25 12:00", "10-25 00:30"),
        ("30 * * * *", "10-24 12:00", "10-25 02:00", "10-25 01:30"),
    ],
)
def test_the_latest_time(expression, since, until, expected):
    since, until = (datetime.fromisoformat(f"2026-{time}+00:00") for time in (since, until))
    found = latest_time(expression, "Europe/Madrid", since, until)
    assert (found and found.strftime("%m-%d %H:%M")) == expected


@pytest.mark.parametrize("name", ["UTC", "Europe/Madrid", "Asia/Kolkata"])
def test_time_zones(name):
    check_timezone(name)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "Europe", "../etc/passwd", "/etc/localtime", "Europe/Madird"])
def test_what_is_no_time_zone(name):
    with pytest.raises(ValueError, match="no such IANA time zone"):
        check_timezone(name)


def test_a_misspelt_zone_gets_a_hint():
    with pytest.raises(ValueError, match="did you mean 'Europe/Madrid'"):
        check_timezone("Europe/Madird")

"""`watch`: bulks to their end, messages as they change."""

import re
import threading

import msgspec
import pytest

from tests.cli.conftest import Cli, started
from tyrian.cli.watching import BulkView

BULK = {
    "id": "b", "name": "n", "state": "running", "sealed": True, "total": 10, "released": 10, "done_by": None,
    "counts": {"sent": 3, "delivered": 5, "failed": 2}, "per_second": None, "schedule": None, "created_at": "",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "ended"),
    [
        ({}, False),
        ({"counts": {"delivered": 10}}, True),
        ({"counts": {"delivered": 10}, "sealed": False}, False),
        ({"counts": {"delivered": 4, "cancelled": 6}, "sealed": False, "state": "cancelled"}, True),
        ({"counts": {"sent": 1, "cancelled": 9}, "state": "cancelled"}, False),
        ({"counts": {}, "total": 0}, True),
    ],
)
def test_a_bulk_has_ended_when_nothing_more_can_come(change: dict[str, object], ended: bool) -> None:
    view = BulkView()
    view.take({**BULK, **change})
    assert view.ended is ended


def test_a_bulk_in_one_line() -> None:
    view = BulkView()
    view.take({**BULK, "done_by": "2026-03-01T09:30:00.000Z"})
    assert view.line() == ("running: 7 of 10 done; sent 3, delivered 5, failed 2; all begun by 09:30:00 UTC")


def test_a_bulk_is_watched_to_its_end(cli: Cli, csv_file: object) -> None:
    file = csv_file("to\n+385991234501\n+385991234510\n")  # type: ignore[operator]
    bulk_id = cli("bulk", file, "-c", "demo-sms", "-t", "Hi", "--validity", "30", "--json").json["bulk_id"]
    told = cli("watch", bulk_id, "--interval", "0.1")
    assert (told.code, told.err) == (0, "")
    last = told.out.splitlines()[-1]
    assert re.match(r"\d\d:\d\d:\d\d  finished: 2 of 2 done; delivered 1, (failed|expired) 1", last), told.out


def test_a_bulk_that_is_not_there(cli: Cli) -> None:
    told = cli("watch", "nothing")
    assert (told.code, told.out) == (4, "")


def test_a_bulk_and_all_is_too_much(cli: Cli) -> None:
    assert cli("watch", "x", "--all").code == 2


def test_all_messages_are_watched_until_interrupted(cli: Cli, demo: str) -> None:
    with started("watch", "--all", "--interval", "0.1", "--json", TYRIAN_URL=demo) as watch:
        # The first look is silent, and nobody knows when it was: so messages are sent until one is told.
        told: list[str] = []
        reader = threading.Thread(target=lambda: told.append(watch.stdout.readline()))
        reader.start()
        while reader.is_alive():
            assert cli("send", "+385991234505", "Hi", "-c", "demo-viber").code == 0
        assert msgspec.json.decode(told[0])["to"].startswith("+")
        watch.signal()
        ended = watch.end()
    assert (ended.code, ended.err) == (0, "")

"""`bulk`: a CSV from its first row to the last outcome, and everything that can come between."""

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, Outcome, started
from tyrian.cli import upload_state

WriteCsv = Callable[[str], Path]

THREE = "to,name\n+385991234501,Ana\n+385991234502,Ivo\n+385991234501,Mia\n"
#: So many that an upload in small chunks is still under way when it is interrupted.
PEOPLE = 6_000
OPTIONS = ("--channel", "demo-sms", "--text", "Hi {{name}}")


def _many(path: Path, count: int) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["to", "name"])
        writer.writerows([f"+3859912{number:05}", f"Ana {number}"] for number in range(count))
    return path


@pytest.fixture
def bulk(cli: Cli) -> Callable[..., Outcome]:
    def run(*arguments: object) -> Outcome:
        return cli("bulk", *arguments)

    return run


def _of(cli: Cli, bulk_id: str) -> Any:
    return cli("bulks", "show", bulk_id, "--json").json


def _ids(cli: Cli) -> list[str]:
    return [bulk["id"] for bulk in cli("bulks", "list", "--json").json["bulks"]]


# -- Well -------------------------------------------------------------------------------------------------------------


def test_a_file_is_sent(cli: Cli, csv_file: WriteCsv) -> None:
    file = csv_file(THREE)
    told = cli("bulk", file, *OPTIONS, "--name", "three")
    assert (told.code, told.err) == (0, "")
    found = re.match(r"Bulk ([0-9a-f-]{36}): 3 recipients taken in .*\.\n", told.out)
    assert found, told.out
    standing = _of(cli, found[1])
    assert (standing["total"], standing["sealed"], standing["name"]) == (3, True, "three")
    assert standing["state"] != "paused"
    assert not upload_state.path_of(file).exists()


def test_it_can_stay_until_everybody_has_an_outcome(cli: Cli, csv_file: WriteCsv) -> None:
    told = cli("bulk", csv_file(THREE), *OPTIONS, "--watch", "--json")
    first, *views = told.json_lines
    assert (first["total"], first["skipped"]) == (3, [])
    assert (views[-1]["state"], views[-1]["counts"]) == ("finished", {"delivered": 3})


def test_each_gets_the_text_with_his_own_words(cli: Cli, csv_file: WriteCsv) -> None:
    told = cli("bulk", csv_file("to;name;x\n+385991234501;Ana;y\n"), *OPTIONS, "--watch", "--json")
    page = cli("bulks", "outcomes", told.json_lines[0]["bulk_id"])
    (row,) = list(csv.DictReader(page.out.splitlines()))
    assert (row["to"], row["status"]) == ("+385991234501", "delivered")
    message = cli("message", row["id"], "--json").json
    assert message["variables"] == {"name": "Ana"}


def test_many_chunks_come_to_one_bulk(bulk: Callable[..., Outcome], tmp_path: Path) -> None:
    told = bulk(_many(tmp_path / "many.csv", 700), *OPTIONS, "--chunk", "100", "--json")
    assert (told.json["total"], told.code) == (700, 0)


def test_the_schedule_is_the_bulks(cli: Cli, csv_file: WriteCsv) -> None:
    when = ("--speed", "60/minute", "--window", "00:00-00:00", "--send-at", "2199-01-01T00:00:00Z")
    told = cli("bulk", csv_file(THREE), *OPTIONS, *when)
    assert (told.code, "/schedule/send_at" in told.err) == (4, True)
    told = cli("bulk", csv_file(THREE), *OPTIONS, *when[:4], "--json")
    schedule = _of(cli, told.json["bulk_id"])["schedule"]
    assert schedule["speed_limit"] == {"messages": 60, "per": "minute"}


# -- Bad rows ---------------------------------------------------------------------------------------------------------

BAD = "to,name\n+385991234501,Ana\nabc,Bo\n,Iva\n+385991234502,Mia\n"


def test_a_row_that_is_bad_at_sight_stops_everything_before_it_begins(cli: Cli, csv_file: WriteCsv) -> None:
    before = _ids(cli)
    file = csv_file(BAD)
    told = cli("bulk", file, *OPTIONS)
    assert (told.code, told.out) == (2, "")
    assert told.err.splitlines() == [
        f"{file}, line 4: names no recipient.",
        f"{file} has 1 bad row: nothing was sent. Mend the file, or leave such rows out with --skip-bad.",
    ]
    assert _ids(cli) == before


def test_a_row_that_the_gateway_refuses_stops_everything_too(cli: Cli, csv_file: WriteCsv) -> None:
    file = csv_file(BAD.replace(",Iva", "12,Iva"))
    told = cli("bulk", file, *OPTIONS, "--chunk", "1")
    assert told.code == 4
    assert [line.split(":")[0] for line in told.err.splitlines()[:2]] == [f"{file}, line 3", f"{file}, line 4"]
    assert "has 2 bad rows: nothing was sent" in told.err
    (newest,) = cli("bulks", "list", "-n", "1", "--json").json["bulks"]
    assert newest["state"] == "cancelled"
    last = cli("watch", newest["id"], "--interval", "0.1", "--json").json_lines[-1]
    assert last["counts"] == {"cancelled": 1}
    assert not upload_state.path_of(file).exists()


@pytest.mark.parametrize("chunk", ["1", "2", "1000"])
def test_bad_rows_can_be_left_out(cli: Cli, csv_file: WriteCsv, chunk: str) -> None:
    file = csv_file(BAD)
    told = cli("bulk", file, *OPTIONS, "--skip-bad", "--chunk", chunk, "--json")
    assert told.code == 0
    assert told.json["total"] == 2
    assert [row["line"] for row in told.json["skipped"]] == [3, 4]
    assert f"{file}, line 4: names no recipient." in told.err


def test_only_some_of_very_many_bad_rows_are_listed(bulk: Callable[..., Outcome], csv_file: WriteCsv) -> None:
    told = bulk(csv_file("to,name\n" + ",x\n" * 1500), *OPTIONS)
    assert told.code == 2
    lines = told.err.splitlines()
    assert len(lines) == 22
    assert lines[20] == "... and 980 more."
    assert "has at least 1,000 bad rows" in lines[21]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("to,name\n", "has a heading and no rows"),
        ("number,name\n1,2\n", "must have a column `to`"),
        ("to,first\n+385991234501,Ana\n", "The text uses {{name}}, and "),
    ],
)
def test_files_that_are_no_use(bulk: Callable[..., Outcome], csv_file: WriteCsv, text: str, said: str) -> None:
    told = bulk(csv_file(text), *OPTIONS)
    assert told.code == 2
    assert said in told.err


def test_a_plan_that_the_gateway_refuses_leaves_nothing_behind(
    bulk: Callable[..., Outcome], csv_file: WriteCsv
) -> None:
    file = csv_file(THREE)
    told = bulk(file, "--text", "Hi", "--channel", "nothing")
    assert (told.code, "/cascade/0/channel" in told.err) == (4, True)
    assert not upload_state.path_of(file).exists()


# -- Going on ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def interrupted(demo: str, cli: Cli, tmp_path: Path) -> tuple[Path, str]:
    """A file whose upload was ended by Ctrl-C, and its bulk."""
    file = _many(tmp_path / "people.csv", PEOPLE)
    with started("bulk", file, *OPTIONS, "--chunk", "20", TYRIAN_URL=demo) as upload:
        while not upload_state.path_of(file).exists() or b'"offset":0' in upload_state.path_of(file).read_bytes():
            assert upload.process.poll() is None
        upload.signal()
        told = upload.end()
    assert told.code == 130
    state = upload_state.load(file)
    assert state is not None
    assert f"Bulk {state.bulk_id} has " in told.err
    assert "Nothing was sent yet. Run the same command again to go on." in told.err
    assert 0 < state.offset < PEOPLE
    standing = _of(cli, state.bulk_id)
    assert (standing["state"], standing["released"]) == ("paused", 0)
    return file, state.bulk_id


def test_an_interrupted_upload_goes_on_and_takes_nobody_twice(cli: Cli, interrupted: tuple[Path, str]) -> None:
    file, bulk_id = interrupted
    other = cli("bulk", file, "--channel", "demo-sms", "--text", "Bye {{name}}")
    assert other.code == 2
    assert f"was begun as bulk {bulk_id} and not finished, with another text or other options." in other.err
    assert cli("bulk", file, *OPTIONS, "--skip-bad").code == 2
    assert cli("bulk", file, *OPTIONS, "--resume", bulk_id[:-1] + "x").code == 2
    told = cli("bulk", file, *OPTIONS)
    assert told.code == 0
    assert told.err.startswith(f"Going on with bulk {bulk_id}: it has ")
    assert _of(cli, bulk_id)["total"] == PEOPLE
    assert not upload_state.path_of(file).exists()
    cli("bulks", "cancel", bulk_id, "--yes")


def test_an_upload_goes_on_without_what_was_remembered(cli: Cli, interrupted: tuple[Path, str]) -> None:
    file, bulk_id = interrupted
    upload_state.path_of(file).unlink()
    told = cli("bulk", file, "--resume", bulk_id, "--json")
    assert (told.code, told.json["total"]) == (0, PEOPLE)
    assert cli("bulk", file, "--resume", bulk_id, "--json").json["total"] == PEOPLE
    cli("bulks", "cancel", bulk_id, "--yes")


def test_an_upload_of_a_file_that_was_edited_does_not_go_on(cli: Cli, interrupted: tuple[Path, str]) -> None:
    file, bulk_id = interrupted
    with file.open("a") as appended:
        appended.write("+385991234501,New\n")
    told = cli("bulk", file, *OPTIONS)
    assert told.code == 2
    assert "the file was changed since" in told.err
    assert f"tyrian bulks cancel {bulk_id}" in told.err


def test_what_was_remembered_of_a_gateway_that_is_gone(cli: Cli, csv_file: WriteCsv, demo: str) -> None:
    file = csv_file(THREE)
    cli("bulk", file, *OPTIONS)
    from tyrian.cli.recipients import identity

    plan = {"cascade": [{"channel": "demo-sms", "content": {"type": "text", "text": "Hi {{name}}"}}]}
    state = upload_state.State(
        bulk_id="01980f5e-6c00-7000-8000-3f2a9b1c4d5e", url=demo, file=identity(file), byte=8, line=1,
        plan=upload_state.hash_of(plan),
    )  # fmt: skip
    assert upload_state.save(file, state)
    told = cli("bulk", file, *OPTIONS)
    assert (told.code, "which this gateway does not have" in told.err) == (2, True)
    upload_state.path_of(file).write_text("{")
    assert "cannot be read" in cli("bulk", file, *OPTIONS).err


def test_a_folder_that_cannot_be_written_stops_no_upload(
    bulk: Callable[..., Outcome], csv_file: WriteCsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "Permission denied")

    file = csv_file(THREE)
    monkeypatch.setattr(Path, "replace", refuse)
    assert bulk(file, *OPTIONS).code == 0


# -- Steering ---------------------------------------------------------------------------------------------------------


def test_a_bulk_is_paused_resumed_and_cancelled(cli: Cli, csv_file: WriteCsv) -> None:
    failing = csv_file("to,name\n+385991234510,Ana\n+385991234501,Bo\n+385991234501,Mia\n")
    bulk_id = cli("bulk", failing, *OPTIONS, "--speed", "1/day", "--json").json["bulk_id"]
    assert "is paused" in cli("bulks", "pause", bulk_id).out
    assert cli("bulks", "list", "--state", "paused", "--json").json["bulks"][0]["id"] == bulk_id
    assert "goes on" in cli("bulks", "resume", bulk_id).out
    assert cli("bulks", "cancel", bulk_id).code == 2
    assert "is cancelled" in cli("bulks", "cancel", bulk_id, "--yes").out
    watched = cli("watch", bulk_id, "--interval", "0.2", "--json")
    assert watched.code == 1
    assert watched.json_lines[-1]["counts"]["cancelled"] >= 1
    assert cli("bulks", "resume", bulk_id).code == 4
    shown = cli("bulks", "show", bulk_id).out
    assert f"Bulk {bulk_id}" in shown
    assert re.search(r"cancelled +[123] ", shown)


def test_what_failed_in_a_bulk_is_sent_again(cli: Cli, csv_file: WriteCsv) -> None:
    refused = csv_file("to,name\n+385991234504,Ana\n+385991234501,Bo\n")
    viber = ("--channel", "demo-viber", "--text", "Hi {{name}}")
    bulk_id = cli("bulk", refused, *viber, "--json").json["bulk_id"]
    assert cli("watch", bulk_id, "--interval", "0.2", "--json").json_lines[-1]["counts"]["failed"] == 1
    assert "messages go out again as bulk" in cli("bulks", "retry", bulk_id).out
    fine = cli("bulk", csv_file("to,name\n+385991234501,Bo\n"), *OPTIONS, "--json").json["bulk_id"]
    assert cli("watch", fine, "--interval", "0.2", "--json").code == 0
    again = cli("bulks", "retry", fine)
    assert (again.code, "nothing to send again" in again.err) == (4, True)


def test_outcomes_go_into_a_file(cli: Cli, csv_file: WriteCsv, tmp_path: Path) -> None:
    bulk_id = cli("bulk", csv_file(THREE), *OPTIONS, "--json").json["bulk_id"]
    assert cli("bulks", "outcomes", bulk_id, "-o", tmp_path / "out.csv").code == 0
    assert len((tmp_path / "out.csv").read_text().splitlines()) == 4
    assert cli("bulks", "outcomes", bulk_id, "-o", tmp_path / "no" / "out.csv").code == 2
    assert cli("bulks", "outcomes", "nothing").code == 4

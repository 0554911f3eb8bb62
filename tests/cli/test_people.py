"""People from the command line, against the demo."""

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest

from tests.cli.conftest import Cli
from tyrian.cli import people_work, suppression_import
from tyrian.cli.client import Api
from tyrian.cli.failures import Failure

_numbers = count(1)


def number() -> str:
    """A number that no other test uses."""
    return f"+38599770{next(_numbers):02}01"


def known(cli: Cli, address: str) -> str:
    """The id of a contact with an address."""
    made = cli("consent", "record", address, "--granted", "--evidence", "a form", "--json")
    assert made.code == 0, made
    return str(made.json["contacts"][0])


def test_a_person_is_found_and_shown(cli: Cli) -> None:
    address = number()
    identifier = known(cli, address)
    listed = cli("contacts", "list", "--address", address)
    assert (listed.code, identifier in listed.out, address in listed.out) == (0, True, True)
    assert cli("suppressions", "add", identifier, "--reason", "asked for it").code == 0
    for who in (address, identifier):
        shown = cli("contacts", "show", who)
        assert shown.code == 0, shown
        for words in (identifier, "a form", "opted_in", "asked for it", "demo-sms"):
            assert words in shown.out
    told = cli("contacts", "show", address, "--json").json
    assert (told["contact"]["id"], told["records"][0]["granted"]) == (identifier, True)
    assert told["suppressions"][0]["contact_id"] == identifier


def test_who_is_not_there_is_told(cli: Cli) -> None:
    nobody = cli("contacts", "show", "+385997799999")
    assert (nobody.code, 'No contact has the address "+385997799999"' in nobody.err) == (1, True)
    assert cli("contacts", "show", "01980f5e-6c00-7000-8000-00000000abcd").code == 4
    assert "no such contact" in cli("contacts", "list", "--name", "nobody is called so").out


def test_a_bots_user_is_known_by_the_bots_own_id(cli: Cli) -> None:
    recorded = ("consent", "record", "01234567890A=", "--granted", "--address-of")
    assert cli(*recorded, "demo-bot").code == 0
    assert "01234567890A= (demo-bot)" in cli("contacts", "list", "--address", "01234567890A=").out
    assert cli(*recorded, "demo-viber").code == 4


class _Two:
    """Two contacts with the same address, on two channels."""

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        assert (path, query) == ("/contacts", {"address": "u1"})
        return {"contacts": [{"id": "one", "name": "Ana"}, {"id": "two", "name": None}]}


async def test_an_address_of_several_is_told_with_their_ids() -> None:
    with pytest.raises(Failure) as caught:
        await people_work.contact_of(cast("Api", _Two()), "u1")
    assert caught.value.sentences[1:] == ("  one  Ana", "  two")


def test_two_become_one_and_are_erased(cli: Cli) -> None:
    one, other = number(), number()
    kept, gone = known(cli, one), known(cli, other)
    unsaid = cli("contacts", "merge", one, other)
    assert (unsaid.code, "--yes" in unsaid.err) == (2, True)
    merged = cli("contacts", "merge", one, gone, "--yes", "--json").json
    assert (merged["id"], len(merged["addresses"])) == (kept, 2)
    assert cli("consent", "record", other, "--revoked", "--purpose", "promotional").code == 0
    assert cli("contacts", "erase", other).code == 2
    assert cli("contacts", "erase", other, "--yes").code == 0
    assert cli("contacts", "erase", kept, "--yes", "--json").json == {"id": kept, "erased": True}
    assert cli("contacts", "show", one).code == 1
    left = cli("suppressions", "list", "--address", one, "--json").json["suppressions"]
    assert [(e["purpose"], e["lifted_by"]) for e in left] == [("promotional", "consent")]


def test_whether_a_message_would_go_out(cli: Cli) -> None:
    address = number()
    asked = ("consent", "check", address, "--channel", "demo-sms")
    assert (cli(*asked).code, cli(*asked, "--json").json["allowed"]) == (0, True)
    assert cli("suppressions", "add", address, "--reason", "complained").code == 0
    told = cli(*asked)
    assert (told.code, f"(suppressed): {address} is on the suppression list: complained." in told.out) == (1, True)
    (entry,) = cli("suppressions", "list", "--address", address, "--json").json["suppressions"]
    assert "complained" in cli("suppressions", "list", "--address", address).out
    assert cli("suppressions", "remove", entry["id"]).code == 0
    assert cli("suppressions", "remove", entry["id"]).code == 4
    assert cli(*asked).code == 0
    assert cli("consent", "check", address, "--channel", "nowhere").code == 4


def test_a_file_is_imported_in_parts(
    cli: Cli, csv_file: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suppression_import, "PART", 2)
    file = csv_file('\ufeffAddress;Reason\n+385997000001;a\n\n+385997000002;"b, or\nc"\n+385997000003;d\n')
    done = cli("suppressions", "import", file)
    assert (done.code, "3 addresses are on the suppression list." in done.out) == (0, True), done
    (entry,) = cli("suppressions", "list", "--address", "+385997000002", "--json").json["suppressions"]
    assert entry["reason"] == "b, or\nc"
    wrong = cli("suppressions", "import", csv_file("address,purpose\n+385997000001,\n1,otp\n\n+385997000002,spam\n"))
    assert wrong.code == 4
    assert "line 5, purpose: invalid enum value" in wrong.err
    assert "2 addresses before line 5 are on the list." in wrong.err


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("address\n", 2, "no rows"),
        ("", 2, "no rows"),
        ("number\n1\n", 4, "names the columns"),
        ("address\n\udcff\n", 2, "not UTF-8"),
        ("address\n1\x00\n", None, ""),
    ],
)
def test_what_is_no_list_is_told(
    cli: Cli, csv_file: Callable[[str], Path], text: str, code: int | None, words: str
) -> None:
    told = cli("suppressions", "import", csv_file(text))
    assert told.code == code if code is not None else told.code in (2, 4), told
    assert words in told.err


def test_a_file_that_is_not_there_is_told(cli: Cli, tmp_path: Path) -> None:
    told = cli("suppressions", "import", tmp_path / "nothing.csv")
    assert (told.code, "cannot be read" in told.err) == (2, True)

"""What the commands under `tyrian keys` and `tyrian accounts` do."""

from typing import Final

from rich.text import Text

from tyrian.cli.client import run
from tyrian.cli.desk import Json, desk
from tyrian.cli.places import Where
from tyrian.cli.terminal import moment, print_json, screen, table
from tyrian.engine.keys import SCOPES

#: What a key may do unless it is said: everything within its account.
USUAL_SCOPES: Final = sorted(set(SCOPES) - {"accounts:manage"})


def list_keys(where: Where, *, as_json: bool) -> None:
    """Lists keys."""

    async def work() -> list[Json]:
        async with desk(where) as at:
            return await at.keys()

    keys = run(work())
    if as_json:
        print_json({"keys": keys})
        return
    rows = [
        (k["id"], k["name"], k["face"], f"{k['prefix']}...", moment(k["created_at"]), _scopes(k["scopes"]))
        for k in keys
    ]
    screen().print(table(("id", "name", "face", "begins with", "made", "scopes"), rows))


def create_key(where: Where, request: Json, scopes: list[str] | None, *, as_json: bool) -> None:
    """Makes a key and shows its secret."""

    async def work() -> Json:
        async with desk(where) as at:
            wanted = {name: value for name, value in request.items() if value is not None}
            return await at.create_key({**wanted, "scopes": scopes or USUAL_SCOPES})

    made = run(work())
    if as_json:
        print_json(made)
        return
    console = screen()
    if made["identity"]:
        console.print(f"Name    {made['identity']}")
    console.print(f"Secret  {made['secret']}")
    console.print(Text(f"It is shown this once. Key {made['id']}: {_scopes(made['scopes'])}.", "bright_black"))


def revoke_key(where: Where, key_id: str) -> None:
    """Ends a key."""

    async def work() -> None:
        async with desk(where) as at:
            await at.revoke_key(key_id)

    run(work())
    screen().print(f"Key {key_id} was revoked.")


def list_accounts(where: Where, *, as_json: bool) -> None:
    """Lists accounts."""

    async def work() -> list[Json]:
        async with desk(where) as at:
            return await at.accounts()

    accounts = run(work())
    if as_json:
        print_json({"accounts": accounts})
    else:
        screen().print(table(("name", "made"), [(a["name"], moment(a["created_at"])) for a in accounts]))


def create_account(where: Where, name: str, *, operator: bool, as_json: bool) -> None:
    """Makes an account and shows its first secrets."""

    async def work() -> Json:
        async with desk(where) as at:
            return await at.create_account(name, operator=operator)

    made = run(work())
    if as_json:
        print_json(made)
        return
    console = screen()
    console.print(f"Account {made['name']} was made.")
    console.print(f"API key                 {made['key']['secret']}")
    console.print(f"Signs your callbacks    {made['signing_secret']['secret']}")
    console.print(
        Text("Both are shown this once. Put the key into TYRIAN_API_KEY for this command line.", "bright_black")
    )


def _scopes(scopes: list[str]) -> str:
    if sorted(scopes) == sorted(SCOPES):
        return "everything, and accounts"
    return "everything in its account" if sorted(scopes) == USUAL_SCOPES else ", ".join(scopes)

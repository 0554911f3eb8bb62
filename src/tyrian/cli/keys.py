"""`tyrian keys` and `tyrian accounts`: who may call."""

from typing import Annotated, Any

import typer

from tyrian.cli import options
from tyrian.cli.places import Where, placed

group = typer.Typer(no_args_is_help=True, help="The API keys of an account.")
accounts = typer.Typer(no_args_is_help=True, help="Accounts: tenants with keys, channels and messages of their own.")


@group.command("list")
@placed
def list_keys(where: Where, as_json: options.AsJson = False) -> None:
    """List the account's keys in force."""
    from tyrian.cli import key_work as work

    work.list_keys(where, as_json=as_json)


@group.command("create")
@placed
def create_key(
    where: Where,
    name: Annotated[str, typer.Option("--name", help="A name for people to tell it by.")] = "command line",
    scopes: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="Something the key may do; may be given several times. All but the making of accounts, unless given.",
            show_default=False,
        ),
    ] = None,
    face: Annotated[
        str, typer.Option("--face", help="The API that the key is for; `native` is Tyrian's own.")
    ] = "native",
    form: Annotated[
        str, typer.Option("--form", help="token, pair (a user name and a password) or signed (a name and a secret).")
    ] = "token",
    identity: Annotated[
        str | None,
        typer.Option(
            "--identity", help="The user name or public name, for the forms that have one.", show_default=False
        ),
    ] = None,
    rate: Annotated[
        float | None, typer.Option("--rate", help="Requests per second, on each node.", show_default=False)
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Create a key. Its secret is shown this once.

    The first key of an account is made with `--local`, on the machine of the gateway:
    `tyrian keys create --local --account shop`
    """
    from tyrian.cli import key_work as work

    request: dict[str, Any] = {"name": name, "face": face, "form": form, "identity": identity, "rate": rate}
    work.create_key(where, request, scopes, as_json=as_json)


@group.command("revoke")
@placed
def revoke_key(
    where: Where,
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The key's id, as `tyrian keys list` shows it.")],
    yes: options.Yes = False,
) -> None:
    """Revoke a key. Whoever uses it is refused within seconds."""
    from tyrian.cli import key_work as work

    options.sure(f"Revoke the key {key_id}? This cannot be undone.", yes=yes)
    work.revoke_key(where, key_id)


@accounts.command("list")
@placed
def list_accounts(where: Where, as_json: options.AsJson = False) -> None:
    """List the accounts that may be seen: all of them for an operator, and for others their own."""
    from tyrian.cli import key_work as work

    work.list_accounts(where, as_json=as_json)


@accounts.command("create")
@placed
def create_account(
    where: Where,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The account's name.")],
    operator: Annotated[
        bool, typer.Option("--operator", help="Let the account's first key make further accounts; with `--local`.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Create an account, with its first key and the secret that signs its callbacks. Both are shown this once.

    On a new gateway, make the first one with `--local`, on its machine: `tyrian accounts create shop --local`
    """
    from tyrian.cli import key_work as work

    work.create_account(where, name, operator=operator, as_json=as_json)

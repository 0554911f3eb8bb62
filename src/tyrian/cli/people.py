"""`tyrian contacts`, `tyrian consent` and `tyrian suppressions`: who people are, and whether they may be written to."""

from pathlib import Path
from typing import Annotated

import typer

from tyrian.cli import options

contacts = typer.Typer(no_args_is_help=True, help="Contacts: people with all their addresses.")
consent = typer.Typer(no_args_is_help=True, help="Who agreed to be written to, and whether a message would go out.")
suppressions = typer.Typer(no_args_is_help=True, help="Addresses and people that are not written to.")

Who = Annotated[
    str,
    typer.Argument(
        metavar="WHO", help="The contact's id, or an address that one contact has: a number, or a network's own id."
    ),
]
ForChannel = Annotated[
    str | None, typer.Option("--channel", "-c", help="The channel it is for; all unless given.", show_default=False)
]
ForPurpose = Annotated[
    str | None,
    typer.Option(
        "--purpose",
        "-p",
        help="The purpose it is for: transactional, promotional, session or otp; all unless given.",
        show_default=False,
    ),
]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many at most.")]


# -- Contacts ---------------------------------------------------------------------------------------------------------


@contacts.command("list")
def list_contacts(
    name: Annotated[
        str | None, typer.Option("--name", help="Only those with this in their name.", show_default=False)
    ] = None,
    address: Annotated[
        str | None, typer.Option("--address", help="Only those with this address.", show_default=False)
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", help="Only those of a language, such as `hr`.", show_default=False)
    ] = None,
    country: Annotated[
        str | None, typer.Option("--country", help="Only those of a country, such as `HR`.", show_default=False)
    ] = None,
    limit: Limit = 20,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """List contacts, newest first."""
    from tyrian.cli import people_work as work

    query = {"name": name, "address": address, "language": language, "country": country, "limit": limit}
    work.list_contacts(url, key, query, as_json=as_json)


@contacts.command("show")
def show(
    who: Who, as_json: options.AsJson = False, url: options.Url = options.DEFAULT_URL, key: options.Key = None
) -> None:
    """Show a person: addresses, what they agreed to, where they stand on each channel, whether they are suppressed."""
    from tyrian.cli import people_work as work

    work.show(url, key, who, as_json=as_json)


@contacts.command("merge")
def merge(
    kept: Annotated[str, typer.Argument(metavar="KEPT", help="The contact that stays: its id, or an address of it.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The contact that becomes part of it.")],
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Make one contact of two that are the same person. This cannot be undone."""
    from tyrian.cli import people_work as work

    options.sure(f"Make one contact of {kept} and {other}? This cannot be undone.", yes=yes)
    work.merge(url, key, kept, other, as_json=as_json)


@contacts.command("erase")
def erase(
    who: Who,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Erase a person. Opt-outs and suppressions stay, by address. This cannot be undone."""
    from tyrian.cli import people_work as work

    options.sure(f"Erase {who} and all that is remembered of them? This cannot be undone.", yes=yes)
    work.erase(url, key, who, as_json=as_json)


# -- Consent ----------------------------------------------------------------------------------------------------------


@consent.command("check")
def check(
    to: Annotated[str, typer.Argument(metavar="TO", help="The recipient, as the channel knows them.")],
    channel: Annotated[str, typer.Option("--channel", "-c", help="The channel to send on.", show_default=False)],
    purpose: Annotated[str, typer.Option("--purpose", "-p", help="What the message is for.")] = "transactional",
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it would go out; now unless given.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Ask whether a message would go out, and if not, by which rule. Ends with 1 if it would not."""
    from tyrian.cli import people_work as work

    work.check(url, key, {"to": to, "channel": channel, "purpose": purpose, "at": at}, as_json=as_json)


@consent.command("record")
def record(
    who: Annotated[str, typer.Argument(metavar="WHO", help="The contact's id, or an address.")],
    granted: Annotated[
        bool,
        typer.Option("--granted/--revoked", help="They agreed to be written to, or took it back.", show_default=False),
    ],
    channel: ForChannel = None,
    purpose: ForPurpose = None,
    address_of: Annotated[
        str | None,
        typer.Option(
            "--address-of",
            metavar="CHANNEL",
            help="The channel whose network calls the person so, where WHO is no phone number.",
            show_default=False,
        ),
    ] = None,
    evidence: Annotated[
        str | None,
        typer.Option("--evidence", help="What proves it: a form, a page, their words.", show_default=False),
    ] = None,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When it was; now unless given.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Record that a person agreed to something, or took it back. The latest record counts."""
    from tyrian.cli import people_work as work

    said = {"granted": granted, "channel": channel, "purpose": purpose, "evidence": evidence, "at": at}
    work.record(url, key, who, address_of, said, as_json=as_json)


# -- Suppressions -----------------------------------------------------------------------------------------------------


@suppressions.command("list")
def list_suppressions(
    address: Annotated[
        str | None,
        typer.Option("--address", help="Only entries of an address, and of whoever has it.", show_default=False),
    ] = None,
    contact: Annotated[
        str | None,
        typer.Option(
            "--contact", metavar="ID", help="Only entries of a contact and its addresses.", show_default=False
        ),
    ] = None,
    limit: Limit = 20,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """List whom the account does not write to, newest first."""
    from tyrian.cli import people_work as work

    query = {"address": address, "contact_id": contact, "limit": limit}
    work.list_suppressions(url, key, query, as_json=as_json)


@suppressions.command("add")
def add(
    who: Annotated[
        str, typer.Argument(metavar="WHO", help="An address; or a contact's id, for every address of that person.")
    ],
    channel: ForChannel = None,
    purpose: ForPurpose = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; shown where a message is refused.")] = "",
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="When it ends; never unless given.", show_default=False),
    ] = None,
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Put an address or a person on the list. An entry that is there gets the new reason and end."""
    from tyrian.cli import people_work as work

    entry = {"channel": channel, "purpose": purpose, "reason": reason or None, "until": until}
    work.suppress(url, key, who, entry, as_json=as_json)


@suppressions.command("remove")
def remove(
    entry_id: Annotated[str, typer.Argument(metavar="ID", help="The entry's id: see `tyrian suppressions list`.")],
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Take an entry off the list."""
    from tyrian.cli import people_work as work

    work.unsuppress(url, key, entry_id, as_json=as_json)


@suppressions.command("import")
def import_list(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            help="The first line names the columns: `address`, and any of `channel`, `purpose`, `reason`, `until`.",
            show_default=False,
        ),
    ],
    as_json: options.AsJson = False,
    url: options.Url = options.DEFAULT_URL,
    key: options.Key = None,
) -> None:
    """Put the addresses in a CSV file on the list, however many. What is wrong is told with its line.

    Up to 20,000 rows go in one request, all or none; a longer file in several, and running the same command again
    changes nothing of what is there.
    """
    from tyrian.cli import suppression_import as work

    work.import_list(url, key, file, as_json=as_json)

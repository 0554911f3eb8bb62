"""What the commands under `tyrian contacts`, `tyrian consent` and `tyrian suppressions` do."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from uuid import UUID

from rich.text import Text

from tyrian.cli.client import Api, run, segment
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.terminal import indented, moment, print_json, screen, table


def _with(url: str, key: str | None, work: Callable[[Api], Awaitable[Any]]) -> Any:
    async def go() -> Any:
        async with Api(url, key) as api:
            return await work(api)

    return run(go())


def _said(fields: Mapping[str, Any]) -> dict[str, Any]:
    """What was given."""
    return {name: value for name, value in fields.items() if value is not None}


def _is_id(who: str) -> bool:
    try:
        UUID(who)
    except ValueError:
        return False
    return True


async def contact_of(api: Api, who: str) -> str:
    """The id of the contact that is meant. Raises `Failure`."""
    if _is_id(who):
        return who
    found = (await api.get("/contacts", address=who))["contacts"]
    if len(found) == 1:
        return str(found[0]["id"])
    if not found:
        raise Failure(f'No contact has the address "{who}".')
    ids = [f"  {one['id']}  {one['name'] or ''}".rstrip() for one in found]
    raise Failure(f'"{who}" is an address of several contacts, on different channels. Give one of their ids:', *ids)


# -- Contacts ---------------------------------------------------------------------------------------------------------


def list_contacts(url: str, key: str | None, query: Mapping[str, Any], *, as_json: bool) -> None:
    """Lists contacts."""
    page = _with(url, key, lambda api: api.get("/contacts", **query))
    if as_json:
        print_json(page)
        return
    rows = [
        (c["id"], c["name"], c["language"], c["country"], _addresses(c), moment(c["updated_at"]))
        for c in page["contacts"]
    ]
    headings = ("id", "name", "language", "country", "addresses", "changed")
    screen().print(table(headings, rows) if rows else "There is no such contact.")


def _addresses(contact: Mapping[str, Any]) -> str:
    return ", ".join(f"{a['address']} ({a['channel']})" if a["channel"] else a["address"] for a in contact["addresses"])


def show(url: str, key: str | None, who: str, *, as_json: bool) -> None:
    """Shows a person."""

    async def work(api: Api) -> dict[str, Any]:
        path = f"/contacts/{segment(await contact_of(api, who))}"
        contact = await api.get(path)
        listed = await api.get("/suppressions", contact_id=contact["id"])
        return {"contact": contact, **await api.get(f"{path}/consent"), "suppressions": listed["suppressions"]}

    found = _with(url, key, work)
    if as_json:
        print_json(found)
    else:
        _print_person(found)


def _print_person(found: Mapping[str, Any]) -> None:
    out, contact = screen(), found["contact"]
    facts = (("id", "name", "language", "country"), [[contact[n] for n in ("id", "name", "language", "country")]])
    out.print(table(*facts))
    attributes = [(name, str(value)) for name, value in contact["attributes"].items()]
    addresses = [(a["address"], a["channel"], a["source"], moment(a["added_at"])) for a in contact["addresses"]]
    standing = [
        (s["channel"], s["network"], s["blocked"]["reason"] if s["blocked"] else None, *s["purposes"].values())
        for s in found["standing"]
    ]
    purposes = tuple(found["standing"][0]["purposes"]) if found["standing"] else ()
    records = [
        (
            "granted" if r["granted"] else "revoked",
            r["channel"],
            r["purpose"],
            r["source"],
            moment(r["at"]),
            r["evidence"],
        )
        for r in found["records"]
    ]
    for title, headings, rows in (
        ("Attributes", ("name", "value"), attributes),
        ("Addresses", ("address", "channel", "source", "since"), addresses),
        ("Standing", ("channel", "network", "blocked", *purposes), standing),
        ("Consent", ("", "channel", "purpose", "source", "at", "evidence"), records),
        ("Suppressions", *_suppressions(found["suppressions"])),
    ):
        if rows:
            out.print(Text(f"\n{title}", "bold"))
            out.print(indented(table(headings, rows)))


def merge(url: str, key: str | None, kept: str, other: str, *, as_json: bool) -> None:
    """Makes one contact of two."""

    async def work(api: Api) -> Any:
        stays, goes = await contact_of(api, kept), await contact_of(api, other)
        return await api.post(f"/contacts/{segment(stays)}/merge", {"contact_id": goes})

    contact = _with(url, key, work)
    if as_json:
        print_json(contact)
    else:
        screen().print(f"Contact {contact['id']} has {_addresses(contact) or 'no address'}.")


def erase(url: str, key: str | None, who: str, *, as_json: bool) -> None:
    """Erases a person."""

    async def work(api: Api) -> str:
        identifier = await contact_of(api, who)
        await api.delete(f"/contacts/{segment(identifier)}")
        return identifier

    identifier = _with(url, key, work)
    if as_json:
        print_json({"id": identifier, "erased": True})
    else:
        screen().print(f"Contact {identifier} is erased. What keeps them from messages stays on the suppression list.")


# -- Consent ----------------------------------------------------------------------------------------------------------


def check(url: str, key: str | None, asked: Mapping[str, Any], *, as_json: bool) -> None:
    """Says whether a message would go out; ends with a code of 1 if not."""
    answer = _with(url, key, lambda api: api.post("/consent/check", _said(asked)))
    if as_json:
        print_json(answer)
    elif answer["allowed"]:
        screen().print("It would go out.")
    else:
        wait = f" It would wait until {moment(answer['until'])}." if answer["until"] else ""
        screen().print(f"It would not go out ({answer['reason']}): {asked['to']} {answer['rule']}.{wait}")
    if not answer["allowed"]:
        raise Failure(code=Exit.FAILED)


def record(
    url: str, key: str | None, who: str, address_of: str | None, said: Mapping[str, Any], *, as_json: bool
) -> None:
    """Records a consent."""
    if address_of is None and _is_id(who):
        whom: dict[str, Any] = {"contact_id": who}
    else:
        whom = {"to": _said({"address": who, "channel": address_of})}
    answer = _with(url, key, lambda api: api.post("/consent", {"records": [{**whom, **_said(said)}]}))
    if as_json:
        print_json(answer)
    else:
        word = "agreed" if said["granted"] else "took it back"
        screen().print(f"Recorded that contact {answer['contacts'][0]} {word}.")


# -- Suppressions -----------------------------------------------------------------------------------------------------


def _suppressions(entries: list[Mapping[str, Any]]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    rows = [
        (
            e["id"],
            e["address"] or e["name"] or e["contact_id"],
            e["channel"],
            e["purpose"],
            e["reason"],
            moment(e["until"]),
        )
        for e in entries
    ]
    return ("id", "who", "channel", "purpose", "reason", "until"), rows


def list_suppressions(url: str, key: str | None, query: Mapping[str, Any], *, as_json: bool) -> None:
    """Lists entries."""
    page = _with(url, key, lambda api: api.get("/suppressions", **query))
    if as_json:
        print_json(page)
        return
    headings, rows = _suppressions(page["suppressions"])
    screen().print(table(headings, rows) if rows else "Nobody is suppressed.")


def suppress(url: str, key: str | None, who: str, entry: Mapping[str, Any], *, as_json: bool) -> None:
    """Puts an address or a person on the list."""
    whom = {"contact_id": who} if _is_id(who) else {"address": who}
    answer = _with(url, key, lambda api: api.post("/suppressions", {"suppressions": [{**whom, **_said(entry)}]}))
    if as_json:
        print_json(answer)
    else:
        screen().print(f"{who} is on the suppression list.")


def unsuppress(url: str, key: str | None, entry_id: str, *, as_json: bool) -> None:
    """Takes an entry off the list."""
    _with(url, key, lambda api: api.delete(f"/suppressions/{segment(entry_id)}"))
    if as_json:
        print_json({"id": entry_id, "removed": True})
    else:
        screen().print(f"Entry {entry_id} is off the suppression list.")

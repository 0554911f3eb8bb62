"""What the commands under `tyrian bulks` and `tyrian callbacks` do."""

import sys
from pathlib import Path
from typing import Any, Final

from tyrian.cli.client import Api, run, segment
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.terminal import moment, print_json, screen, table
from tyrian.cli.watching import BulkView

_DONE: Final = {
    "pause": "is paused: what has not begun waits until it is resumed",
    "resume": "goes on",
    "cancel": "is cancelled: nothing more of it begins",
}


def _ask(url: str, key: str | None, method: str, path: str, **request: Any) -> Any:
    async def work() -> Any:
        async with Api(url, key) as api:
            return await api.call(method, path, **request)

    return run(work())


# -- Bulks ------------------------------------------------------------------------------------------------------------


def list_bulks(url: str, key: str | None, state: str | None, limit: int, *, as_json: bool) -> None:
    """Lists bulks."""
    page = _ask(url, key, "GET", "/bulks", query={"state": state, "limit": limit})
    if as_json:
        print_json(page)
        return
    rows = [
        (
            b["id"],
            b["name"],
            b["state"],
            b["total"],
            b["released"],
            "" if b["sealed"] else "open",
            moment(b["created_at"]),
        )
        for b in page["bulks"]
    ]
    headings = ("id", "name", "state", "messages", "begun", "", "made")
    screen().print(table(headings, rows, numbers=("messages", "begun")))


def show(url: str, key: str | None, bulk_id: str, *, as_json: bool) -> None:
    """Shows a bulk."""
    bulk = _ask(url, key, "GET", f"/bulks/{segment(bulk_id)}")
    if as_json:
        print_json(bulk)
        return
    view = BulkView()
    view.take(bulk)
    screen().print(view)


def steer(url: str, key: str | None, bulk_id: str, word: str, *, as_json: bool) -> None:
    """Pauses, resumes or cancels a bulk."""
    bulk = _ask(url, key, "POST", f"/bulks/{segment(bulk_id)}/{word}")
    if as_json:
        print_json(bulk)
    else:
        screen().print(f"Bulk {bulk['id']} {_DONE[word]}.")


def retry(url: str, key: str | None, bulk_id: str, *, as_json: bool) -> None:
    """Sends again what failed."""
    made = _ask(url, key, "POST", f"/bulks/{segment(bulk_id)}/retry")
    if as_json:
        print_json(made)
    else:
        screen().print(f"{made['messages']:,} messages go out again as bulk {made['bulk_id']}.")


def outcomes(url: str, key: str | None, bulk_id: str, output: Path | None) -> None:
    """Downloads a bulk's outcomes, piece by piece."""

    async def work() -> None:
        async with Api(url, key) as api:
            pieces = api.download(f"/bulks/{segment(bulk_id)}/outcomes.csv")
            if output is None:
                async for piece in pieces:
                    sys.stdout.buffer.write(piece)
                sys.stdout.flush()
                return
            try:
                with output.open("wb") as file:
                    async for piece in pieces:
                        file.write(piece)
            except OSError as error:
                raise Failure(f"{output} cannot be written: {error.strerror}.", code=Exit.USAGE) from error

    run(work())


# -- Callbacks --------------------------------------------------------------------------------------------------------


def list_callbacks(
    url: str, key: str | None, state: str | None, message_id: str | None, limit: int, *, as_json: bool
) -> None:
    """Lists callbacks."""
    query = {"state": state, "message_id": message_id, "limit": limit}
    page = _ask(url, key, "GET", "/callbacks", query=query)
    if as_json:
        print_json(page)
        return
    rows = [
        (
            str(c["id"]),
            c["message_id"],
            c["type"],
            c["state"],
            c["reason"],
            c["tries"],
            moment(c["next_try_at"]),
            c["url"],
        )
        for c in page["callbacks"]
    ]
    headings = ("id", "message", "report", "state", "reason", "tries", "next try", "url")
    screen().print(table(headings, rows) if rows else "Every callback was taken.")


def redeliver(
    url: str, key: str | None, callback_id: int | None, *, everything: bool, since: str | None, as_json: bool
) -> None:
    """Brings one callback again, or all that are parked."""
    if (callback_id is None) != everything:
        raise Failure("Give the ID of a callback, or --all.", code=Exit.USAGE)
    if since is not None and not everything:
        raise Failure("--since goes with --all.", code=Exit.USAGE)
    path = "/callbacks/redeliver" if everything else f"/callbacks/{callback_id}/redeliver"
    body = ({"since": since} if since else {}) if everything else None
    answer = _ask(url, key, "POST", path, body=body)
    if as_json:
        print_json(answer)
    else:
        count = answer["callbacks"]
        screen().print(f"{count:,} {'callback is' if count == 1 else 'callbacks are'} tried again now.")

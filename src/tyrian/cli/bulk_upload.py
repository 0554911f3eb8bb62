"""What `tyrian bulk` does: look the file through, open a bulk or find the one begun, upload, seal, let go."""

import asyncio
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tyrian.cli import recipients, upload_state
from tyrian.cli.client import Api, Refusal, segment
from tyrian.cli.failures import Exit, Failure, Interrupted, complain
from tyrian.cli.plans import Wanted, plan_of
from tyrian.cli.recipients import Heading, Place, Row
from tyrian.cli.terminal import print_json, rate, screen, span
from tyrian.cli.upload import MOST_BAD, BadRow, Upload
from tyrian.cli.upload_progress import UploadProgress
from tyrian.cli.upload_state import State

#: Bad rows that are printed; the rest are counted.
_SHOWN: Final = 20
_TURN: Final = 1000
#: A placeholder, as the gateway reads it; four braces are a literal two.
_PLACEHOLDER: Final = re.compile(r"\{\{\{\{|\{\{\s*([^{}]{1,64}?)\s*\}\}")


@dataclass(slots=True, kw_only=True)
class Job:
    """A file to send, as the options say."""

    file: Path
    wanted: Wanted
    name: str | None
    skip_bad: bool
    resume: str | None
    chunk: int
    as_json: bool


async def upload(url: str, key: str | None, job: Job) -> str:
    """Uploads the file and lets the bulk go. Returns the bulk's id. Raises `Failure`."""
    about = recipients.heading(job.file)
    async with Api(url, key) as api:
        plan = None if job.resume and _says_nothing(job.wanted) else await plan_of(job.wanted, api)
        wanted = _variables(job.file, about, plan)
        state = await _begun(api, job, plan)
        if state is None:
            assert plan is not None
            await _look_through(job, about, wanted)
            state = await _open(api, job, plan, about)
        return await _upload(api, job, about, wanted, state)


def _says_nothing(wanted: Wanted) -> bool:
    return not (wanted.text or wanted.content or wanted.cascade)


# -- Before the upload ------------------------------------------------------------------------------------------------


def _variables(file: Path, about: Heading, plan: dict[str, Any] | None) -> set[str]:
    """The columns to upload: those that the contents use, or all of them where the contents are not known here."""
    columns = {name for name in about.columns if name and name != recipients.TO}
    if plan is None:
        return columns
    used = {m[1] for text in _texts(plan["cascade"]) for m in _PLACEHOLDER.finditer(text) if m[1]}
    missing = sorted(used - columns)
    if missing:
        there = f"its columns are {', '.join(c for c in about.columns if c)}"
        raise Failure(f"The text uses {{{{{missing[0]}}}}}, and {file} has no column of that name; {there}.",
                      code=Exit.USAGE)  # fmt: skip
    return used


def _texts(value: Any) -> Iterator[str]:
    """Every text in a cascade."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


async def _look_through(job: Job, about: Heading, wanted: set[str]) -> None:
    """Reads the whole file once. Raises `Failure` if it has no row, or a bad one that must not be skipped."""
    bad: list[BadRow] = []
    count = 0
    with UploadProgress(job.file, "Reading", quiet=job.as_json) as progress:
        for row, place in recipients.rows(job.file, about, wanted):
            count += 1
            if row.problem:
                bad.append(BadRow(row.line, row.problem))
                if len(bad) >= MOST_BAD and not job.skip_bad:
                    break
            if count % _TURN == 0:
                progress.advance(place.byte, count, len(bad))
                await asyncio.sleep(0)
    if count == 0:
        raise Failure(f"{job.file} has a heading and no rows: there is nobody to send to.", code=Exit.USAGE)
    if bad and not job.skip_bad:
        raise _refused(job, bad, Exit.USAGE)


async def _begun(api: Api, job: Job, plan: dict[str, Any] | None) -> State | None:
    """The upload that was begun before, if there is one to go on with. Raises `Failure` if it cannot go on."""
    found = upload_state.load(job.file)
    if found is not None and job.resume not in (None, found.bulk_id):
        raise _usage(f"The upload of {job.file} began as bulk {found.bulk_id}, not {job.resume}.")
    if found is None and job.resume is None:
        return None
    if found is None:
        about = recipients.heading(job.file)
        assert job.resume is not None
        found = _state(job, job.resume, api, plan or {}, about.end)
    else:
        _refuse_other(job, found, api, plan)
    bulk = await _bulk(api, job, found)
    complain(f"Going on with bulk {found.bulk_id}: it has {bulk['total']:,} recipients.")
    return found


def _refuse_other(job: Job, found: State, api: Api, plan: dict[str, Any] | None) -> None:
    """An upload goes on only with the same file, options and gateway."""
    beside = upload_state.path_of(job.file)
    way_out = f"Finish it as it began, or cancel it (`tyrian bulks cancel {found.bulk_id}`) and delete {beside}."
    begun = f"An upload of {job.file} was begun as bulk {found.bulk_id} and not finished, "
    if found.file != recipients.identity(job.file):
        raise _usage(begun + "and the file was changed since.", way_out)
    if found.url != api.url:
        raise _usage(begun + f"on the gateway at {found.url}.", way_out)
    if (plan is not None and found.plan != upload_state.hash_of(plan)) or found.skip_bad != job.skip_bad:
        raise _usage(begun + "with another text or other options.", way_out)


async def _bulk(api: Api, job: Job, found: State) -> dict[str, Any]:
    try:
        return dict(await api.get(f"/bulks/{segment(found.bulk_id)}"))
    except Refusal as refusal:
        if refusal.kind != "not-found" or job.resume:
            raise
        beside = upload_state.path_of(job.file)
        said = f"An upload of {job.file} was begun as bulk {found.bulk_id}, which this gateway does not have."
        raise _usage(said, f"Delete {beside} to start anew.") from refusal


async def _open(api: Api, job: Job, plan: dict[str, Any], about: Heading) -> State:
    """A new bulk. It is held at once where a bad row must stop everything."""
    bulk = await api.post("/bulks", {**plan, "name": job.name or job.file.name})
    if not job.skip_bad:
        await api.post(f"/bulks/{segment(bulk['id'])}/pause")
    state = _state(job, bulk["id"], api, plan, about.end)
    upload_state.save(job.file, state)
    return state


def _state(job: Job, bulk_id: str, api: Api, plan: dict[str, Any], start: Place) -> State:
    return State(
        bulk_id=bulk_id,
        url=api.url,
        file=recipients.identity(job.file),
        plan=upload_state.hash_of(plan),
        skip_bad=job.skip_bad,
        byte=start.byte,
        line=start.line,
    )


# -- The upload -------------------------------------------------------------------------------------------------------


async def _upload(api: Api, job: Job, about: Heading, wanted: set[str], state: State) -> str:
    path = f"/bulks/{segment(state.bulk_id)}"
    bulk = await api.get(path)
    before, started = state.offset, time.monotonic()
    bad: list[BadRow] = []
    if not bulk["sealed"]:
        with UploadProgress(job.file, "Uploading", quiet=job.as_json, start=state.byte, taken=before) as progress:
            work = Upload(api, job.file, state, progress, skip_bad=job.skip_bad)
            await _until_the_end(work, recipients.rows(job.file, about, wanted, state.place), job)
        bad = work.bad
        if bad and not job.skip_bad:
            await api.post(f"{path}/cancel")
            upload_state.forget(job.file)
            raise _refused(job, bad, Exit.REFUSED)
        bulk = await api.post(f"{path}/seal")
    if bulk["state"] == "paused" and not job.skip_bad:
        bulk = await api.post(f"{path}/resume")
    upload_state.forget(job.file)
    _tell(job, bulk, state.offset - before, time.monotonic() - started, bad)
    return state.bulk_id


async def _until_the_end(work: Upload, rows: Iterator[tuple[Row, Place]], job: Job) -> None:
    """Runs the upload; says how to go on if it is interrupted or cut off."""
    try:
        await work.run(rows, job.chunk)
    except asyncio.CancelledError:
        raise Interrupted(f"Interrupted. {_standing(work, job)}") from None
    except Failure as failure:
        raise Failure(*failure.sentences, _standing(work, job), code=failure.code) from failure


def _standing(work: Upload, job: Job) -> str:
    """Where an upload stands that did not come to its end, and how it goes on."""
    again = "Run the same command again to go on." if work.kept else f"Go on with --resume {work.state.bulk_id}."
    held = "" if job.skip_bad else " Nothing was sent yet."
    return f"Bulk {work.state.bulk_id} has {work.state.offset:,} recipients so far.{held} {again}"


def _refused(job: Job, bad: list[BadRow], code: Exit) -> Failure:
    count = f"at least {len(bad):,}" if len(bad) >= MOST_BAD else f"{len(bad):,}"
    noun = "row" if len(bad) == 1 else "rows"
    return Failure(
        *_listed(job, bad),
        f"{job.file} has {count} bad {noun}: nothing was sent. Mend the file, or leave such rows out with --skip-bad.",
        code=code,
    )


def _listed(job: Job, bad: list[BadRow]) -> list[str]:
    lines = [f"{job.file}, line {row.line}: {row.problem}." for row in sorted(bad)[:_SHOWN]]
    return [*lines, f"... and {len(bad) - _SHOWN:,} more."] if len(bad) > _SHOWN else lines


def _tell(job: Job, bulk: dict[str, Any], taken: int, seconds: float, bad: list[BadRow]) -> None:
    complain(*_listed(job, bad))
    if job.as_json:
        skipped = [{"line": row.line, "problem": row.problem} for row in sorted(bad)]
        print_json({"bulk_id": bulk["id"], "total": bulk["total"], "skipped": skipped, "seconds": round(seconds, 3)})
        return
    skipped_words = f", {len(bad):,} bad rows left out" if bad else ""
    pace = f" ({rate(taken / seconds)})" if taken and seconds > 0 else ""
    console = screen()
    console.print(f"Bulk {bulk['id']}: {bulk['total']:,} recipients taken in {span(seconds)}{pace}{skipped_words}.")
    console.print(f"See how it gets on with `tyrian watch {bulk['id']}`.")


def _usage(*sentences: str) -> Failure:
    return Failure(*sentences, code=Exit.USAGE)

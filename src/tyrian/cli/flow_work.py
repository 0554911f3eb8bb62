"""What the commands under `tyrian flow` do."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tyrian.cli.client import Api, run
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.terminal import moment, print_json, screen, table
from tyrian.domain.flow import Flow
from tyrian.domain.flow_check import check as check_flow
from tyrian.domain.flow_drawing import draw as draw_flow
from tyrian.domain.flow_file import Finding, read


def check(file: Path, *, as_json: bool) -> None:
    """Prints what is wrong with a flow; ends with a code of 1 if anything is."""
    found, flow = _found(file)
    if as_json:
        print_json({"ok": not found, "problems": found})
    elif flow is not None and not found:
        screen().print(f"{file}: flow {flow.name}, {len(flow.steps)} steps, nothing is wrong with it.")
    else:
        for line in told(file, found):
            screen().print(line)
    if found:
        raise Failure(code=Exit.FAILED)


def draw(file: Path, out: Path | None) -> None:
    """Writes the picture of a flow."""
    picture = draw_flow(checked(file))
    if out is None:
        sys.stdout.write(picture)
        return
    try:
        out.write_text(picture, "utf-8")
    except OSError as error:
        raise Failure(f"{out} cannot be written: {error.strerror}.", code=Exit.USAGE) from error
    screen().print(f"Drew {out}.")


def publish(file: Path, channels: Sequence[str] | None, url: str, key: str | None, *, as_json: bool) -> None:
    """Publishes a flow."""
    source = text_of(file)
    checked(file)
    body: dict[str, Any] = {"source": source, **({"channels": list(channels)} if channels else {})}

    async def work() -> Any:
        async with Api(url, key) as api:
            return await api.post("/flows", body)

    made = run(work())
    if as_json:
        print_json(made)
        return
    where = ", ".join(made["channels"]) or "no channel yet: give one with --channel"
    screen().print(f"Published {made['name']}, version {made['version']}, on {where}.")


def list_flows(url: str, key: str | None, *, as_json: bool) -> None:
    """Lists flows."""

    async def work() -> Any:
        async with Api(url, key) as api:
            return await api.get("/flows")

    found = run(work())
    if as_json:
        print_json(found)
        return
    rows = [
        (f["name"], "active" if f["active"] else "paused", f["version"], ", ".join(f["channels"]), f["steps"],
         moment(f["published_at"]))
        for f in found["flows"]
    ]  # fmt: skip
    screen().print(table(("name", "state", "version", "channels", "steps", "published"), rows, numbers=("steps",)))


def text_of(file: Path) -> str:
    """A file's text. Raises `Failure`."""
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise Failure(f"{file} cannot be read: {error.strerror}.", code=Exit.USAGE) from error
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8 text.", code=Exit.USAGE) from error


def checked(file: Path) -> Flow:
    """A flow that nothing is wrong with. Raises `Failure` with everything that is."""
    found, flow = _found(file)
    if flow is None or found:
        raise Failure(*told(file, found), code=Exit.USAGE)
    return flow


def _found(file: Path) -> tuple[list[Finding], Flow | None]:
    made = read(text_of(file))
    problems = made.problems if made.flow is None else check_flow(made.flow)
    return made.located(problems), made.flow


def told(file: Path, found: Sequence[Finding]) -> list[str]:
    """Findings as lines that editors understand: file, line, what."""
    return [f"{file}:{f.line or 1}: {f.pointer or 'the file'} {f.message}" for f in found]

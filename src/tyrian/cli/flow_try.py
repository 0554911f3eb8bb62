"""`tyrian flow try`: a dialogue with a flow in the terminal, against the rules alone."""

import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from tyrian.cli.failures import Exit, Failure
from tyrian.cli.flow_work import checked
from tyrian.cli.terminal import screen, span
from tyrian.domain.content import Text, type_of
from tyrian.domain.flow import Flow, Hook
from tyrian.domain.flow_match import Heard, Pressed
from tyrian.domain.flow_run import (
    Began,
    Effect,
    Finish,
    HandOver,
    Happening,
    HookFailed,
    Option,
    Replied,
    Run,
    Tell,
    TimedOut,
    advance,
)


def talk(file: Path, hooks: Sequence[str], name: str) -> None:
    """Leads whoever sits there through a flow."""
    flow = checked(file)
    replies = {step: _reply(step, path, flow) for step, path in (_pair(given) for given in hooks)}
    _Talk(flow, replies).run(name)


def _pair(given: str) -> tuple[str, Path]:
    step, sign, path = given.partition("=")
    if not sign:
        raise Failure(f'--hook must be STEP=FILE.json, not "{given}".', code=Exit.USAGE)
    return step, Path(path)


def _reply(step: str, path: Path, flow: Flow) -> Happening:
    if not isinstance(flow.steps.get(step), Hook):
        raise Failure(f'The flow has no hook step "{step}".', code=Exit.USAGE)
    try:
        return read_reply(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Failure(f"{path} holds no answer of a hook: {error}.", code=Exit.USAGE) from error


def read_reply(data: bytes) -> Happening:
    """An answer as a hook would give it. Raises ValueError."""
    said: Any = msgspec.json.decode(data)
    if not isinstance(said, dict) or not isinstance(said.get("variables", {}), dict):
        raise ValueError("it must be an object, with the object `variables` and the text `next` in it")
    variables = {str(k): "" if v is None else str(v) for k, v in said.get("variables", {}).items()}
    return Replied(variables, said.get("next"))


class _Talk:
    """One dialogue."""

    def __init__(self, flow: Flow, replies: Mapping[str, Happening]) -> None:
        self._flow = flow
        self._replies = replies
        self._options: list[Option] = []
        self._screen = screen()

    def run(self, name: str) -> None:
        """Until the flow ends, or whoever writes leaves."""
        run, effects = advance(
            self._flow, Run(variables={"name": name, "person": "you"}), Began(Heard("hello")), _now()
        )
        self._show(effects)
        while run.state in ("waiting", "calling"):
            happening = self._hook(run) if run.state == "calling" else self._answer(run)
            if happening is None:
                return
            run, effects = advance(self._flow, run, happening, _now())
            self._show(effects)

    def _show(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case Tell():
                    content = effect.content
                    said = content.text if isinstance(content, Text) else f"({type_of(content)})"
                    self._screen.print(f"  {said}")
                    self._options = effect.options
                    for number, option in enumerate(effect.options, 1):
                        self._screen.print(f"    [{number}] {option.text}")
                case HandOver():
                    self._screen.print(
                        f"-- handed over to {effect.agent or effect.queue or 'the inbox'}: {effect.note}"
                    )
                case Finish():
                    self._screen.print(f"-- over: {effect.outcome}")
                case _:
                    pass

    def _answer(self, run: Run) -> Happening | None:
        line = self._line(f"{run.step}> ")
        if line is None:
            return None
        if not line:
            assert run.until is not None
            self._screen.print(f"-- {span((run.until - _now()).total_seconds())} later")
            return TimedOut()
        if line.isdigit() and 1 <= int(line) <= len(self._options):
            option = self._options[int(line) - 1]
            return Heard(option.id, pressed=Pressed(option.id, run.step))
        return Heard(line)

    def _hook(self, run: Run) -> Happening | None:
        if run.step in self._replies:
            self._screen.print(f"-- the hook {run.step} answers from its file")
            return self._replies[run.step]
        line = self._line(f"{run.step} answers (JSON; empty: it fails)> ")
        if line is None or not line:
            return HookFailed() if line is not None else None
        try:
            return read_reply(line.encode())
        except ValueError as error:
            self._screen.print(f"-- that is no answer: {error}")
            return self._hook(run)

    def _line(self, prompt: str) -> str | None:
        """A line of input; None at its end."""
        sys.stdout.write(prompt)
        sys.stdout.flush()
        line = sys.stdin.readline()
        if not line:
            sys.stdout.write("\n")
            return None
        if not sys.stdin.isatty():
            sys.stdout.write(line if line.endswith("\n") else f"{line}\n")
        return line.strip()


def _now() -> datetime:
    return datetime.now(UTC)

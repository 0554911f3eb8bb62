"""Walking a flow: `advance(flow, run, happening, now) -> (run, effects)`, and nothing else.

A run is where one person stands in a flow. It is data; what is to be done comes out as effects, each with a number that
never comes twice in a run, so that whoever carries them out can tell a repeat. A flow that was checked never raises
here and never goes on for ever; one that was not ends with the outcome `broken`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

from tyrian.domain import flow as parts
from tyrian.domain.content import Base, Content, Text
from tyrian.domain.flow import Choice, Flow
from tyrian.domain.flow_match import Heard, case_holds, chosen, fits
from tyrian.domain.render import render

#: Steps of a run's history that are kept.
KEPT_PATH: Final = 50

State = Literal["waiting", "calling", "handed_over", "ended"]


class Passed(Struct, array_like=True):
    """One step of the path, when it was come to, and by what: `start`, `choice`, `answer`, `timeout`, ..."""

    step: str
    at: datetime
    by: str


class Run(Struct, omit_defaults=True):
    """Where a person stands. `until` is when the wait is over; `number` counts the effects so far."""

    step: str = ""
    state: State = "waiting"
    number: int = 0
    variables: dict[str, str] = {}
    last: Heard | None = None
    repeats: int = 0
    until: datetime | None = None
    outcome: str | None = None
    path: list[Passed] = []


# -- What happens -----------------------------------------------------------------------------------------------------


class Began(Struct, frozen=True):
    """A person started the flow by what they sent."""

    heard: Heard


class TimedOut(Struct, frozen=True):
    """The wait is over."""


class Replied(Struct, frozen=True):
    """A hook answered: variables to set, and the step that it chose, if it did."""

    variables: dict[str, str] = {}
    next: str | None = None


class HookFailed(Struct, frozen=True):
    """No try of a hook got an answer that can be used."""


class Stopped(Struct, frozen=True):
    """Somebody ended the run from outside; `why` becomes its outcome."""

    why: str


Happening = Began | Heard | TimedOut | Replied | HookFailed | Stopped

# -- What is to be done -----------------------------------------------------------------------------------------------


class Option(Struct, frozen=True, omit_defaults=True):
    """A choice as it is shown, with its text filled in."""

    id: str
    text: str
    columns: int = 6
    rows: int = 1
    image: str | None = None
    background: str | None = None


class Tell(Struct, frozen=True, tag="say", omit_defaults=True):
    """Say this to the person; `options` are its buttons, which are of the step `step`."""

    number: int
    content: Content
    step: str
    options: list[Option] = []


class CallHook(Struct, frozen=True, tag="hook", omit_defaults=True):
    """Call the hook of a step."""

    number: int
    step: str
    variables: dict[str, str] = {}


class HandOver(Struct, frozen=True, tag="handover", omit_defaults=True):
    """Give the person to people."""

    number: int
    queue: str | None
    agent: str | None
    note: str
    context: dict[str, str]


class Wait(Struct, frozen=True, tag="wait"):
    """Nothing more until the person answers, or this time."""

    until: datetime


class Finish(Struct, frozen=True, tag="end"):
    """The run is over."""

    outcome: str


Effect = Tell | CallHook | HandOver | Wait | Finish

#: How runs end, each with its sentence.
OUTCOMES: Final[dict[str, str]] = {
    "finished": "The flow came to an end step.",
    "handed_over": "The person was handed to the inbox, and that conversation is over.",
    "timed_out": "The person did not answer in time, and the flow says nothing for that case.",
    "not_understood": "The person's answers did not fit too often, and the flow says nothing for that case.",
    "taken_over": "An agent of the inbox began to speak with the person.",
    "interrupted": "The person wrote a word that starts a flow, and is in a new run.",
    "stopped": "The run was ended through the API.",
    "flow_removed": "The flow was removed, or taken from the channel.",
    "refused": "A message of the flow was not accepted, such as one to a person who has opted out.",
    "no_inbox": "The flow handed the person over, and nobody there could take them.",
    "broken": "The flow leads to a step that does not exist, or in circles.",
}


def advance(flow: Flow, run: Run, happening: Happening, now: datetime) -> tuple[Run, list[Effect]]:
    """The run after something happened, and what is to be done. A run that is over stays as it is."""
    if run.state == "ended":
        return run, []
    if isinstance(happening, Stopped):
        return stop(run, happening.why)
    walk = _Walk(flow, replace(run, variables=dict(run.variables), path=list(run.path)), now)
    match happening:
        case Began():
            walk.begin(happening.heard)
        case Heard() if run.state == "waiting":
            walk.hear(happening)
        case TimedOut() if run.state == "waiting":
            walk.time_out()
        case Replied() if run.state == "calling":
            walk.replied(happening)
        case HookFailed() if run.state == "calling":
            walk.hook_failed()
        case _:
            return run, []
    return walk.run, walk.effects


def stop(run: Run, why: str) -> tuple[Run, list[Effect]]:
    """A run that is over, whatever its flow says."""
    return replace(run, state="ended", outcome=why, until=None), [Finish(why)]


class _Walk:
    """One advance under way."""

    def __init__(self, flow: Flow, run: Run, now: datetime) -> None:
        self.flow = flow
        self.run = run
        self.now = now
        self.effects: list[Effect] = []

    # -- What happens ---------------------------------------------------------------------------------------------

    def begin(self, heard: Heard) -> None:
        self.run.variables = {**dict.fromkeys(parts.GIVEN, ""), **self.flow.variables, **self.run.variables}
        self._heard(heard)
        self._go(self.flow.start, "start")

    def hear(self, heard: Heard) -> None:
        step = self.flow.steps.get(self.run.step)
        if step is None or not parts.waits(step):
            self.finish("broken")
            return
        self._heard(heard)
        pressed = heard.pressed
        if pressed is not None and pressed.step not in (None, self.run.step):
            self._old_button(pressed.step or "", heard)
        elif isinstance(step, parts.Say):
            choice = chosen(step.choices, heard)
            self._choose(choice) if choice is not None else self._unfit(step)
        elif isinstance(step, parts.Ask):
            self._answered(step, heard)
        else:
            assert isinstance(step, parts.Pause)
            self._go(step.next, "answer")

    def time_out(self) -> None:
        step = self.flow.steps.get(self.run.step)
        to = getattr(step, "on_timeout", None) or self.flow.on_timeout
        self._go(to, "timeout") if to is not None else self.finish("timed_out")

    def replied(self, reply: Replied) -> None:
        step = self.flow.steps.get(self.run.step)
        if not isinstance(step, parts.Hook):
            self.finish("broken")
        elif reply.next not in (None, step.next, step.failed, *step.may_go):
            self._go(step.failed, "failed")
        else:
            self.run.variables |= {name: cut(reply.variables.get(name, "")) for name in step.gives}
            self._go(reply.next or step.next, "hook")

    def hook_failed(self) -> None:
        step = self.flow.steps.get(self.run.step)
        self._go(step.failed, "failed") if isinstance(step, parts.Hook) else self.finish("broken")

    def finish(self, outcome: str) -> None:
        self.run.state, self.run.outcome, self.run.until = "ended", outcome, None
        self.effects.append(Finish(outcome))

    # -- Answers --------------------------------------------------------------------------------------------------

    def _heard(self, heard: Heard) -> None:
        self.run.last = replace(heard, text=cut(heard.text))
        self.run.variables["input"] = cut(heard.text)

    def _choose(self, choice: Choice) -> None:
        self.run.variables |= {name: self._filled(value) for name, value in choice.set.items()}
        self._go(choice.to, "choice")

    def _answered(self, step: parts.Ask, heard: Heard) -> None:
        if fits(step, heard):
            self.run.variables[step.save] = cut(heard.text)
            self._go(step.next, "answer")
        else:
            self._unfit(step)

    def _old_button(self, identifier: str, heard: Heard) -> None:
        """A button of another step than the present one: taken where that step allows it, or shown what is asked."""
        step = self.flow.steps.get(identifier)
        choice = chosen(step.choices, heard) if isinstance(step, parts.Say) and step.back else None
        if choice is not None:
            self._choose(choice)
        else:
            self._show(self.run.step)

    def _unfit(self, step: parts.Say | parts.Ask) -> None:
        repeat = self.flow.repeat
        if step.otherwise is not None:
            self._go(step.otherwise, "otherwise")
        elif self.run.repeats < repeat.most:
            self.run.repeats += 1
            self._tell(Text(text=repeat.text))
            self._show(self.run.step)
        elif repeat.then is not None:
            self._go(repeat.then, "not understood")
        else:
            self.finish("not_understood")

    # -- Steps ----------------------------------------------------------------------------------------------------

    def _go(self, identifier: str, by: str) -> None:
        """From step to step, until one waits or it is over."""
        going: str | None = identifier
        for _ in range(len(self.flow.steps) + 1):
            if going is None:
                return
            if going not in self.flow.steps:
                break
            self.run.step, self.run.repeats = going, 0
            self.run.path = [*self.run.path[-(KEPT_PATH - 1) :], Passed(going, self.now, by)]
            going, by = self._do(going), "next"
        self.finish("broken")

    def _do(self, identifier: str) -> str | None:
        """What one step does; the next one, or None where the walk rests."""
        step = self.flow.steps[identifier]
        match step:
            case parts.Say() if not step.choices:
                self._speak(step)
                return step.next or ""
            case parts.Say() | parts.Ask() | parts.Pause():
                self._show(identifier)
            case parts.Branch():
                return self._branch(step)
            case parts.Set():
                self.run.variables |= {name: self._filled(value) for name, value in step.variables.items()}
                return step.next
            case parts.Goto():
                return step.to
            case parts.Hook():
                self.run.state, self.run.until = "calling", None
                self.effects.append(CallHook(self._number(), identifier, self._told(step.send)))
            case parts.Handover():
                self._hand_over(step)
            case parts.End():
                self._speak(step)
                self.finish("finished")
        return None

    def _branch(self, step: parts.Branch) -> str:
        for case in step.cases:
            if case_holds(case, self.run.last, self.run.variables):
                return case.to
        return step.otherwise

    def _show(self, identifier: str) -> None:
        """Says what a waiting step says, and waits."""
        step = self.flow.steps[identifier]
        assert isinstance(step, parts.Say | parts.Ask | parts.Pause)
        if not isinstance(step, parts.Pause):
            self._speak(step, getattr(step, "choices", ()))
        self.run.state = "waiting"
        self.run.until = self.now + timedelta(seconds=step.timeout or self.flow.timeout)
        self.effects.append(Wait(self.run.until))

    def _hand_over(self, step: parts.Handover) -> None:
        if step.text is not None:
            self._tell(Text(text=step.text))
        self.run.state, self.run.until = "handed_over", None
        note = self._filled(step.note)
        self.effects.append(HandOver(self._number(), step.queue, step.agent, note, self._told(step.context)))

    def _speak(self, step: parts.Say | parts.Ask | parts.End, choices: Sequence[Choice] = ()) -> None:
        content = step.content if step.content is not None else Text(text=step.text) if step.text else None
        if content is not None:
            self._tell(content, choices)

    def _tell(self, content: Base, choices: Sequence[Choice] = ()) -> None:
        filled = render(content, self.run.variables)
        if isinstance(filled, Text) and not filled.text.strip():
            filled = replace(filled, text="…")
        options = [self._option(choice) for choice in choices]
        self.effects.append(Tell(self._number(), filled, self.run.step, options))  # type: ignore[arg-type]

    def _option(self, choice: Choice) -> Option:
        text = self._filled(choice.text)[:250].strip() or "…"
        return Option(parts.choice_id(choice), text, choice.columns, choice.rows, choice.image, choice.background)

    def _filled(self, text: str) -> str:
        return cut(render(Text(text=text), self.run.variables).text)

    def _told(self, names: list[str] | None) -> dict[str, str]:
        if names is None:
            return dict(self.run.variables)
        return {name: self.run.variables.get(name, "") for name in names}

    def _number(self) -> int:
        self.run.number += 1
        return self.run.number


def cut(text: str) -> str:
    """A value as long as variables may be."""
    return text[: parts.MOST_VALUE]

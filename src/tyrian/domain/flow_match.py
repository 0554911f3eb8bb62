"""What a person sent, as flows look at it, and whether it is what a step waits for or a flow begins with."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from tyrian.domain.content import Base, type_of
from tyrian.domain.flow import (
    Ask,
    Case,
    Choice,
    OnAny,
    OnContext,
    OnDefault,
    OnPattern,
    OnWords,
    Trigger,
    choice_id,
)
from tyrian.domain.pattern import BadPattern, compiled, fold


class Pressed(Struct, frozen=True, omit_defaults=True):
    """A button that was pressed: the choice, and the step that it is of where that is known for sure."""

    choice: str
    step: str | None = None


class Heard(Struct, frozen=True, omit_defaults=True):
    """What a person sent. `text` stands for whatever it was: words, a number, a URL, a place."""

    text: str = ""
    kind: str = "text"
    pressed: Pressed | None = None
    context: str | None = None


def heard_of(content: Base, pressed: Pressed | None = None, context: str | None = None) -> Heard:
    """A message from a person as flows look at it."""
    kind, members = type_of(content), content
    made: str
    match kind:
        case "location":
            place: Any = members
            made = f"{place.latitude},{place.longitude}"
        case "contact":
            made = str(getattr(members, "phone", ""))
        case "sticker":
            made = str(getattr(members, "sticker_id", ""))
        case "text":
            made = str(getattr(members, "text", ""))
        case _:
            made = str(getattr(members, "url", "") or "")
    return Heard(made, kind, pressed, context)


def chosen(choices: Sequence[Choice], heard: Heard) -> Choice | None:
    """The choice that was made: by its button, by its id or text in words, or by its number from 1."""
    if heard.pressed is not None:
        found = _named(choices, heard.pressed.choice)
        if found is not None or heard.pressed.step is not None:
            return found
    if heard.kind != "text":
        return None
    return _named(choices, heard.text) or _numbered(choices, heard.text.strip().rstrip("."))


def _named(choices: Sequence[Choice], name: str) -> Choice | None:
    for choice in choices:
        if name in (choice_id(choice), choice.text):
            return choice
    folded = fold(name)
    return next((c for c in choices if folded and folded in (fold(choice_id(c)), fold(c.text))), None)


def _numbered(choices: Sequence[Choice], text: str) -> Choice | None:
    if not (text.isascii() and text.isdigit() and len(text) < 3):
        return None
    number = int(text)
    return choices[number - 1] if 1 <= number <= len(choices) else None


def fits(step: Ask, heard: Heard) -> bool:
    """Whether a message is an answer to a question."""
    if step.kinds is not None and heard.kind not in step.kinds:
        return False
    if step.pattern is not None:
        return found(step.pattern, heard.text)
    return bool(heard.text.strip())


def case_holds(case: Case, last: Heard | None, variables: Mapping[str, str]) -> bool:
    """Whether a case of a branch holds."""
    if case.variable is not None:
        return _value_holds(case, variables.get(case.variable, ""))
    if last is None:
        return False
    if case.button is not None:
        name = last.pressed.choice if last.pressed is not None else last.text
        return fold(name) == fold(case.button) or fold(last.text) == fold(case.button)
    if case.words is not None:
        return last.kind == "text" and among(case.words, last.text)
    if case.pattern is not None:
        return last.kind == "text" and found(case.pattern, last.text)
    return case.kinds is not None and last.kind in case.kinds


def _value_holds(case: Case, value: str) -> bool:
    if case.equals is not None:
        return among(case.equals, value)
    return found(case.matches, value) if case.matches is not None else bool(value.strip())


def among(words: Sequence[str], text: str) -> bool:
    """Whether a text is one of these words."""
    folded = fold(text)
    return any(fold(word) == folded for word in words)


def found(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; one that is none, nowhere."""
    try:
        return compiled(pattern).matches(text)
    except BadPattern:
        return False


#: How much a kind of trigger counts when several begin something: the more exact, the more.
RANK: Final[tuple[type, ...]] = (OnContext, OnWords, OnPattern, OnAny, OnDefault)


def rank(trigger: Trigger) -> int:
    """The smaller, the more a trigger counts."""
    return RANK.index(type(trigger))


def begins(trigger: Trigger, heard: Heard, channel: str) -> bool:
    """Whether a message on a channel is what a trigger waits for."""
    if trigger.channel is not None and trigger.channel != channel:
        return False
    match trigger:
        case OnWords():
            return heard.kind == "text" and among(trigger.words, heard.text)
        case OnPattern():
            return heard.kind == "text" and found(trigger.pattern, heard.text)
        case OnContext():
            return heard.context == trigger.context
        case OnAny() | OnDefault():
            return True

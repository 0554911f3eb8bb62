"""Flows: dialogues as decision trees. `flow_file` reads one, `flow_check` judges it, `flow_run` walks it.

Every struct here is the file format and the API's at once: its JSON schema is made from them.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from tyrian.domain.content import Content
from tyrian.domain.keyboard import Colour, Url

#: The most steps that a flow may have, and the most choices of one step.
MOST_STEPS: Final = 500
MOST_CHOICES: Final = 24
#: Seconds that a step waits for an answer unless it or its flow says otherwise, and the most it may wait.
USUAL_WAIT: Final = 24 * 3600
LONGEST_WAIT: Final = 30 * 24 * 3600
#: Characters of a variable's value; what is longer is cut.
MOST_VALUE: Final = 1000
#: What is known of every person without being asked.
GIVEN: Final = ("person", "channel", "name", "language", "country", "input")

StepId = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="A step's id: letters, digits, `_` and `-`.")
]
FlowName = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$", description="The flow's name, unique in the account.")
]
Variable = Annotated[
    str, Meta(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$", description="A variable's name: letters, digits and `_`.")
]
Words = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=200)]],
    Meta(min_length=1, max_length=100, description="Whole texts; case, diacritics and spaces around do not count."),
]
PatternText = Annotated[
    str, Meta(min_length=1, max_length=200, description="A regular expression, found anywhere unless anchored.")
]
Said = Annotated[str, Meta(min_length=1, max_length=7000, description="What to say; `{{name}}` is a variable.")]
Value = Annotated[str, Meta(max_length=MOST_VALUE)]
Wait = Annotated[int, Meta(ge=1, le=LONGEST_WAIT, description="Seconds to wait for an answer.")]
Kind = Literal["text", "image", "video", "file", "audio", "location", "contact", "sticker", "url"]
Kinds = Annotated[list[Kind], Meta(min_length=1, description="Types of content.")]
ChannelName = Annotated[str, Meta(min_length=1, max_length=64)]


class _Part(Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What all parts of a flow are: data that never changes."""


# -- When a flow begins -----------------------------------------------------------------------------------------------


class _Trigger(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag_field="on"):
    """`channel` narrows a trigger to one of the flow's channels."""

    channel: ChannelName | None = None


class OnWords(_Trigger, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="words"):
    """A person writes one of these words. With `interrupts` also in the middle of this or another flow."""

    words: Words
    interrupts: bool = False


class OnPattern(_Trigger, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="pattern"):
    """A person writes what a pattern finds."""

    pattern: PatternText
    interrupts: bool = False


class OnContext(_Trigger, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="context"):
    """A person came by a deep link with this context, and writes."""

    context: Annotated[str, Meta(min_length=1, max_length=255)]


class OnAny(_Trigger, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="any"):
    """A person sends anything."""


class OnDefault(_Trigger, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="default"):
    """A person sends what starts no other flow of the channel."""


Trigger = OnWords | OnPattern | OnContext | OnAny | OnDefault

# -- Steps ------------------------------------------------------------------------------------------------------------


class Choice(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """One button. `id` is its text, folded, unless given; the look is that of a keyboard's button."""

    text: Annotated[str, Meta(min_length=1, max_length=250)]
    to: StepId
    id: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    #: Variables that choosing it sets.
    set: dict[Variable, Value] = {}
    columns: Annotated[int, Meta(ge=1, le=6)] = 6
    rows: Annotated[int, Meta(ge=1, le=2)] = 1
    image: Url | None = None
    background: Colour | None = None


class _Step(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag_field="do"):
    """`title` names a step in drawings."""

    title: Annotated[str, Meta(max_length=100)] | None = None


class _Waiting(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What steps have that may wait for an answer.

    `timeout` is in seconds; `on_timeout` the step after that time, the flow's own unless given. `otherwise` is the step
    for what does not fit; without it the person is asked again.
    """

    timeout: Wait | None = None
    on_timeout: StepId | None = None
    otherwise: StepId | None = None


class Say(_Waiting, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="say"):
    """Says `text` or `content`. With `choices` it waits for one of them, else it goes to `next`.

    With `back`, a button of this step counts later as well: the flow then goes on from here.
    """

    text: Said | None = None
    content: Content | None = None
    choices: Annotated[list[Choice], Meta(max_length=MOST_CHOICES)] = []
    next: StepId | None = None
    back: bool = False


class Ask(_Waiting, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="ask"):
    """Asks, waits, and keeps the answer in the variable `save`. `kinds` and `pattern` say what counts as an answer."""

    save: Variable
    next: StepId
    text: Said | None = None
    content: Content | None = None
    kinds: Kinds | None = None
    pattern: PatternText | None = None


class Pause(_Waiting, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="wait"):
    """Says nothing, and waits for whatever comes; a branch after it looks at that."""

    next: StepId


class Case(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """One way of a branch: exactly one of `button`, `words`, `pattern`, `kinds` and `variable`.

    The first four look at what the person sent last. A variable is held against `equals` (folded) or `matches`; without
    either it counts if it is not empty.
    """

    to: StepId
    button: Annotated[str, Meta(min_length=1, max_length=250)] | None = None
    words: Words | None = None
    pattern: PatternText | None = None
    kinds: Kinds | None = None
    variable: Variable | None = None
    equals: Words | None = None
    matches: PatternText | None = None


class Branch(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="branch"):
    """Goes the way of the first case that holds, or `otherwise`."""

    cases: Annotated[list[Case], Meta(min_length=1, max_length=50)]
    otherwise: StepId


class Hook(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="hook"):
    """Asks a program of yours by a signed POST; its answer sets variables and may choose the next step.

    `send` are the variables that it is told, all unless given; `gives` those that its answer may set; `may_go` the
    steps that it may choose besides `next`. `timeout` is in seconds for one try. `failed` is where the flow goes when
    no try got an answer that can be used.
    """

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    next: StepId
    failed: StepId
    send: list[Variable] | None = None
    gives: list[Variable] = []
    may_go: list[StepId] = []
    timeout: Annotated[int, Meta(ge=1, le=30)] = 5
    tries: Annotated[int, Meta(ge=1, le=5)] = 3


class Set(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="set"):
    """Sets variables; `{{placeholders}}` in their values are filled in."""

    variables: Annotated[dict[Variable, Value], Meta(min_length=1)]
    next: StepId


class Handover(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="handover"):
    """Hands the person to people: to a queue or an agent of the inbox, with a note and variables as context.

    The flow is over with it, and silent until the conversation is closed. `text` is said before.
    """

    queue: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    agent: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    note: Annotated[str, Meta(max_length=4000)] = ""
    context: list[Variable] | None = None
    text: Said | None = None


class Goto(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="goto"):
    """Goes to another step."""

    to: StepId


class End(_Step, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True, tag="end"):
    """The end; `text` or `content` is said before, if given."""

    text: Said | None = None
    content: Content | None = None


Step = Say | Ask | Pause | Branch | Hook | Set | Handover | Goto | End


class Repeat(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What happens when an answer does not fit: this text and the step again, at most `most` times, then `then`.

    Without `then` the flow ends there.
    """

    text: Said = "Sorry, I did not understand that."
    most: Annotated[int, Meta(ge=0, le=10)] = 2
    then: StepId | None = None


class Flow(_Part, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """A flow: what starts it, what holds for all its steps, and the steps by their ids."""

    name: FlowName
    start: StepId
    triggers: Annotated[list[Trigger], Meta(min_length=1, max_length=50)]
    steps: Annotated[dict[StepId, Step], Meta(min_length=1, max_length=MOST_STEPS)]
    title: Annotated[str, Meta(max_length=200)] | None = None
    language: Annotated[str, Meta(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    timeout: Wait = USUAL_WAIT
    on_timeout: StepId | None = None
    repeat: Repeat = Repeat()
    variables: dict[Variable, Value] = {}


def waits(step: Step) -> bool:
    """Whether a step waits for the person."""
    return isinstance(step, Ask | Pause) or (isinstance(step, Say) and bool(step.choices))


def choice_id(choice: Choice) -> str:
    """What a choice is known by within its step."""
    return choice.id if choice.id is not None else choice.text[:64]

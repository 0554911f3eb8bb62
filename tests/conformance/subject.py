"""What the conformance suite must know of a connector to hold it to the outcomes that all of them promise.

A `Subject` describes a kind of channel; its `Network` is that channel's far end for the length of one case: it answers
sends as told, and brings receipts when told. Both speak the real wire protocol over real sockets.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import ChannelKind, Clock

C = TypeVar("C", bound=Callable[..., Any])

#: Seconds to wait that `Answer.LATER` names.
LATER = 30


class Answer(StrEnum):
    """How a network answers a send."""

    #: Takes it and says so.
    ACCEPT = "accept"
    #: Refuses it for good; the reason word is `Subject.refusal`.
    REFUSE = "refuse"
    #: Asks for fewer messages at a time.
    THROTTLE = "throttle"
    #: The same, naming `LATER` seconds to wait.
    LATER = "later"
    #: Has trouble of its own and does not take it.
    ERROR = "error"
    #: Takes it and never answers.
    SILENCE = "silence"
    #: Takes it and closes the connection before its answer is whole.
    CUT = "cut"
    #: Takes it and answers with bytes that mean nothing.
    GARBAGE = "garbage"


class Feature(StrEnum):
    """What not every network can do. A case that needs what a subject lacks is not collected for it."""

    #: What comes to the channel's hook is signed.
    SIGNED = "signed"
    #: The network can name the time to wait.
    RETRY_AFTER = "retry_after"
    #: The answer to a repeat of what it had taken names the id that its receipts will come under.
    NAMES_REPEATS = "names_repeats"
    #: The kinds of receipts, by their own names.
    DELIVERED = "delivered"
    SEEN = "seen"
    FAILED = "failed"
    EXPIRED = "expired"


class Network(ABC):
    """The far end of one channel during one case."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """The channel's settings, leading here."""

    def secrets(self) -> dict[str, str]:
        """The channel's secrets. None of them may appear in what is shown of an exchange."""
        return {}

    def attached(self, hook_url: str) -> None:
        """The channel exists now; requests to it go to this URL."""
        return

    @abstractmethod
    def answers(self, *answers: Answer) -> None:
        """How the next sends are answered, one after the other; those after them are accepted."""

    @abstractmethod
    def hold(self) -> None:
        """From now on take sends and keep their answers back."""

    @abstractmethod
    def release(self) -> None:
        """Let go of the answers that were kept back."""

    @abstractmethod
    def refs(self) -> Sequence[str]:
        """The network's own ids of all that it took, in order."""

    @abstractmethod
    async def receipt(self, ref: str, kind: ReceiptKind) -> None:
        """Report on something that was taken. Returns once the gateway has acknowledged it; raises if it refuses."""

    @abstractmethod
    async def garbage(self) -> None:
        """Bring bytes that mean nothing where receipts are awaited. Raises if the gateway takes them."""

    async def forged(self, ref: str, kind: ReceiptKind) -> None:
        """A receipt whose signature is wrong. Raises if the gateway takes it."""
        raise NotImplementedError("give this to a subject with Feature.SIGNED")

    @abstractmethod
    async def shut(self) -> None:
        """Break all connections, and refuse new ones."""

    @abstractmethod
    async def open(self) -> None:
        """Take connections again, at the same address."""


class Subject(ABC):
    """A connector under test."""

    name: str
    kind: ChannelKind
    features: frozenset[Feature]
    #: A person whom the network knows.
    to: str
    #: The reason word of `Answer.REFUSE`.
    refusal: str
    #: The reason word of a send whose answer was `Answer.GARBAGE`.
    garbled = "provider_garbage"
    #: The member of the channel's settings that says how many seconds an answer may take.
    timeout_setting = "timeout"

    @abstractmethod
    def network(self, clock: Clock) -> AbstractAsyncContextManager[Network]:
        """A network for one case: it is open when entered, and gone when left."""

    def __repr__(self) -> str:
        return self.name


def receipts_of(kind: ChannelKind, config: dict[str, Any]) -> frozenset[Feature]:
    """The receipts that a kind of channel says it brings, as features."""
    return frozenset(Feature(receipt) for receipt in kind.capabilities(config).receipts)


# -- Choosing the cases ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One line of a table of cases: receipts in the order in which they come, and what the message comes to.

    `events` and `reports` are words with spaces between.
    """

    title: str
    receipts: tuple[ReceiptKind, ...]
    status: str
    events: str
    reports: str

    @property
    def needs(self) -> frozenset[Feature]:
        """What the network must be able to say."""
        return frozenset(Feature(kind.value) for kind in self.receipts)


def needs(*features: Feature) -> Callable[[C], C]:
    """The case is only for subjects with these features."""

    def mark(case: C) -> C:
        case.needs = frozenset(features)  # type: ignore[attr-defined]
        return case

    return mark


def each(rows: Sequence[Row]) -> Callable[[C], C]:
    """The case is run for each of these rows whose receipts the subject's network has."""

    def mark(case: C) -> C:
        case.rows = rows  # type: ignore[attr-defined]
        return case

    return mark

"""A circuit breaker: whether a channel may be given sends, judged by how its last sends ended.

It is *closed* while all is well, *open* while the channel is known to fail, and *half-open* when it is time to try
again: then single sends are let through as probes, and they decide. Pure: no clock of its own. Times are seconds since
any fixed moment; a clock that goes backwards counts as one that stands still.
"""

from collections import deque
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

#: Reasons that speak against the way to a network or against the sender's account with it, and not against one message.
TROUBLE: Final = frozenset(
    {
        "provider_error",
        "provider_unreachable",
        "provider_garbage",
        "no_answer",
        "bad_credentials",
        "sender_blocked",
        "sender_not_found",
        "no_credit",
        "webhook_not_set",
    }
)
#: Reasons that say nothing about the way: the network asked for patience, or the gateway itself stopped.
SILENT: Final = frozenset({"throttled", "interrupted", "channel_removed"})


class State(StrEnum):
    """Where a circuit stands."""

    CLOSED = "closed"
    HALF_OPEN = "half_open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a circuit opens, and how it heals. Times in seconds."""

    #: Failures one after another that open it.
    consecutive: int = 5
    #: The share of failures within the window that opens it, once the window holds `volume` sends.
    share: float = 0.5
    volume: int = 20
    window: float = 60.0
    #: How long it stays open at first; twice as long after each failed probe, up to `longest`.
    pause: float = 30.0
    longest: float = 300.0
    #: Probes that must succeed, one after another, to close it.
    heals: int = 2
    #: A probe that brings no answer in this time is given up, and another is let through.
    patience: float = 120.0


#: Parts that the window slides by.
_PARTS: Final = 12


class Circuit:
    """One channel's circuit: `record` what sends came to, ask `admits` before each, tell `probe` of those let out."""

    __slots__ = (
        "_bad",
        "_good",
        "_healed",
        "_in_a_row",
        "_now",
        "_parts",
        "_pause",
        "_probing_until",
        "_until",
        "rule",
    )

    def __init__(self, rule: Rule | None = None) -> None:
        self.rule = rule or Rule()
        self._now = float("-inf")
        #: The window: (number of the part, successes, failures), oldest first.
        self._parts: deque[list[int]] = deque()
        self._good = self._bad = 0
        self._in_a_row = 0
        #: When the open circuit becomes half-open; None while closed.
        self._until: float | None = None
        self._pause = self.rule.pause
        self._healed = 0
        self._probing_until: float | None = None

    # -- Asking ---------------------------------------------------------------------------------------------------

    def state(self, now: float) -> State:
        """Where the circuit stands at this moment."""
        if self._until is None:
            return State.CLOSED
        return State.OPEN if self._seen(now) < self._until else State.HALF_OPEN

    def admits(self, now: float) -> bool:
        """Whether a send may go out now: always while closed, as the only probe while half-open."""
        if self._until is None:
            return True
        at = self._seen(now)
        return at >= self._until and (self._probing_until is None or at >= self._probing_until)

    def probe(self, now: float) -> None:
        """A send goes out that `admits` let through; while half-open, no other does until it is recorded."""
        if self._until is not None and self._seen(now) >= self._until:
            self._probing_until = self._seen(now) + self.rule.patience

    def admits_from(self, now: float) -> float:
        """The first moment from now on at which a send may be let through."""
        at = self._seen(now)
        if self._until is None:
            return at
        if at >= self._until and self._probing_until is not None:
            return max(at, self._probing_until)
        return max(at, self._until)

    # -- Recording ------------------------------------------------------------------------------------------------

    def record(self, success: bool | None, now: float) -> None:
        """What a send came to; None if it says nothing of the way, so that another may be the probe.

        While open, only the passing of time counts: those sends were begun before.
        """
        at = self._seen(now)
        if self._until is None:
            self._counted(success, at)
        elif at >= self._until:
            self._probed(success, at)

    def _counted(self, success: bool | None, at: float) -> None:
        if success is None:
            return
        self._count(success, at)
        if not success and self._trips():
            self._open(at, self.rule.pause)

    def _probed(self, success: bool | None, at: float) -> None:
        self._probing_until = None
        if success is None:
            return
        if not success:
            self._open(at, min(self._pause * 2, self.rule.longest))
            return
        self._healed += 1
        if self._healed >= self.rule.heals:
            self._close()

    def _open(self, at: float, pause: float) -> None:
        self._pause = pause
        self._until = at + pause
        self._healed = 0
        self._probing_until = None

    def _close(self) -> None:
        self._until = self._probing_until = None
        self._pause = self.rule.pause
        self._in_a_row = self._good = self._bad = 0
        self._parts.clear()

    def _trips(self) -> bool:
        total = self._good + self._bad
        return self._in_a_row >= self.rule.consecutive or (
            total >= self.rule.volume and self._bad >= self.rule.share * total
        )

    def _count(self, success: bool, at: float) -> None:
        part = int(at * _PARTS / self.rule.window)
        parts = self._parts
        if not parts or parts[-1][0] != part:
            parts.append([part, 0, 0])
            while parts[0][0] <= part - _PARTS:
                _, good, bad = parts.popleft()
                self._good -= good
                self._bad -= bad
        if success:
            parts[-1][1] += 1
            self._good += 1
            self._in_a_row = 0
        else:
            parts[-1][2] += 1
            self._bad += 1
            self._in_a_row += 1

    def _seen(self, now: float) -> float:
        self._now = max(self._now, now)
        return self._now

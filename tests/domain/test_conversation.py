"""Whatever is done with a conversation, and in whatever order: its state says the truth about its legs."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from hypothesis import given, settings, strategies as st

from tyrian.domain.conversation import Author, By, Conversation, ConversationState, Ending, Hours, LegState, Role
from tyrian.domain.conversation_advance import advance
from tyrian.domain.conversation_facts import due, is_waiting, threads_on
from tyrian.domain.conversation_moves import (
    Accept,
    Alert,
    Arrive,
    Close,
    Decline,
    Depart,
    Enqueue,
    Leave,
    Move,
    NotNow,
    Open,
    Reopen,
    ToExternal,
    Wrote,
)
from tyrian.domain.conversation_step import MOST_LEGS
from tyrian.domain.opening import is_open, problems_of_hours

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
PERSON = Author(By.PERSON)
API = Author(By.API, "1")
AGENTS = [UUID(int=n) for n in (1, 2, 3)]
QUEUES = [UUID(int=n) for n in (11, 12)]
_numbers = count(1000)


def ids() -> Callable[[], UUID]:
    return lambda: UUID(int=next(_numbers))


def fresh() -> Conversation:
    return Conversation(
        id=UUID(int=99), account_id=1, channel_id=1, person="1", address="+1", opened_at=NOON, updated_at=NOON
    )


def opened(by: Author = PERSON) -> Conversation:
    return advance(fresh(), Open(by), NOON, ids()).conversation


def after(it: Conversation, *moves: Move) -> Conversation:
    new = ids()
    for move in moves:
        it = advance(it, move, NOON, new).conversation
    return it


# -- Whatever happens -------------------------------------------------------------------------------------------------

agents, queues, flag = st.sampled_from(AGENTS), st.sampled_from(QUEUES), st.booleans()
authors = st.one_of(st.just(API), st.just(PERSON), agents.map(lambda a: Author(By.AGENT, str(a))))
moves: st.SearchStrategy[Move] = st.one_of(
    st.builds(Arrive, st.none() | st.just("Ana")),
    st.builds(Wrote, authors),
    st.builds(Enqueue, queues, st.just("queue"), flag, flag),
    st.builds(Alert, agents, st.just("agent"), flag, flag, flag, st.none() | st.just(NOON)),
    st.builds(ToExternal, st.just("voice"), flag),
    st.builds(Accept, st.none() | agents, st.just("agent")),
    st.builds(Decline, st.none() | agents, missed=flag, queue_name=st.none() | st.just("queue")),
    st.builds(Close, authors, st.none() | st.just("done")),
    st.builds(Reopen, authors),
    st.builds(Depart, st.just(2), st.just("2"), st.just("+2")),
)
steps = st.lists(st.tuples(moves | st.integers(0, 8), st.integers(-5, 100)), max_size=40)


def faults(it: Conversation) -> list[str]:
    """What no conversation may ever be."""
    live, alerting = it.live(), [leg for leg in it.live() if leg.state is LegState.ALERTING]
    have = it.live(Role.AGENT)
    rules = {
        "closed: all legs ended, and when": it.closed == (not live) == (it.closed_at is not None),
        "one customer": len(it.live(Role.CUSTOMER)) == (0 if it.closed else 1),
        "one queue": len(it.live(Role.QUEUE)) <= 1,
        "transferred to somebody": it.state is not ConversationState.TRANSFERRED
        or bool(it.live(Role.QUEUE) or alerting),
        "who has it": it.agent_id == (UUID(have[-1].who or "") if have else None),
        "an agent once": len({leg.who for leg in have}) == len(have),
        "at most two agents": len(have) <= 2,
        "ended means ended": all((leg.ending is None) == leg.live == (leg.ended_at is None) for leg in it.legs),
        "times in order": all(leg.started_at <= (leg.ended_at or leg.started_at) for leg in it.legs),
        "ids are its own": len({leg.id for leg in it.legs}) == len(it.legs),
        "waiting in a queue": not is_waiting(it) or bool(it.live(Role.QUEUE)),
    }
    return [rule for rule, holds in rules.items() if not holds]


@settings(max_examples=400, deadline=None)
@given(authors, steps)
def test_the_state_tells_the_truth_whatever_is_done(by: Author, done: list[tuple[Move | int, int]]) -> None:
    new, now = ids(), NOON
    it = advance(fresh(), Open(by), now, new).conversation
    assert faults(it) == []
    for step, seconds in done:
        now += timedelta(seconds=seconds)
        move = step if not isinstance(step, int) else Leave(it.legs[step % len(it.legs)].id, "note")
        before = it
        try:
            advanced = advance(it, move, now, new)
        except NotNow:
            continue
        it = advanced.conversation
        assert faults(it) == [], move
        assert it.revision == before.revision + 1
        assert it.updated_at >= before.updated_at
        if before.closed and not it.closed:
            assert isinstance(move, Arrive | Reopen), "nothing else opens what is closed"
        if it.state is ConversationState.TRANSFERRED and before.state is ConversationState.OPEN:
            assert getattr(move, "transfer", True), "only a transfer transfers"


@settings(max_examples=100, deadline=None)
@given(authors, steps)
def test_a_move_leaves_what_it_was_given_as_it_is(by: Author, done: list[tuple[Move | int, int]]) -> None:
    it = opened(by)
    for step, _ in done:
        if isinstance(step, int):
            continue
        before = repr(it)
        try:
            advanced = advance(it, step, NOON, ids())
        except NotNow:
            advanced = None
        assert repr(it) == before
        it = advanced.conversation if advanced is not None else it


# -- One after the other ----------------------------------------------------------------------------------------------


def test_a_transfer_is_open_again_when_its_target_accepts() -> None:
    it = after(opened(), Enqueue(QUEUES[0], "first"), Alert(AGENTS[0], "mia", picked=True), Accept(AGENTS[0]))
    assert (it.state, it.agent_id, it.live(Role.QUEUE)) == (ConversationState.OPEN, AGENTS[0], [])
    it = after(it, Alert(AGENTS[1], "leo", transfer=True))
    assert (it.state, it.agent_id) == (ConversationState.TRANSFERRED, AGENTS[1])
    it = after(it, Accept(AGENTS[1]))
    assert it.state is ConversationState.OPEN
    assert [leg.ending for leg in it.legs if leg.who == str(AGENTS[0])] == [Ending.TRANSFER]


def test_a_declined_transfer_goes_back_to_the_queue_it_came_from() -> None:
    it = after(opened(), Enqueue(QUEUES[0], "first"), Accept(AGENTS[0], "mia"))
    it = after(it, Alert(AGENTS[1], "leo", transfer=True), Decline(AGENTS[1], queue_name="first"))
    assert (it.agent_id, is_waiting(it), it.state) == (None, True, ConversationState.TRANSFERRED)


@pytest.mark.parametrize(
    ("threading_time", "seconds", "same"),
    [(3600, 3599, True), (3600, 3600, False), (0, 0, False)],
)
def test_the_threading_time(threading_time: int, seconds: int, same: bool) -> None:
    it = after(opened(), Close(API))
    assert threads_on(it, threading_time, NOON + timedelta(seconds=seconds)) is same
    assert threads_on(opened(), threading_time, NOON + timedelta(days=999))


@pytest.mark.parametrize("move", [Wrote(API), Enqueue(QUEUES[0], "q"), Accept(AGENTS[0]), Depart(2, "2", "+2")])
def test_what_is_closed_must_be_reopened_first(move: Move) -> None:
    with pytest.raises(NotNow, match="reopen it first"):
        after(opened(), Close(API), move)


def test_only_so_many_legs_are_kept() -> None:
    it = opened()
    for _ in range(MOST_LEGS):
        it = after(it, Enqueue(QUEUES[0], "q", transfer=True), Accept(AGENTS[0], "mia"))
    assert len(it.legs) == MOST_LEGS + 2
    assert it.live(Role.CUSTOMER)


def test_when_it_is_due() -> None:
    it = opened()
    assert due(it, None) is None
    assert due(it, 600) == NOON + timedelta(seconds=600)
    soon = NOON + timedelta(seconds=30)
    it = after(it, Enqueue(QUEUES[0], "q"), Alert(AGENTS[0], "mia", picked=True, until=soon))
    assert due(it, 600) == soon
    assert due(after(it, Accept(AGENTS[0])), None) is None
    assert due(after(it, Close(API)), 600) is None


def test_hours_are_those_of_the_queues_own_clock() -> None:
    hours = [Hours(day=4, opens="13:00", closes="14:00")]
    assert is_open(hours, "Europe/Zagreb", NOON)
    assert not is_open(hours, "UTC", NOON)
    assert is_open([], "UTC", NOON)
    assert not is_open(hours, "Europe/Zagreb", NOON + timedelta(hours=1))
    assert problems_of_hours(hours, "Europe/Zagreb") == []

"""Changing conversations: taken up under lock, moved by the pure rules, written with their lines and events."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from tyrian.domain.content import Base as Content
from tyrian.domain.conversation import Author, ChannelInbox, Conversation, Item, ItemKind
from tyrian.domain.conversation_advance import advance
from tyrian.domain.conversation_facts import due, is_waiting
from tyrian.domain.conversation_moves import Move
from tyrian.store import inbox as store, inbox_people as people
from tyrian.store.database import Connection
from tyrian.store.inbox import NewEvent, Row

#: Characters of a line by which it can be found: PostgreSQL indexes no more than a megabyte.
_WORDS: Final = 20_000
#: Fields of contents that have words in them.
_WORDY: Final = ("text", "name", "title", "address", "url")

_encode: Final = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Work:
    """One conversation being changed, at one moment."""

    row: Row
    now: datetime
    new: Callable[[], UUID]
    items: list[tuple[int, int, str | None, Item]] = field(default_factory=list)
    #: The agents who had it before.
    before: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.it.agent_id is not None:
            self.before.add(self.it.agent_id)

    @property
    def it(self) -> Conversation:
        """The conversation as it is now."""
        return self.row.conversation

    def move(self, move: Move, by: Author) -> None:
        """Moves it, and adds a line for each event. Raises `NotNow`."""
        advanced = advance(self.it, move, self.now, self.new)
        self.row.conversation = advanced.conversation
        if advanced.conversation.agent_id is not None:
            self.before.add(advanced.conversation.agent_id)
        for event, data in advanced.events:
            self.add(ItemKind.EVENT, by, event=event, data=data)

    def amend(self, **fields: Any) -> None:
        """Changes what no rule stands against: names, attributes, counts."""
        it = self.it
        self.row.conversation = replace(it, updated_at=max(self.now, it.updated_at), revision=it.revision + 1, **fields)

    def add(self, kind: ItemKind, by: Author, *, identifier: UUID | None = None, **fields: Any) -> Item:
        """Adds a line to the thread."""
        item = Item(
            id=identifier or self.new(),
            conversation_id=self.it.id,
            kind=kind,
            at=self.now,
            author=by,
            channel_id=self.it.channel_id,
            **fields,
        )
        self.append(item)
        return item

    def append(self, item: Item) -> None:
        """Adds a line that is made already."""
        self.row.items += 1
        self.items.append((self.it.account_id, self.row.items, words_of(item), item))

    def released(self) -> set[UUID]:
        """The agents who no longer have it."""
        return self.before - {self.it.agent_id} if self.it.agent_id is not None else set(self.before)

    def close_books(self, inbox: ChannelInbox | None) -> None:
        """Works out what the row says to those who look for work."""
        row = self.row
        was, row.waiting = row.waiting, is_waiting(self.it)
        if not row.waiting:
            row.waiting_since = None
        elif not was or row.waiting_since is None:
            row.waiting_since = self.now
        row.due_at = due(self.it, inbox.idle_time if inbox is not None else None)

    def events(self) -> list[NewEvent]:
        """What to tell those who watch."""
        it = self.it
        told = [NewEvent(it.account_id, self.now, "item", it.id, _encode(item)) for _, _, _, item in self.items]
        shown = replace(it, legs=it.live())
        return [*told, NewEvent(it.account_id, self.now, "conversation", it.id, _encode(shown))]


async def write(connection: Connection, works: Sequence[Work], inbox_of: Callable[[int], ChannelInbox | None]) -> None:
    """Writes conversations with their lines and events. The last step of a transaction."""
    ordered = sorted(works, key=lambda work: work.it.id)
    for work in ordered:
        work.close_books(inbox_of(work.it.channel_id))
    await store.write(connection, [work.row for work in ordered])
    await store.add_items(connection, [item for work in ordered for item in work.items])
    await store.add_events(connection, [event for work in ordered for event in work.events()])
    gone = {agent for work in ordered for agent in work.released()}
    if gone:
        await people.released(connection, sorted(gone), max(work.now for work in ordered))


def words_of(item: Item) -> str | None:
    """The words by which a line can be found."""
    words = [item.text] if item.text else []
    if item.content is not None:
        words += _words_in(item.content)
    return " ".join(words)[:_WORDS] or None


def _words_in(content: Content) -> list[str]:
    return [text for name in _WORDY if isinstance(text := getattr(content, name, None), str) and text]

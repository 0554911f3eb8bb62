"""Which channels have an inbox, as this node knows it: asked for each message that comes, so never of the database."""

from typing import Final

from tyrian.domain.conversation import ChannelInbox
from tyrian.store import inbox_channels as store
from tyrian.store.database import Connection, Database

_DEFAULT: Final = ChannelInbox()


class Inboxes:
    """The inboxes of all channels. `refresh` brings them up to date."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[int, store.StoredChannel] = {}

    async def refresh(self) -> None:
        """Reads them anew."""
        self._known = await store.channels(self._db)

    def of(self, channel_id: int) -> ChannelInbox | None:
        """A channel's inbox; None if it has none."""
        known = self._known.get(channel_id)
        return known.inbox if known is not None else None

    async def ensure(self, connection: Connection, account_id: int, channel_id: int) -> bool:
        """Gives a channel an inbox with the defaults if it has none; True if that was so."""
        if channel_id in self._known:
            return False
        await store.add(connection, account_id, channel_id, _DEFAULT)
        return True

    async def change(
        self, account_id: int, channel_id: int, to: store.Change
    ) -> tuple[ChannelInbox | None, ChannelInbox | None]:
        """Writes what `to` makes of a channel's inbox: before and after."""
        changed = await store.change(self._db, account_id, channel_id, to)
        await self.refresh()
        return changed

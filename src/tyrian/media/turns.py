"""Who may go on: a few for each account, and a few in all, so that nobody's slow or hostile files hold up another's."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from weakref import WeakValueDictionary


class Turns:
    """Lets through at most `each` at once of an account, and `most` of all accounts together. Others wait in line."""

    def __init__(self, each: int, most: int) -> None:
        self._each = each
        self._most = asyncio.Semaphore(most)
        # Kept by those who hold or wait for them.
        self._own: WeakValueDictionary[int, asyncio.Semaphore] = WeakValueDictionary()

    @asynccontextmanager
    async def of(self, account_id: int) -> AsyncIterator[None]:
        """A turn of this account."""
        own = self._own.get(account_id)
        if own is None:
            own = self._own[account_id] = asyncio.Semaphore(self._each)
        # An account's own line comes first: who waits there takes no place from others.
        async with own, self._most:
            yield

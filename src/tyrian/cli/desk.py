"""What can be set up: accounts, keys and channels, over the API or on the database itself.

`Desk` is the one set of operations that the commands use; `RemoteDesk` asks a gateway, `local_desk.LocalDesk` works on
the database directly, which needs no key and so makes the first one. Both answer in the API's own shapes.
"""

from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from tyrian.cli.client import Api, segment
from tyrian.cli.failures import Exit, Failure
from tyrian.cli.places import Where

Json = dict[str, Any]


class Desk(Protocol):
    """The operations. What is refused is a `Failure`."""

    async def accounts(self) -> list[Json]:
        """All accounts that may be seen."""

    async def create_account(self, name: str, *, operator: bool) -> Json:
        """A new account with its first key."""

    async def keys(self) -> list[Json]:
        """The account's keys."""

    async def create_key(self, request: Json) -> Json:
        """A new key, with its secret."""

    async def revoke_key(self, key_id: str) -> None:
        """Ends a key."""

    async def channels(self) -> list[Json]:
        """The account's channels."""

    async def channel(self, name: str) -> Json:
        """One channel."""

    async def add_channel(self, spec: Json) -> Json:
        """A new channel, set up at its network."""

    async def set_active(self, name: str, *, active: bool) -> Json:
        """Pauses a channel or lets it go on."""

    async def remove_channel(self, name: str) -> None:
        """Removes a channel."""

    async def check_channel(self, name: str) -> Json:
        """What the network says about a channel."""

    async def kinds(self) -> list[Json]:
        """The kinds of channels there are, with the schemas of their settings."""


class RemoteDesk:
    """The operations, through the API of a gateway that runs."""

    def __init__(self, url: str, key: str | None) -> None:
        self._api = Api(url, key)

    async def __aenter__(self) -> Self:
        await self._api.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._api.__aexit__(kind, error, trace)

    async def accounts(self) -> list[Json]:
        """All accounts for an operator's key, and for any other its own."""
        return list((await self._api.get("/accounts"))["accounts"])

    async def create_account(self, name: str, *, operator: bool) -> Json:
        """A new account with its first key. An operator's key is made on the database alone."""
        if operator:
            raise Failure("--operator goes with --local: the API makes no operators.", code=Exit.USAGE)
        return dict(await self._api.post("/accounts", {"name": name}))

    async def keys(self) -> list[Json]:
        """The account's keys."""
        return list((await self._api.get("/keys"))["keys"])

    async def create_key(self, request: Json) -> Json:
        """A new key, with its secret."""
        return dict(await self._api.post("/keys", request))

    async def revoke_key(self, key_id: str) -> None:
        """Ends a key."""
        await self._api.delete(f"/keys/{segment(key_id)}")

    async def channels(self) -> list[Json]:
        """The account's channels."""
        return list((await self._api.get("/channels"))["channels"])

    async def channel(self, name: str) -> Json:
        """One channel."""
        return dict(await self._api.get(f"/channels/{segment(name)}"))

    async def add_channel(self, spec: Json) -> Json:
        """A new channel, set up at its network."""
        return dict(await self._api.post("/channels", spec))

    async def set_active(self, name: str, *, active: bool) -> Json:
        """Pauses a channel or lets it go on."""
        return dict(await self._api.post(f"/channels/{segment(name)}/{'resume' if active else 'pause'}"))

    async def remove_channel(self, name: str) -> None:
        """Removes a channel."""
        await self._api.delete(f"/channels/{segment(name)}")

    async def check_channel(self, name: str) -> Json:
        """What the network says about a channel."""
        return dict(await self._api.post(f"/channels/{segment(name)}/check"))

    async def kinds(self) -> list[Json]:
        """The kinds of channels that the gateway has."""
        return list((await self._api.get("/channel-kinds"))["kinds"])


def desk(where: Where) -> AbstractAsyncContextManager[Desk]:
    """The desk that the options ask for."""
    if not where.local:
        if where.account or where.data_dir or where.database_url or where.config:
            raise Failure(
                "--account, --data-dir, --database-url and --config go with --local; over the API, the key says whose "
                "account it is.",
                code=Exit.USAGE,
            )
        return RemoteDesk(where.url, where.key)
    from tyrian.cli.local_desk import local_desk

    return local_desk(where)

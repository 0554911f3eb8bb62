"""The Viber channels of an account as integrations of this API: made, changed, verified, and how they stand."""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from tyrian.engine import verification
from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.channel_spec import ChannelChange, ChannelSpec
from tyrian.engine.verification import State, Verification
from tyrian.protocols.genesys import errors, ids, settings_threading as threading
from tyrian.protocols.genesys.organization import FACE, Organization
from tyrian.store.accounts import NameTaken

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

log = logging.getLogger(__name__)

_KIND: Final = "viber"
BOT: Final = "viber_bot"
NETWORKS: Final = ("viber_bot", "viber")
HOSTED: Final = "/api/v2/external/webhooks/"
_NAMES: Final = 100
_BOT_NAME: Final = 28

#: The states of a channel -> the guide's word, the same for people, and what the real API's listings call it.
STATES: Final[dict[State, tuple[str, str, str]]] = {
    State.PENDING: ("PENDING", "Pending", "Starting"),
    State.ACTIVE: ("ACTIVE", "Active", "Active"),
    State.FAILED: ("FAILED_VERIFICATION", "Failed Verification", "Failed"),
}
_WHITELIST: Final = (
    "Viber's partner team has not let this gateway in for the region {region}.",
    "not_whitelisted",
    "Ask Viber's partner team for the region to be whitelisted; nobody can do that here.",
)


class Integration(Struct, kw_only=True, omit_defaults=True):
    """What a channel is in this API besides a channel. `webhook_url` is None where it is the channel's own hook."""

    name: str
    webhook_url: str | None = None
    public_page_id: str | None = None
    keyboard_persist: bool | None = None


@dataclass(slots=True)
class Standing:
    """A channel with all that is shown of it."""

    entry: ChannelEntry
    integration: Integration
    verification: Verification | None

    @property
    def state(self) -> State:
        """Pending, active or failed. One that was never set up through a network works as it is."""
        return self.verification.state if self.verification is not None else State.ACTIVE


class Integrations:
    """The integrations of all accounts of a gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._verifying: set[asyncio.Task[None]] = set()

    # -- Looking ------------------------------------------------------------------------------------------------------

    def entry(self, account_id: int, text: str) -> ChannelEntry:
        """The account's channel of an id. Raises `ApiError` (404)."""
        number = ids.channel_of(text)
        entry = self._gateway.channels.by_id(number) if number is not None else None
        if entry is None or entry.channel.account_id != account_id:
            raise errors.not_found(f"The integration {text}")
        return entry

    def viber(self, account_id: int, text: str) -> ChannelEntry:
        """The same, for a Viber channel only."""
        entry = self.entry(account_id, text)
        if entry.network not in NETWORKS:
            raise errors.not_found(f"The integration {text}")
        return entry

    async def standing(self, entry: ChannelEntry) -> Standing:
        """How a channel stands."""
        account_id = entry.channel.account_id
        known = await self._gateway.channels.verifications(account_id)
        return Standing(entry, await self.integration(entry), known.get(entry.channel.id))

    async def standings(self, account_id: int) -> list[Standing]:
        """How the account's Viber channels stand, oldest first."""
        known = await self._gateway.channels.verifications(account_id)
        entries = [
            entry
            for entry in self._gateway.channels.all()
            if entry.channel.account_id == account_id and entry.network in NETWORKS
        ]
        entries.sort(key=lambda entry: entry.channel.id)
        return [Standing(e, await self.integration(e), known.get(e.channel.id)) for e in entries]

    async def integration(self, entry: ChannelEntry) -> Integration:
        """What is kept of a channel for this API."""
        name = str(entry.channel.id)
        return _read(entry, await self._gateway.documents.get(entry.channel.account_id, FACE, _KIND, name))

    def hook(self, entry: ChannelEntry) -> str:
        """The address at which this gateway takes the callbacks of a channel in this API."""
        return f"{self._gateway.settings.public_url}{HOSTED}{ids.of_channel(entry.channel.id)}"

    # -- Changing -----------------------------------------------------------------------------------------------------

    async def create(
        self, account_id: int, integration: Integration, secrets: dict[str, str], organization: Organization
    ) -> Standing:
        """A new Viber bot channel, pending. Raises `Refused`."""
        config: dict[str, Any] = {"sender_name": integration.name[:_BOT_NAME]}
        if organization.viber_base_url is not None:
            config["base_url"] = organization.viber_base_url
        entry = await self._named(account_id, integration.name, config, secrets)
        await self.change(entry, lambda known: integration)
        if self._gateway.inbox is not None:
            inbox = await threading.inbox_of(self._gateway, entry)
            await self._gateway.inbox.set_channel_inbox(account_id, entry.channel, inbox)
        return await self.point(entry, organization)

    async def _named(self, account_id: int, name: str, config: dict[str, Any], secrets: dict[str, str]) -> ChannelEntry:
        """A channel under a name that is still free."""
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-._")[:60] or "viber"
        for number in range(1, _NAMES):
            free = plain if number == 1 else f"{plain}-{number}"
            spec = ChannelSpec(name=free, kind=BOT, config=config, secrets=secrets)
            try:
                return await self._gateway.channels.create(account_id, spec)
            except NameTaken:
                continue
        raise errors.bad("There are too many channels of this name.", field="/name")

    async def point(self, entry: ChannelEntry, organization: Organization) -> Standing:
        """Tells the channel where Viber is to call, and has that verified; pending until it was."""
        integration = await self.integration(entry)
        url = integration.webhook_url or self.hook(entry)
        change = ChannelChange(config={"webhook_url": url})
        changed = await self._gateway.channels.update(entry.channel.account_id, entry.channel.name, change)
        if changed is None:
            raise errors.not_found("The integration")
        return await self.verify(changed, organization)

    async def change(self, entry: ChannelEntry, to: Callable[[Integration], Integration]) -> None:
        """Changes what a channel is in this API; `to` may be called several times."""
        name = str(entry.channel.id)
        await self._gateway.documents.change(
            entry.channel.account_id, FACE, _KIND, name, lambda body: msgspec.to_builtins(to(_read(entry, body)))
        )

    async def remove(self, entry: ChannelEntry) -> None:
        """Removes a channel."""
        account_id, name = entry.channel.account_id, str(entry.channel.id)
        await self._gateway.channels.remove(account_id, entry.channel.name)
        await self._gateway.documents.delete(account_id, FACE, _KIND, name)

    # -- Verifying ----------------------------------------------------------------------------------------------------

    async def verify(self, entry: ChannelEntry, organization: Organization) -> Standing:
        """Begins the handshake with Viber: pending when this returns, active or failed a moment later.

        A node that dies meanwhile leaves it pending, until somebody asks for it again.
        """
        account_id, now = entry.channel.account_id, self._gateway.clock.now()
        pending = verification.pending(now)
        let_in = organization.region in organization.whitelisted_regions
        if not let_in:
            detail, reason, fix = _WHITELIST
            pending = Verification(State.PENDING, now, detail.format(region=organization.region), reason, fix)
        await verification.keep(self._gateway.db, account_id, entry.channel.id, pending)
        if let_in:
            task = asyncio.create_task(self._handshake(entry), name=f"verify {entry.channel.name}")
            self._verifying.add(task)
            task.add_done_callback(self._verifying.discard)
        return Standing(entry, await self.integration(entry), pending)

    async def _handshake(self, entry: ChannelEntry) -> None:
        try:
            await self._gateway.channels.provision(entry)
        except Exception:
            log.exception("channel %s could not be verified; it stays pending", entry.channel.name)


def _read(entry: ChannelEntry, body: Any | None) -> Integration:
    return msgspec.convert(body or {"name": entry.channel.name}, Integration)


def is_hosted(url: str) -> bool:
    """Whether a webhook URL is one of the platform's own, whatever its host."""
    return urlsplit(url).path.startswith(HOSTED)

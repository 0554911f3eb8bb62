"""The webhooks of Viber channels: `/api/v2/external/webhooks/<id>`.

Who may call is judged before the body is read, the signature before it is parsed; each call is a line in the channel's
log. What is let through goes the way of every hook.
"""

import hmac
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from tyrian.engine.channel_entry import ChannelEntry
from tyrian.engine.hooks import MAX_BODY, Hooks
from tyrian.engine.ports import HookRequest
from tyrian.engine.verification import State
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.errors import ApiError
from tyrian.protocols.genesys.integrations import BOT, HOSTED
from tyrian.protocols.genesys.operation import Call, Operation, Reply
from tyrian.protocols.genesys.organization import CAPABILITY, must_have
from tyrian.store import webhook_log
from tyrian.store.batcher import Batcher
from tyrian.store.webhook_log import Line

if TYPE_CHECKING:
    from tyrian.engine.gateway import Gateway

#: Viber's header: lower-case hex HMAC-SHA256 over the raw body (its Bot API documentation, callbacks).
SIGNATURE: Final = "x-viber-content-signature"
#: A channel's log is cut after so many lines were added here.
_PRUNE_EVERY: Final = 200


class Journal:
    """Writes the logs of webhooks."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._lines: Batcher[Line, None] = Batcher(self._write, size=256, writers=1)
        self._added: dict[int, int] = {}
        self.hooks = Hooks(gateway)

    async def note(self, call: Call, entry: ChannelEntry, status: int, reason: str) -> None:
        """Adds a line; durable when this returns."""
        now = self._gateway.clock.now()
        await self._lines.submit(Line(entry.channel.id, now, status, reason, call.remote, len(call.raw)))

    async def _write(self, lines: Sequence[Line]) -> Sequence[None]:
        await webhook_log.add(self._gateway.db, lines)
        for line in lines:
            added = self._added.get(line.channel_id, 0) + 1
            self._added[line.channel_id] = added % _PRUNE_EVERY
            if added == _PRUNE_EVERY:
                await webhook_log.prune(self._gateway.db, line.channel_id)
        return [None] * len(lines)


def _entry(call: Call) -> ChannelEntry:
    number = ids.channel_of(call.path["webhookId"])
    entry = call.desk.gateway.channels.by_id(number) if number is not None else None
    if entry is None or entry.channel.kind != BOT:
        raise errors.not_found("The webhook")
    return entry


async def let_in(call: Call) -> None:
    """Refuses callers that are not on the organisation's list, before anything of the body is read."""
    entry = _entry(call)
    organization = await call.desk.organizations.get(entry.channel.account_id)
    must_have(organization, CAPABILITY)
    if not _is_from(call.remote, tuple(organization.allowed_networks)):
        await call.desk.journal.note(call, entry, 403, "address_not_allowed")
        raise ApiError(403, "not.authorized", "This address may not call the webhook.")


async def take(call: Call) -> Reply:
    """Takes a callback of Viber's."""
    entry, journal = _entry(call), call.desk.journal
    secret = entry.channel.secrets.get("signing_secret") or entry.channel.secrets.get("token", "")
    given = call.headers.get(SIGNATURE)
    if given is None or not hmac.compare_digest(signature(call.raw, secret), given.encode("utf-8", "replace")):
        await journal.note(call, entry, 401, "no_signature" if given is None else "wrong_signature")
        raise ApiError(401, "bad.credentials", "The signature is missing or wrong.")
    standing = await call.desk.integrations.standing(entry)
    if standing.state is State.FAILED:
        await journal.note(call, entry, 200, "not_routed_failed_verification")
        return Reply()
    await journal.note(call, entry, 200, "accepted")
    request = HookRequest("POST", f"/hooks/{entry.channel.id}", call.query, call.headers, call.raw, call.remote)
    answer = await journal.hooks.hear(entry, request)
    if answer.status != 200:
        await journal.note(call, entry, answer.status, "not_taken")
    return Reply(answer.body or None, answer.status, answer.content_type)


def signature(body: bytes, secret: str) -> bytes:
    """What Viber's header must hold."""
    return hmac.digest(secret.encode(), body, "sha256").hex().encode()


@lru_cache(maxsize=1024)
def _is_from(remote: str | None, networks: tuple[str, ...]) -> bool:
    if not networks:
        return True
    try:
        address = ip_address(remote or "")
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in ip_network(network) for network in networks)


OPERATIONS: Final = (
    Operation(
        name="postExternalWebhook",
        method="POST",
        path=f"{HOSTED}{{webhookId}}",
        handler=take,
        before=let_in,
        tag="Viber channels",
        summary="Take a callback that Viber has signed",
        open=True,
        body=bytes,
        most=MAX_BODY,
        errors=(401, 403, 404),
    ),
)

"""Whether a channel's integration is there and brings its webhooks to this gateway, in words for people."""

from typing import Final

import msgspec

from tyrian.engine.ports import Exchange, Health, Refused, Retry
from tyrian.protocols.genesys import connector_wire as wire
from tyrian.protocols.genesys.connector_client import Client, Unheard
from tyrian.protocols.genesys.connector_config import GenesysConfig

_ROLE: Final = (
    "Give the client a role with messaging:integration:view, messaging:integration:edit and "
    "conversation:message:receive (for agentless messages conversation:message:create), in this division."
)
#: What an HTTP status means for a question about the integration, and what to do.
_REFUSED: Final[dict[int, tuple[str, str | None]]] = {
    401: ("does not take the token that it gave", "Look whether the OAuth client is still enabled, and ask again."),
    403: ("does not let the OAuth client see or change the integration", _ROLE),
    404: ("knows no Open Messaging integration {}", "Copy the integration's id from its page under Admin, Message."),
}


class Standing:
    """What one channel asks about its integration."""

    def __init__(self, client: Client, config: GenesysConfig, hook_url: str, webhook_secret: str | None) -> None:
        self._client = client
        self._config = config
        self._hook_url = hook_url
        self._webhook_secret = webhook_secret

    async def check(self) -> Health:
        """Whether the token works, the integration exists, and its webhooks come here."""
        found = await self._integration()
        return found if isinstance(found, Health) else self._judged(found)

    async def provision(self) -> Health:
        """In the mode `open`, has the integration bring its webhooks here; in `agentless` there is nothing to set."""
        found = await self._integration()
        if isinstance(found, Health):
            return found
        if self._config.mode == "agentless" or self._webhook_secret is None:
            return self._judged(found)
        change = wire.IntegrationChange(found.name, self._hook_url, self._webhook_secret)
        answered = await self._ask("PATCH", wire.encode(change))
        if isinstance(answered, Health):
            return answered
        return Health(True, f'The integration "{found.name}" brings what is meant for people to {self._hook_url}.')

    def _judged(self, found: wire.Integration) -> Health:
        url, named = found.outbound_notification_webhook_url, f'The integration "{found.name}" exists'
        if self._config.mode == "agentless":
            if url == self._hook_url:
                words = f"{named}, but brings its messages back to this gateway, so that nobody brings them to people."
                return Health(False, words, fix="Set the integration's webhook to the middleware that reaches people.")
            return Health(True, f"{named}, and the OAuth client may use it.")
        if self._webhook_secret is None:
            words = f"{named}, but the channel has no `webhook_secret`, so that no webhook can be believed."
            return Health(False, words, fix="Give the channel the secret that signs the integration's webhooks.")
        if url != self._hook_url:
            where = f"brings its messages to {url}" if url else "has no webhook"
            words = f"{named}, but {where} instead of {self._hook_url}."
            return Health(False, words, fix="Set the channel up again, or set the webhook in the integration yourself.")
        return Health(True, f"{named}, and its webhook is {self._hook_url}.")

    async def _integration(self) -> wire.Integration | Health:
        """The integration, or why it cannot be seen."""
        body = await self._ask("GET")
        if isinstance(body, Health):
            return body
        try:
            return msgspec.json.decode(body, type=wire.Integration)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return Health(False, f"{self._config.base_url} answers, but with nothing that is an integration.")

    async def _ask(self, method: str, body: bytes = b"") -> bytes | Health:
        """An answer about the integration, or in words why there is none."""
        base, name = self._config.base_url, self._config.integration_id
        try:
            answer = await self._client.ask(method, wire.integration(name), body)
        except Unheard as error:
            return _no_token(error.failure) if error.failure else Health(False, f"{base} cannot be reached: {error}.")
        if 200 <= answer.status < 300:
            return answer.body
        words, fix = _REFUSED.get(answer.status, (f"answers with HTTP {answer.status}", None))
        return Health(False, f"{base} {words.format(name)}{_said(answer.body)}.", fix=fix)


def _no_token(failure: Retry | Refused) -> Health:
    exchange = failure.exchange or Exchange("")
    where = (exchange.url or "").removesuffix(wire.TOKEN_PATH)
    if isinstance(failure, Refused):
        words = f"{where} does not take the OAuth client and its secret{_said((exchange.response or '').encode())}."
        return Health(False, words, "bad_credentials", "Copy both from the client's page under Admin, OAuth.")
    if exchange.error:
        return Health(False, f"{where} cannot be reached: {exchange.error}.")
    return Health(False, f"{where} gives no token: it answers with HTTP {exchange.status}.")


def _said(body: bytes) -> str:
    """What Genesys says in its own words, as the end of a sentence."""
    try:
        error = wire.decode_error(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return ""
    said = error.message or error.description
    return f" ({said.strip().rstrip('.')[:200]})" if isinstance(said, str) and said.strip() else ""

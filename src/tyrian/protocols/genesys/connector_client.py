"""Requests to one Genesys Cloud organisation, each with a token that it takes."""

from typing import Any
from urllib.parse import urlsplit

from tyrian.engine.outbound import Answer, Garbage, NotSent
from tyrian.engine.ports import Clock, Refused, Retry, Unknown
from tyrian.engine.transport import Answered, Transport
from tyrian.protocols.genesys.connector_config import GenesysConfig
from tyrian.protocols.genesys.connector_token import Tokens


class Unheard(Exception):
    """There is no answer, for the reason that the text says; with `failure` there was not even a token."""

    def __init__(self, words: str, failure: Retry | Refused | None = None) -> None:
        super().__init__(words)
        self.failure = failure


class Client:
    """One OAuth client's way in. A request whose token is not taken any more is made once more with another."""

    def __init__(self, config: GenesysConfig, secret: str, clock: Clock) -> None:
        times: dict[str, Any] = {"timeout": config.timeout, "connect_timeout": config.connect_timeout}
        self._http = Transport(config.base_url, clock, headers={"Accept": "application/json"}, **times)
        login = config.login_url or login_of(config.base_url)
        self._tokens = Tokens(login, config.client_id, secret, clock, **times)

    def open(self) -> None:
        """Make the HTTP client; connections and the token come with the first request."""
        self._http.open()

    async def close(self) -> None:
        """Close the HTTP clients."""
        await self._http.close()
        await self._tokens.close()

    async def post(self, path: str, body: bytes) -> Answered | Retry | Refused | Unknown:
        """The answer to a POST of JSON, or what the lack of one means for a send."""
        answered = await self._post(path, body)
        return await self._post(path, body) if isinstance(answered, Answered) and answered.status == 401 else answered

    async def _post(self, path: str, body: bytes) -> Answered | Retry | Refused | Unknown:
        token = await self._tokens.get()
        if not isinstance(token, str):
            return token
        answered = await self._http.post(path, body, _bearer(token))
        if isinstance(answered, Answered) and answered.status == 401:
            self._tokens.drop(token)
        return answered

    async def ask(self, method: str, path: str, body: bytes = b"") -> Answer:
        """The answer to any other request. Raises `Unheard`."""
        answer = await self._ask(method, path, body)
        return await self._ask(method, path, body) if answer.status == 401 else answer

    async def _ask(self, method: str, path: str, body: bytes) -> Answer:
        token = await self._tokens.get()
        if not isinstance(token, str):
            raise Unheard("there is no token", token)
        try:
            answer = await self._http.open().request(method, path, body, _bearer(token))
        except (NotSent, Garbage, OSError) as error:
            raise Unheard(str(error) or type(error).__name__) from error
        if answer.status == 401:
            self._tokens.drop(token)
        return answer


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def login_of(base_url: str) -> str:
    """The host that gives tokens for an API host, as the stock SDKs find it."""
    host = urlsplit(base_url).netloc
    return base_url.replace("//api.", "//login.", 1) if host.startswith("api.") else base_url

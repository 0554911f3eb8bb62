"""Refusals of the face: a code of Telesign's, and the shapes that it comes in."""

from enum import StrEnum
from typing import Any
from uuid import uuid4

from tyrian.protocols.telesign import codes
from tyrian.protocols.telesign.ids import reference
from tyrian.protocols.telesign.wire import encode


class Envelope(StrEnum):
    """The shape of an operation's refusals (Engage API: responses of POST and of GET /v1/omnichannel)."""

    #: `status`, `external_id`, and with HTTP 400 a `reference_id`.
    SEND = "send"
    #: `status` alone.
    PLAIN = "plain"


class ApiError(Exception):
    """A request that is refused with a code. `value` is what the code's text names."""

    def __init__(
        self,
        code: int,
        value: object = "",
        *,
        text: str | None = None,
        status: int | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(codes.describe(code, str(value)) if text is None else text)
        self.code = int(code)
        self.status = codes.HTTP.get(code, 400) if status is None else status
        self.headers = headers or {}

    def body(self, envelope: Envelope, external_id: Any = None) -> bytes:
        """The answer's body. An `external_id` that could be read is handed back."""
        said: dict[str, Any] = {"status": {"code": self.code, "description": str(self)}}
        if envelope is Envelope.SEND:
            if self.status in (400, 413):
                said["reference_id"] = reference(uuid4())
            said["external_id"] = external_id if isinstance(external_id, str) else None
        return encode(said)

"""What Telesign tells of messages that were sent through it, and of what people wrote.

Sans I/O: bytes in, happenings out. A signature was verified before anything comes here.
"""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.lifecycle import ReceiptKind
from tyrian.engine.ports import HookAnswer, Inbound, Receipt
from tyrian.protocols.telesign import codes
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.ids import moment

_IMAGES: Final = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp")
_VIDEOS: Final = (".mp4", ".mov", ".m4v", ".3gp")
_MAX_URL: Final = 2000
_MAX_NAME: Final = 256
#: NUL, which PostgreSQL's text cannot hold, and halves of characters.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


class Unreadable(Exception):
    """The body is no callback."""


class _Status(Struct):
    code: int
    updated_on: Any = None


class _Callback(Struct):
    """A callback, as far as it is relied upon."""

    reference_id: str
    status: _Status
    channel_status: Any = None
    phone_number: Any = None
    content: Any = None
    user_response: Any = None


_decode: Final = msgspec.json.Decoder(_Callback).decode


def read(body: bytes, channel: str, sender: str) -> HookAnswer:
    """What a callback brings. Raises `Unreadable`."""
    try:
        callback = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Unreadable from None
    raw = _storable(body.decode("utf-8", "replace"))
    if callback.status.code == Code.INBOUND:
        return _inbound(callback, sender, raw)
    return _receipt(callback, channel, raw)


def _receipt(callback: _Callback, channel: str, raw: str) -> HookAnswer:
    word = codes.MEANING.get(callback.status.code)
    if word is None or word.kind is None:
        return HookAnswer()
    kind, reason = word
    own = _own_code(callback.channel_status, channel) if kind is ReceiptKind.FAILED else None
    if own is not None:
        # The transaction says only that it failed; its one channel says why.
        kind, reason = own.kind, own.reason
    at = moment(callback.status.updated_on if isinstance(callback.status.updated_on, str) else None)
    assert kind is not None
    return HookAnswer(receipts=[Receipt(_storable(callback.reference_id), kind, reason, at, raw)])


def _own_code(states: Any, channel: str) -> codes.Word | None:
    """What the channel itself came to, where that is a failure."""
    for entry in states if isinstance(states, list) else ():
        state = entry.get(channel) if isinstance(entry, dict) else None
        code = state.get("code") if isinstance(state, dict) else None
        word = codes.MEANING.get(code) if isinstance(code, int) else None
        if word is not None and word.kind in (ReceiptKind.FAILED, ReceiptKind.EXPIRED):
            return word
    return None


def _inbound(callback: _Callback, sender: str, raw: str) -> HookAnswer:
    response = callback.user_response if isinstance(callback.user_response, dict) else {}
    number = callback.phone_number or response.get("phone_number")
    if not isinstance(number, str) or not number.removeprefix("+").isdigit() or not number.isascii():
        raise Unreadable
    given = callback.content if isinstance(callback.content, dict) else {"text": response.get("mo_message")}
    message = Inbound(
        sender=f"+{number.removeprefix('+')}",
        to=sender,
        content=_content({name: _storable(v) for name, v in given.items() if isinstance(v, str) and v}),
        provider_id=_storable(callback.reference_id),
        at=moment(callback.status.updated_on if isinstance(callback.status.updated_on, str) else None),
        raw=raw,
    )
    return HookAnswer(inbound=[message])


def _content(given: dict[str, str]) -> Base:
    """A person's message in the neutral form. Telesign does not say what a file is; its name's ending does."""
    text, media, tracking = given.get("text"), given.get("media"), given.get("tracking_data")
    if media is None or len(media) > _MAX_URL:
        return neutral.Text(text=text or media or "(empty)", tracking_data=tracking)
    name = (given.get("file_name") or media.partition("?")[0].rpartition("/")[2] or "file")[:_MAX_NAME]
    if name.lower().endswith(_IMAGES):
        return neutral.Image(url=media, text=text, tracking_data=tracking)
    if name.lower().endswith(_VIDEOS):
        return neutral.Video(url=media, text=text, tracking_data=tracking)
    return neutral.File(url=media, name=name, tracking_data=tracking)


def _storable(text: str) -> str:
    return _UNSTORABLE.sub("", text)

"""What a request wants said, as a neutral content: exactly one of a text, a medium and a template."""

from typing import Any, Final
from uuid import UUID

from tyrian.domain import content as neutral
from tyrian.domain.content import Content
from tyrian.domain.media import Stored
from tyrian.domain.problem import Problem
from tyrian.domain.render import render
from tyrian.protocols.genesys import errors, ids
from tyrian.protocols.genesys.conversation_desk import inbox_of
from tyrian.protocols.genesys.conversation_requests import Template
from tyrian.protocols.genesys.operation import Call
from tyrian.protocols.genesys.shapes import SMS

#: Characters of a text, by messenger type.
MOST_TEXT: Final = {SMS: 765}
MOST_OTHERWISE: Final = 2000


async def content_of(
    call: Call, messenger: str, text: str | None, media_ids: list[str] | None, template: Template | None
) -> Content:
    """The content that is wanted. Raises `ApiError` (400)."""
    given = [name for name, value in _parts(text, media_ids, template) if value]
    if len(given) != 1:
        words = "is required, or mediaIds or messagingTemplate" if not given else f"cannot be given with {given[-1]}"
        raise errors.wrong([Problem("/textBody", f"{words}: a message is exactly one of the three", "required")])
    if media_ids:
        return await _medium(call, media_ids)
    if template is not None:
        return await _template(call, template)
    return words_as_content(messenger, text or "")


def _parts(text: str | None, media_ids: list[str] | None, template: Template | None) -> tuple[tuple[str, Any], ...]:
    return (("textBody", text), ("mediaIds", media_ids), ("messagingTemplate", template))


def words_as_content(messenger: str, text: str) -> Content:
    """A text within the messenger's bound. Raises `ApiError` (400)."""
    most = MOST_TEXT.get(messenger, MOST_OTHERWISE)
    if len(text) > most:
        raise errors.wrong([Problem("/textBody", f"is longer than {most} characters", "too_long")])
    return neutral.Text(text=text)


# -- Media ------------------------------------------------------------------------------------------------------------


async def _medium(call: Call, media_ids: list[str]) -> Content:
    if len(media_ids) > 1:
        raise errors.wrong([Problem("/mediaIds", "can have one id: send a message for each medium", "too_long")])
    identifier = ids.uuid_of(media_ids[0])
    stored = await _stored(call, identifier) if identifier is not None else None
    if stored is None:
        raise errors.wrong([Problem("/mediaIds/0", "names no medium that was uploaded", "unknown_media")])
    return _of_file(stored)


async def _stored(call: Call, identifier: UUID) -> Stored | None:
    return await call.desk.uploads.stored(call.account_id, identifier)


def _of_file(stored: Stored) -> Content:
    kind, size = stored.facts.content_type.partition("/")[0], stored.facts.size
    if kind == "image":
        return neutral.Image(url=stored.url)
    if kind == "video":
        length = stored.facts.duration
        return neutral.Video(url=stored.url, size=size, duration=round(length) if length is not None else None)
    return neutral.File(url=stored.url, name=stored.name, size=size)


# -- Templates --------------------------------------------------------------------------------------------------------


async def _template(call: Call, template: Template) -> Content:
    """A prepared answer of this id with its placeholders filled in, or a template of the network's."""
    if not template.response_id:
        raise errors.wrong([Problem("/messagingTemplate/responseId", "is required", "required")])
    values = template.values()
    identifier = ids.uuid_of(template.response_id)
    prepared = await inbox_of(call).answer(call.account_id, identifier) if identifier is not None else None
    if prepared is None:
        return neutral.Template(template_id=template.response_id, parameters=values)
    return render(prepared.content, values)

"""What an account keeps: templates of its own (`/v1/omnichannel/templates`) and its settings; and what it has not.

Of the template API only the paths, the methods and the codes are known for certain; the members are assumed.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tyrian.engine.documents import Document
from tyrian.engine.egress import judge_url
from tyrian.protocols.telesign import codes, settings, wire
from tyrian.protocols.telesign.access import FACE
from tyrian.protocols.telesign.codes import Code
from tyrian.protocols.telesign.errors import ApiError
from tyrian.protocols.telesign.ids import stamp
from tyrian.protocols.telesign.operation import Call, Reply
from tyrian.protocols.telesign.settings import Settings

CHANNELS: Final = ("whatsapp", "sms")
CATEGORIES: Final = ("marketing", "utility", "authentication")
_WRONG: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Template(Struct, kw_only=True, omit_defaults=True):
    """A template of the customer's own. `content` may have placeholders: `{{name}}`."""

    channel: Literal["whatsapp", "sms"]
    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_-]{1,64}$")]
    content: Annotated[str, Meta(min_length=1)]
    type: str | None = None
    category: str | None = None
    language: Annotated[str, Meta(pattern="^[a-z]{2}(_[A-Z]{2})?$")] | None = None


class StoredTemplate(Template, kw_only=True, omit_defaults=True):
    """A template as it is kept."""

    status: Literal["approved"] = "approved"
    updated_on: wire.Moment


class Done(Struct):
    """The answer to a change."""

    status: wire.Status


def read_object(body: bytes) -> dict[str, Any]:
    """A body that is a JSON object. Raises `ApiError`."""
    try:
        value = msgspec.json.decode(body)
        msgspec.json.encode(value)
    except (*_WRONG, UnicodeEncodeError):
        raise ApiError(Code.INVALID_REQUEST) from None
    if not isinstance(value, dict) or b"\\u0000" in body:
        raise ApiError(Code.INVALID_REQUEST)
    return value


def _template(given: dict[str, Any]) -> Template:
    """The template that a request describes. Raises `ApiError` with what is wrong first."""
    if given.get("channel") not in CHANNELS:
        raise ApiError(Code.BAD_CHANNEL, str(given.get("channel"))[:64])
    for name, missing in (("name", Code.TEMPLATE_NO_NAME), ("content", Code.TEMPLATE_NO_CONTENT)):
        if not given.get(name):
            raise ApiError(missing)
    if given["channel"] == "whatsapp" and not given.get("type"):
        raise ApiError(Code.TEMPLATE_NO_TYPE)
    if not isinstance(given["name"], str) or not settings.NAME.fullmatch(given["name"]):
        raise ApiError(Code.TEMPLATE_BAD_NAME)
    category = given.get("category")
    if category is not None and (not isinstance(category, str) or category.lower() not in CATEGORIES):
        raise ApiError(Code.TEMPLATE_BAD_CATEGORY)
    try:
        return msgspec.convert(given, Template)
    except msgspec.ValidationError as error:
        wrong_language = "language" in str(error)
        raise ApiError(Code.TEMPLATE_BAD_LANGUAGE if wrong_language else Code.INVALID_REQUEST) from None


def _name(path: Any) -> str:
    return f"{path['channel']}/{path['name']}"


def _stored(document: Document) -> dict[str, Any]:
    return {**document.body, "status": "approved", "updated_on": stamp(document.updated_at)}


async def list_templates(call: Call) -> Reply:
    """The account's own templates."""
    found = await call.gateway.documents.list(call.account_id, FACE, settings.TEMPLATE)
    return Reply(wire.encode([_stored(document) for document in found]))


async def create_template(call: Call) -> Reply:
    """Makes or replaces a template."""
    template = _template(call.body)
    name = f"{template.channel}/{template.name}"
    await call.gateway.documents.put(call.account_id, FACE, settings.TEMPLATE, name, msgspec.to_builtins(template))
    return _done()


async def read_template(call: Call) -> Reply:
    """One template."""
    for document in await call.gateway.documents.list(call.account_id, FACE, settings.TEMPLATE):
        if document.name == _name(call.path):
            return Reply(wire.encode(_stored(document)))
    raise ApiError(Code.UNKNOWN_TEMPLATE, status=404)


async def delete_template(call: Call) -> Reply:
    """Removes a template."""
    if not await call.gateway.documents.delete(call.account_id, FACE, settings.TEMPLATE, _name(call.path)):
        raise ApiError(Code.UNKNOWN_TEMPLATE, status=404)
    return _done()


def _done() -> Reply:
    code = Code.TEMPLATE_DONE
    return Reply(wire.encode({"status": {"code": int(code), "description": codes.describe(code)}}))


# -- Settings ---------------------------------------------------------------------------------------------------------


async def read_settings(call: Call) -> Reply:
    """The account's settings."""
    return Reply(wire.encode(msgspec.to_builtins(await settings.get(call.gateway, call.account_id))))


async def change_settings(call: Call) -> Reply:
    """Replaces the account's settings."""
    try:
        given = msgspec.convert(call.body, Settings)
    except msgspec.ValidationError:
        raise ApiError(Code.INVALID_REQUEST) from None
    for url in (given.callback_url, given.mo_callback_url):
        if url is not None and judge_url(url, call.gateway.settings.allow_private_callbacks):
            raise ApiError(Code.BAD_CALLBACK_URL, url)
    await settings.put(call.gateway, call.account_id, given)
    return await read_settings(call)


# -- Capability -------------------------------------------------------------------------------------------------------


async def capability(call: Call) -> Reply:
    """Telesign's check is for RCS alone, which this gateway has not: every account is told that it is not enabled."""
    raise ApiError(Code.CAPABILITY_NOT_ENABLED)

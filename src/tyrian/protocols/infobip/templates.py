"""Templates of business senders: `/viber/1/senders/{sender}/templates` (OpenAPI 3.210.0, product viber; early access).

They are a register of the account's own: Viber itself approves templates elsewhere, so one is APPROVED once it is well
formed, and sending one hands its id through to the network.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from tyrian.protocols.infobip.errors import invalid, not_found
from tyrian.protocols.infobip.operation import FACE, Answer, Call, Operation, Rate, Reply
from tyrian.protocols.infobip.subscription_wire import PageQuery, Paging, page_of, paging
from tyrian.protocols.infobip.violations import INVALID, NULL

KIND: Final = "template"
#: The parameter that a template for one-time passwords must have.
PIN: Final = "pin"
#: What this gateway says of every template that it keeps.
STATUS: Final = "APPROVED"
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([^{}]{1,50}?)\s*\}\}")

Language = Literal[
    "ar", "hy", "be", "bs", "bg", "my", "hr", "cs", "da", "nl", "en", "fi", "fr", "ka", "de", "el", "he", "hu", "id",
    "it", "ja", "ne", "no", "fa", "pl", "ro", "ru", "sr", "sk", "sl", "es", "sv", "th", "tr", "uk", "vi", "zh-Hans",
    "zh-Hant", "pt_BR", "pt_PT", "fr_FR", "es_ES",
]  # fmt: skip


class Parameter(Struct, kw_only=True):
    """A placeholder of a template, with a value that shows what it is for."""

    type: Literal["TEXT"]
    name: Annotated[str, Meta(max_length=50)]
    example: Annotated[str, Meta(max_length=125)]


class Body(Struct, kw_only=True):
    """A template's text in one language, with `{{name}}` for each parameter."""

    language: Language
    template: Annotated[str, Meta(min_length=1, max_length=1000)]


class NewTemplate(Struct, kw_only=True, omit_defaults=True):
    """A template to make."""

    category: Literal["OTP", "TRANSACTIONAL"]
    body: Annotated[list[Body], Meta(max_length=1)]
    params: Annotated[list[Parameter], Meta(max_length=8)] | None = None


class Template(Struct, kw_only=True, omit_defaults=True, rename="camel"):
    """A template as it stands. Times are in milliseconds since 1970."""

    template_id: str
    version: int
    sender: str
    created_at: int | None = None
    category: str
    status: str
    last_modified: int | None = None
    params: list[Parameter]
    body: list[Body]


class TemplateList(Struct, kw_only=True):
    """A page of templates, without their times."""

    templates: list[Template]
    paging: Paging


class TemplateQuery(PageQuery, kw_only=True, rename="camel"):
    """Which page of templates, in which order."""

    order_by: str = "createdAt,ASC"


async def list_templates(call: Call) -> Reply:
    """A page of a sender's templates."""
    _sender(call)
    query: TemplateQuery = call.query
    field, _, direction = query.order_by.partition(",")
    if field not in ("createdAt", "lastModified") or direction.upper() not in ("", "ASC", "DESC"):
        raise invalid(("orderBy", INVALID))
    found = await _all(call)
    if direction.upper() == "DESC":
        found.reverse()
    timeless = [msgspec.structs.replace(t, created_at=None, last_modified=None) for t in page_of(found, query)]
    return Reply(TemplateList(templates=timeless, paging=paging(query, len(found))))


async def create_template(call: Call) -> Reply:
    """Makes a template."""
    _sender(call)
    new: NewTemplate = call.body
    found = list(_faults(new))
    if found:
        raise invalid(*found)
    now = call.gateway.clock.now()
    made = Template(
        template_id=str(call.gateway.ids.new(now)),
        version=1,
        sender=call.path["sender"],
        created_at=_milliseconds(now),
        category=new.category,
        status=STATUS,
        last_modified=_milliseconds(now),
        params=new.params or [],
        body=new.body,
    )
    await call.gateway.documents.put(call.account_id, FACE, KIND, made.template_id, msgspec.to_builtins(made))
    return Reply(made, 201)


async def read_template(call: Call) -> Reply:
    """One template."""
    return Reply(await _template(call))


async def remove_template(call: Call) -> Reply:
    """Removes a template."""
    template = await _template(call)
    await call.gateway.documents.delete(call.account_id, FACE, KIND, template.template_id)
    return Reply(status=204)


async def _template(call: Call) -> Template:
    _sender(call)
    name = call.path["templateId"]
    body = None if "\0" in name else await call.gateway.documents.get(call.account_id, FACE, KIND, name)
    if body is None or body["sender"] != call.path["sender"]:
        raise not_found()
    return msgspec.convert(body, Template)


async def _all(call: Call) -> list[Template]:
    found = await call.gateway.documents.list(call.account_id, FACE, KIND)
    return [msgspec.convert(d.body, Template) for d in found if d.body["sender"] == call.path["sender"]]


def _sender(call: Call) -> None:
    """Raises `ApiError` (404) for a sender that is no business channel of the account."""
    if call.gateway.channels.by_sender(call.account_id, "viber", call.path["sender"]) is None:
        raise not_found()


def _faults(new: NewTemplate) -> Iterator[tuple[str, str]]:
    """What is wrong with a template that no type could say: its placeholders and its parameters must agree."""
    names = [parameter.name for parameter in new.params or ()]
    for number, body in enumerate(new.body):
        at = f"body[{number}].template"
        used = _PLACEHOLDER.findall(body.template)
        if set(used) - set(names) or body.template.rstrip().endswith("}}"):
            yield at, INVALID
    if len(set(names)) != len(names):
        yield "params", INVALID
    if new.category == "OTP" and PIN not in names:
        yield "params", NULL


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


_PATH: Final = "/viber/1/senders/{sender}/templates"
_ONE: Final = _PATH + "/{templateId}"
_EXAMPLE: Final = {
    "category": "OTP",
    "body": [{"language": "en", "template": "Your code is {{pin}}, keep it to yourself"}],
    "params": [{"type": "TEXT", "name": "pin", "example": "1234"}],
}
_ANSWERED: Final = {
    "templateId": "0190c5f0-7d0a-7cc5-8b1e-2f9d3c4b5a69",
    "version": 1,
    "sender": "demo-viber",
    "createdAt": 1767261600000,
    "category": "OTP",
    "status": STATUS,
    "lastModified": 1767261600000,
    "params": _EXAMPLE["params"],
    "body": _EXAMPLE["body"],
}


def _operation(method: str, path: str, name: str, summary: str, handler: Any, answer: Answer, **more: Any) -> Operation:
    return Operation(
        method=method,
        path=path,
        name=name,
        tag="Templates",
        summary=summary,
        handler=handler,
        answers=(answer,),
        scopes=("viber-bm:manage",),
        errors=(404,),
        **more,
    )


OPERATIONS: Final[tuple[Operation, ...]] = (
    _operation(
        "GET",
        _PATH,
        "listTemplates",
        "Lists a sender's templates",
        list_templates,
        Answer(status=200, description="A page of templates.", type=TemplateList),
        query=TemplateQuery,
        rate=Rate(10, 1.0),
    ),
    _operation(
        "POST",
        _PATH,
        "createTemplate",
        "Makes a template",
        create_template,
        Answer(status=201, description="The template.", type=Template, example=_ANSWERED),
        body=NewTemplate,
        examples={"otp": _EXAMPLE},
        rate=Rate(25, 1.0),
    ),
    _operation(
        "GET",
        _ONE,
        "readTemplate",
        "Reads a template",
        read_template,
        Answer(status=200, description="The template.", type=Template, example=_ANSWERED),
        rate=Rate(10, 60.0),
    ),
    _operation(
        "DELETE",
        _ONE,
        "removeTemplate",
        "Removes a template",
        remove_template,
        Answer(status=204, description="It is gone."),
        rate=Rate(10, 60.0),
    ),
)

"""The endpoints that give out tokens: `/auth/1/session` and `/auth/1/oauth2/token` (product account-management)."""

from typing import Annotated, Final
from urllib.parse import parse_qs

import msgspec
from msgspec import Meta, Struct

from tyrian.protocols.infobip.errors import ApiError, Envelope
from tyrian.protocols.infobip.operation import Answer, Call, Operation, Rate, Reply
from tyrian.protocols.infobip.sessions import ACCESS, LIFETIME, SESSION
from tyrian.protocols.infobip.violations import explain

FORM: Final = "application/x-www-form-urlencoded"
GRANT: Final = "client_credentials"
#: Requests to these endpoints, for each caller.
_RATE: Final = Rate(10, 1.0)
_MOST_FIELDS: Final = 20

Word = Annotated[str, Meta(min_length=1)]


class SessionRequest(Struct, kw_only=True, omit_defaults=True):
    """Who wants a session; `unsafe` lets it be used from any address."""

    username: Word
    password: Word
    unsafe: bool | None = None


class SessionAnswer(Struct, kw_only=True):
    """A session's token, for `Authorization: IBSSO <token>`."""

    token: str


class TokenRequest(Struct, kw_only=True, omit_defaults=True):
    """Who wants an access token; a form, not JSON."""

    client_id: Word
    client_secret: Word
    grant_type: Annotated[str, Meta(pattern=f"^{GRANT}$")]
    code: str | None = None


class TokenAnswer(Struct, kw_only=True):
    """An access token, for `Authorization: Bearer <token>`; `expires_in` in seconds."""

    access_token: str
    expires_in: int


async def open_session(call: Call) -> Reply:
    """Opens a session."""
    asked: SessionRequest = call.body
    remote = None if asked.unsafe else call.remote
    token = await call.tokens.give(SESSION, asked.username, asked.password, remote)
    if token is None:
        raise ApiError(401)
    return Reply(SessionAnswer(token=token))


async def close_session(call: Call) -> Reply:
    """Ends the session that the request itself is made with."""
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "ibsso":
        raise ApiError(401)
    await call.tokens.end(SESSION, token.strip())
    return Reply()


async def give_token(call: Call) -> Reply:
    """Gives out an access token."""
    asked: TokenRequest = call.body
    token = await call.tokens.give(ACCESS, asked.client_id, asked.client_secret)
    if token is None:
        raise ApiError(401)
    return Reply(TokenAnswer(access_token=token, expires_in=LIFETIME))


def read_form(raw: bytes, _media: str) -> TokenRequest:
    """The fields of a form. Raises `ApiError` (400)."""
    try:
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        raise ApiError(400) from None
    given = {name: values[-1] for name, values in fields.items()}
    try:
        return msgspec.convert(given, TokenRequest)
    except msgspec.ValidationError:
        raise explain(msgspec.json.encode(given), TokenRequest) from None


OPERATIONS: Final[tuple[Operation, ...]] = (
    Operation(
        method="POST",
        path="/auth/1/session",
        name="openSession",
        tag="Authentication",
        summary="Opens a session for a user name and password",
        description="The session lives for an hour after its last use.",
        handler=open_session,
        answers=(Answer(status=200, description="The token.", type=SessionAnswer, example={"token": "4fQ0…"}),),
        envelope=Envelope.NESTED,
        public=True,
        errors=(401,),
        body=SessionRequest,
        examples={"session": {"username": "demo", "password": "demo-password"}},
        rate=_RATE,
    ),
    Operation(
        method="DELETE",
        path="/auth/1/session",
        name="closeSession",
        tag="Authentication",
        summary="Ends the session that the request is made with",
        handler=close_session,
        answers=(Answer(status=200, description="The session has ended."),),
        envelope=Envelope.NESTED,
        rate=_RATE,
    ),
    Operation(
        method="POST",
        path="/auth/1/oauth2/token",
        name="giveToken",
        tag="Authentication",
        summary="Gives out an access token for client credentials",
        description="The token ends an hour after it was given out.",
        handler=give_token,
        answers=(
            Answer(
                status=200,
                description="The token.",
                type=TokenAnswer,
                example={"access_token": "4fQ0…", "expires_in": LIFETIME},
            ),
        ),
        envelope=Envelope.NESTED,
        public=True,
        errors=(401,),
        body=TokenRequest,
        read=read_form,
        media=(FORM,),
        examples={"token": {"client_id": "demo", "client_secret": "demo-password", "grant_type": GRANT}},
        rate=_RATE,
    ),
)

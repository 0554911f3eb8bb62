"""What a business puts on the wire for each purpose and content, and what Viber's answers come to."""

from typing import Any

import pytest

from tests.protocols.viber.conftest import MakeBusiness
from tests.protocols.viber.stub import ATTEMPT, Stub, outgoing
from tyrian.domain.content import (
    Base,
    Card,
    Carousel,
    Contact,
    File,
    Image,
    LinkButton,
    Survey,
    Template,
    Text,
    Video,
)
from tyrian.domain.limits import check
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Refused, Retry, Sent, Unknown
from tyrian.protocols.viber import statuses
from tyrian.protocols.viber.business import BusinessConnector, seq_of
from tyrian.protocols.viber.business_content import TRACKED, TRACKED_WITH_VALUE, TYPES, Style, type_for
from tyrian.protocols.viber.business_wire import MessageType

TAKEN = {"status": 0, "seq": 42, "message_token": "5379697806260881548"}
LINK = LinkButton(text="Open", url="https://shop.example")
BUTTON = {"#caption": "Open", "#action": "https://shop.example"}
MP4 = "https://cdn.example/v.mp4"
THUMB = "https://cdn.example/t.jpg"
JPG = "https://cdn.example/a.jpg"
GIF = "https://cdn.example/a.GIF?v=1"
TRANSACTIONAL, PROMOTIONAL, SESSION, OTP = (
    Purpose.TRANSACTIONAL,
    Purpose.PROMOTIONAL,
    Purpose.SESSION,
    Purpose.OTP,
)
PLAIN_VIDEO = Video(url=MP4, size=100, duration=5, thumbnail=THUMB)
CARDS = [
    Card(title="One", image=JPG, primary=LINK),
    Card(title="Two", image=JPG, primary=LINK, secondary=LinkButton(text="More", url="https://shop.example/2")),
]
ITEMS = [
    {"title": "One", "imageUrl": JPG, "primaryButton": {"label": "Open", "actionUrl": "https://shop.example"}},
    {
        "title": "Two",
        "imageUrl": JPG,
        "primaryButton": {"label": "Open", "actionUrl": "https://shop.example"},
        "secondaryButton": {"label": "More", "actionUrl": "https://shop.example/2"},
    },
]

PHONE = {"all_devices": False}
NO_REPLY = {"reply_allowed": False}

#: Purpose, content, settings, and what goes out beside the members that every send has.
SENDS: list[tuple[str, Purpose, Base, dict[str, Any], dict[str, Any]]] = [
    ("text", TRANSACTIONAL, Text(text="Hi"), {}, {"type": 206, "message": {"#txt": "Hi", "#tracking_data": ""}}),
    (
        "text with tracking data",
        TRANSACTIONAL,
        Text(text="Hi", tracking_data="c-1"),
        {},
        {"type": 206, "message": {"#txt": "Hi", "#tracking_data": "c-1"}},
    ),
    ("text, no replies", TRANSACTIONAL, Text(text="Hi"), NO_REPLY, {"type": 106, "message": {"#txt": "Hi"}}),
    ("text, smartphone", TRANSACTIONAL, Text(text="Hi"), PHONE, {"type": 6, "message": {"#txt": "Hi"}}),
    ("a code", OTP, Text(text="1234"), {}, {"type": 206, "message": {"#txt": "1234", "#tracking_data": ""}}),
    (
        "template",
        TRANSACTIONAL,
        Template(template_id="t-1", language="en", parameters={"name": "Ann"}, text="for the SMS"),
        {},
        {"type": 1702, "templateId": "t-1", "templateLang": "en", "templateParams": {"name": "Ann"}},
    ),
    (
        "template, smartphone",
        OTP,
        Template(template_id="t-1", language="en", parameters={"pin": "1234"}),
        PHONE,
        {"type": 1701, "templateId": "t-1", "templateLang": "en", "templateParams": {"pin": "1234"}},
    ),
    (
        "file",
        TRANSACTIONAL,
        File(url="https://cdn.example/a", name="Bill.PDF", size=5),
        {},
        {
            "type": 220,
            "file_type": "pdf",
            "file_size": 5,
            "message": {"#action": "https://cdn.example/a", "#fileName": "Bill.PDF", "#tracking_data": ""},
        },
    ),
    (
        "file, no replies",
        TRANSACTIONAL,
        File(url="https://cdn.example/a", name="a.xlsx"),
        NO_REPLY,
        {"type": 222, "file_type": "xlsx", "message": {"#action": "https://cdn.example/a", "#fileName": "a.xlsx"}},
    ),
    (
        "file, smartphone",
        TRANSACTIONAL,
        File(url="https://cdn.example/a", name="a.csv"),
        PHONE,
        {"type": 223, "file_type": "csv", "message": {"#action": "https://cdn.example/a", "#fileName": "a.csv"}},
    ),
    (
        "list: tracking data must hold something, so the attempt stands in",
        TRANSACTIONAL,
        Survey(text="Which?", options=["Red", "Blue"]),
        {},
        {
            "type": 801,
            "survey": {"list_message_ui_type": 2, "options": ["Red", "Blue"]},
            "message": {"#txt": "Which?", "#tracking_data": str(ATTEMPT)},
        },
    ),
    (
        "list of radio buttons",
        TRANSACTIONAL,
        Survey(text="Which?", options=["Red", "Blue"], tracking_data="c-1"),
        {"list_style": "radio"},
        {
            "type": 801,
            "survey": {"list_message_ui_type": 1, "options": ["Red", "Blue"]},
            "message": {"#txt": "Which?", "#tracking_data": "c-1"},
        },
    ),
    ("promotion", PROMOTIONAL, Text(text="Sale"), {}, {"type": 225, "message": {"#txt": "Sale", "#tracking_data": ""}}),
    (
        "promotion, smartphone: has but one type",
        PROMOTIONAL,
        Text(text="Sale"),
        PHONE,
        {"type": 225, "message": {"#txt": "Sale", "#tracking_data": ""}},
    ),
    (
        "text and button",
        PROMOTIONAL,
        Text(text="Sale", button=LINK),
        {},
        {"type": 209, "message": {"#txt": "Sale", **BUTTON, "#tracking_data": ""}},
    ),
    (
        "text and button, no replies: tracking data must be absent",
        PROMOTIONAL,
        Text(text="Sale", button=LINK, tracking_data="c-1"),
        NO_REPLY,
        {"type": 109, "message": {"#txt": "Sale", **BUTTON}},
    ),
    (
        "text and button, smartphone",
        PROMOTIONAL,
        Text(text="Sale", button=LINK),
        PHONE,
        {"type": 9, "message": {"#txt": "Sale", **BUTTON}},
    ),
    ("image", PROMOTIONAL, Image(url=JPG), {}, {"type": 207, "message": {"#img": JPG, "#tracking_data": ""}}),
    ("image, no replies", PROMOTIONAL, Image(url=JPG), NO_REPLY, {"type": 107, "message": {"#img": JPG}}),
    ("image, smartphone", PROMOTIONAL, Image(url=JPG), PHONE, {"type": 7, "message": {"#img": JPG}}),
    (
        "moving image",
        PROMOTIONAL,
        Image(url=GIF),
        {},
        {"type": 207, "message": {"#img": GIF, "#imageFormat": "gif", "#tracking_data": ""}},
    ),
    (
        "image and text: an empty button is no button",
        PROMOTIONAL,
        Image(url=JPG, text="Sale"),
        {},
        {"type": 208, "message": {"#txt": "Sale", "#img": JPG, "#caption": "", "#action": "", "#tracking_data": ""}},
    ),
    (
        "image, text and button",
        PROMOTIONAL,
        Image(url=JPG, text="Sale", button=LINK),
        {},
        {"type": 208, "message": {"#txt": "Sale", "#img": JPG, **BUTTON, "#tracking_data": ""}},
    ),
    (
        "image, text and button, no replies",
        PROMOTIONAL,
        Image(url=JPG, text="Sale", button=LINK),
        NO_REPLY,
        {"type": 108, "message": {"#txt": "Sale", "#img": JPG, **BUTTON}},
    ),
    (
        "image, text and button, smartphone",
        PROMOTIONAL,
        Image(url=GIF, text="Sale", button=LINK),
        PHONE,
        {"type": 8, "message": {"#txt": "Sale", "#img": GIF, "#imageFormat": "gif", **BUTTON}},
    ),
    (
        "full-screen image: takes no image format",
        PROMOTIONAL,
        Image(url=GIF, text="Sale", button=LINK),
        {"full_screen_images": True},
        {"type": 210, "message": {"#txt": "Sale", "#img": GIF, **BUTTON, "#tracking_data": ""}},
    ),
    (
        "video",
        PROMOTIONAL,
        PLAIN_VIDEO,
        {},
        {
            "type": 230,
            "file_size": 100,
            "duration": 5,
            "message": {"#action": MP4, "#thumbnail": THUMB, "#tracking_data": ""},
        },
    ),
    (
        "video and text",
        PROMOTIONAL,
        Video(url=MP4, size=100, duration=5, thumbnail=THUMB, text="See"),
        {},
        {
            "type": 231,
            "file_size": 100,
            "duration": 5,
            "message": {"#txt": "See", "#action": MP4, "#thumbnail": THUMB, "#tracking_data": ""},
        },
    ),
    (
        "video, text and a button that plays it",
        PROMOTIONAL,
        Video(url=MP4, size=100, duration=5, thumbnail=THUMB, text="See", button=LinkButton(text="Play", url=MP4)),
        {},
        {
            "type": 232,
            "file_size": 100,
            "duration": 5,
            "message": {
                "#txt": "See", "#caption": "Play", "#action": MP4, "#thumbnail": THUMB, "#tracking_data": ""
            },
        },
    ),
    (
        "video, text and a button of its own: the video moves",
        PROMOTIONAL,
        Video(url=MP4, size=100, duration=5, thumbnail=THUMB, text="See", button=LINK),
        {},
        {
            "type": 233,
            "file_size": 100,
            "duration": 5,
            "message": {"#txt": "See", **BUTTON, "#media": MP4, "#thumbnail": THUMB, "#tracking_data": ""},
        },
    ),
    (
        "carousel",
        PROMOTIONAL,
        Carousel(text="New", cards=CARDS),
        {},
        {
            "type": 901,
            "carousel": {"items": ITEMS},
            "message": {"#txt": "New", "#tracking_data": str(ATTEMPT)},
        },
    ),
    ("in a session", SESSION, Text(text="Hi"), {}, {"type": 306, "message": {"#txt": "Hi", "#tracking_data": ""}}),
    (
        "image in a session",
        SESSION,
        Image(url=GIF),
        {},
        {"type": 307, "message": {"#img": GIF, "#imageFormat": "gif", "#tracking_data": ""}},
    ),
    (
        "file in a session",
        SESSION,
        File(url="https://cdn.example/a", name="a.txt"),
        {},
        {"type": 221, "file_type": "txt", "message": {"#action": "https://cdn.example/a", "#fileName": "a.txt"}},
    ),
    (
        "file in a session, smartphone",
        SESSION,
        File(url="https://cdn.example/a", name="a.txt"),
        PHONE,
        {"type": 224, "file_type": "txt", "message": {"#action": "https://cdn.example/a", "#fileName": "a.txt"}},
    ),
    (
        "list in a session",
        SESSION,
        Survey(text="Which?", options=["Red", "Blue"], tracking_data="c-1"),
        {},
        {
            "type": 802,
            "survey": {"list_message_ui_type": 2, "options": ["Red", "Blue"]},
            "message": {"#txt": "Which?", "#tracking_data": "c-1"},
        },
    ),
]  # fmt: skip

LABELS = {TRANSACTIONAL: "transaction", OTP: "transaction", SESSION: "transaction", PROMOTIONAL: "promotion"}


@pytest.mark.parametrize(
    ("purpose", "content", "config", "wire"), [pytest.param(*case[1:], id=case[0]) for case in SENDS]
)
async def test_send(
    purpose: Purpose,
    content: Base,
    config: dict[str, Any],
    wire: dict[str, Any],
    viber: Stub,
    make_business: MakeBusiness,
) -> None:
    business = await make_business(**config)
    assert check(content, purpose, business.capabilities) == []
    viber.answer(TAKEN)
    result = await business.send(outgoing(content, "+380501234567", purpose))
    assert isinstance(result, Sent)
    assert result.ref == "5379697806260881548"
    assert (
        viber.last.json
        == {
            "service_id": 1001,
            "dest": "380501234567",
            "seq": seq_of(ATTEMPT),
            "label": LABELS[purpose],
            "ttl": 3600,
        }
        | wire
    )
    assert (viber.last.method, viber.last.path) == ("POST", "/vibersrvc/1/send_message")


def test_every_type_but_one_is_sent_by_some_case() -> None:
    sent = {wire["type"] for *_, wire in SENDS}
    # 301 matches texts against patterns of an older specification; templates have taken its place.
    assert set(MessageType) - sent == {MessageType.PATTERN_TEXT}


def test_tracking_data_is_wherever_it_must_be_and_nowhere_else() -> None:
    for *_, wire in SENDS:
        tracking = wire.get("message", {}).get("#tracking_data")
        if wire["type"] in TRACKED_WITH_VALUE:
            assert tracking
        else:
            assert (tracking is not None) == (wire["type"] in TRACKED)


# -- What each purpose may say -----------------------------------------------------------------------------------------

REFUSED: list[tuple[str, Purpose, Base]] = [
    ("an image", TRANSACTIONAL, Image(url=JPG)),
    ("a button", TRANSACTIONAL, Text(text="Hi", button=LINK)),
    ("a video", TRANSACTIONAL, PLAIN_VIDEO),
    ("a carousel", TRANSACTIONAL, Carousel(text="New", cards=CARDS)),
    ("a file", OTP, File(url="https://cdn.example/a", name="a.txt")),
    ("a list", OTP, Survey(text="Which?", options=["Red", "Blue"])),
    ("a template", PROMOTIONAL, Template(template_id="t", language="en")),
    ("a file", PROMOTIONAL, File(url="https://cdn.example/a", name="a.txt")),
    ("a list", PROMOTIONAL, Survey(text="Which?", options=["Red", "Blue"])),
    ("a button", SESSION, Text(text="Hi", button=LINK)),
    ("a video", SESSION, PLAIN_VIDEO),
    ("a template", SESSION, Template(template_id="t", language="en")),
    ("a carousel", SESSION, Carousel(text="New", cards=CARDS)),
    ("a contact", TRANSACTIONAL, Contact(name="Ann", phone="+380501234567")),
]


@pytest.mark.parametrize(("what", "purpose", "content"), REFUSED)
async def test_what_a_purpose_may_not_say(
    what: str, purpose: Purpose, content: Base, viber: Stub, business: BusinessConnector
) -> None:
    assert "/type" in [p.pointer for p in check(content, purpose, business.capabilities)]
    result = await business.send(outgoing(content, "+380501234567", purpose))
    assert isinstance(result, Refused)
    assert result.reason == "content_refused"
    assert viber.calls == []


@pytest.mark.parametrize("purpose", [TRANSACTIONAL, OTP])
async def test_free_text_can_be_ruled_out(purpose: Purpose, make_business: MakeBusiness) -> None:
    business = await make_business(free_text_transactional=False)
    assert [p.pointer for p in check(Text(text="Hi"), purpose, business.capabilities)] == ["/type"]
    assert check(Text(text="Hi"), PROMOTIONAL, business.capabilities) == []
    assert check(Text(text="Hi"), SESSION, business.capabilities) == []


async def test_a_plain_text_is_accepted_by_default(business: BusinessConnector) -> None:
    assert check(Text(text="Your order is on its way"), TRANSACTIONAL, business.capabilities) == []


def test_every_shape_that_is_allowed_has_a_type(business: BusinessConnector) -> None:
    assert {p: set(shapes) for p, shapes in business.capabilities.shapes.items()} == {
        p: set(types) for p, types in TYPES.items()
    }


def test_what_has_no_type_has_none() -> None:
    assert type_for(Contact(name="Ann", phone="1"), SESSION, Style()) is None


# -- The request's own members -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ttl", "sent"), [(1, 30), (30, 30), (172_800, 172_800), (9_999_999, 1_209_600)])
async def test_ttl_stays_within_what_viber_takes(ttl: int, sent: int, viber: Stub, business: BusinessConnector) -> None:
    viber.answer(TAKEN)
    await business.send(outgoing(Text(text="Hi"), "+380501234567", ttl=ttl))
    assert viber.last.json["ttl"] == sent


async def test_a_tag_goes_along(viber: Stub, make_business: MakeBusiness) -> None:
    viber.answer(TAKEN)
    await (await make_business(tag="spring")).send(outgoing(Text(text="Hi"), "+380501234567"))
    assert viber.last.json["tag"] == "spring"


async def test_a_repeat_carries_the_same_number(viber: Stub, business: BusinessConnector) -> None:
    viber.answer(TAKEN)
    for resent in (False, True):
        await business.send(outgoing(Text(text="Hi"), "+380501234567", resent=resent))
    assert viber.calls[0].body == viber.calls[1].body
    assert 0 <= viber.last.json["seq"] < 2**53


async def test_an_authorization_header_where_one_is_asked_for(viber: Stub, make_business: MakeBusiness) -> None:
    viber.answer(TAKEN)
    business = await make_business({"authorization": "Bearer s3cret"})
    result = await business.send(outgoing(Text(text="Hi"), "+380501234567"))
    assert viber.last.headers["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(result)


# -- Statuses (specification v11.3 and older) --------------------------------------------------------------------------

STATUSES: list[tuple[int, str, type, str]] = [
    (1, "INTERNAL_FAILURE", Retry, "provider_error"),
    (2, "BAD_SERVICE_ID", Refused, "sender_not_found"),
    (3, "BAD_DATA", Refused, "content_refused"),
    (4, "BLOCKED_MESSAGE_TYPE", Refused, "not_permitted"),
    (5, "BAD_MESSAGE_TYPE", Refused, "content_refused"),
    (6, "BAD_PARAMETERS", Refused, "content_refused"),
    (7, "TIMEOUT", Unknown, "no_answer"),
    (8, "USER_BLOCKED", Refused, "blocked_by_user"),
    (9, "NOT_VIBER_USER", Refused, "not_a_viber_user"),
    (10, "NO_SUITABLE_DEVICE", Refused, "no_suitable_device"),
    (11, "UNAUTHORIZED_IP", Refused, "bad_credentials"),
    (12, "ALREADY_SENT", Refused, "already_sent"),
    (13, "NOT_PERMITTED", Refused, "not_permitted"),
    (14, "BILLING_FAILURE", Refused, "no_credit"),
    (17, "NO_MORE_MESSAGES", Refused, "session_closed"),
    (18, "BAD_LABEL", Refused, "content_refused"),
    (20, "INVALID_TTL", Refused, "content_refused"),
    (21, "WAIT_FOR_USER_RESPONSE", Refused, "awaiting_reply"),
    (27, "INVALID_PHONE_NUMBER", Refused, "invalid_recipient"),
    (28, "FILE_NOT_PERMITTED", Refused, "content_refused"),
    (29, "BAD_FILE_NAME_LENGTH", Refused, "content_refused"),
    (30, "BAD_THUMBNAIL", Refused, "content_refused"),
    (31, "BAD_FILE_SIZE", Refused, "content_refused"),
    (32, "BAD_DURATION", Refused, "content_refused"),
    (38, "TEMPLATE_NOT_FOUND", Refused, "template_refused"),
    (39, "TEMPLATE_VALIDATION_ERROR", Refused, "template_refused"),
    (40, "SURVEY_VALIDATION_ERROR", Refused, "content_refused"),
    (41, "CAROUSEL_VALIDATION_ERROR", Refused, "content_refused"),
    (43, "SERVICE_BLOCKED", Refused, "sender_blocked"),
    (401, "UNAUTHORIZED_IP", Refused, "bad_credentials"),
    (15, "a gap in the table", Refused, "provider_error"),
    (999, "something new", Refused, "provider_error"),
]


@pytest.mark.parametrize(("status", "name", "kind", "reason"), STATUSES)
async def test_status(
    status: int, name: str, kind: type, reason: str, viber: Stub, business: BusinessConnector
) -> None:
    viber.answer({"status": status, "seq": 42})
    result = await business.send(outgoing(Text(text="Hi"), "+380501234567"))
    assert type(result) is kind
    assert getattr(result, "reason", None) == reason
    assert result.exchange is not None
    assert f'"status":{status}' in (result.exchange.response or "")


def test_every_status_in_the_table_is_tested() -> None:
    assert set(statuses.BUSINESS) <= {number for number, *_ in STATUSES}


@pytest.mark.parametrize(("token", "ref"), [({}, None), ({"message_token": "77"}, "77")])
async def test_already_sent_proves_that_a_repeat_had_arrived(
    token: dict[str, str], ref: str | None, viber: Stub, business: BusinessConnector
) -> None:
    viber.answer({"status": 12, "seq": 42} | token)
    result = await business.send(outgoing(Text(text="Hi"), "+380501234567", resent=True))
    assert isinstance(result, Sent)
    assert result.ref == ref


@pytest.mark.parametrize(
    ("answer", "ref"),
    [
        ({"status": 0, "seq": 1, "message_token": 5379697806260881548}, "5379697806260881548"),
        ({"status": 0, "message_token": "1", "session_id": "s", "matching_template_id": 7, "new": {}}, "1"),
        ({"status": 0}, None),
    ],
)
async def test_answers_are_read_tolerantly(
    answer: dict[str, Any], ref: str | None, viber: Stub, business: BusinessConnector
) -> None:
    viber.answer(answer)
    result = await business.send(outgoing(Text(text="Hi"), "+380501234567"))
    assert isinstance(result, Sent)
    assert result.ref == ref


# -- Doctor ------------------------------------------------------------------------------------------------------------


async def test_check_reaches_out(viber: Stub, business: BusinessConnector) -> None:
    viber.answer({"anything": "will do"})
    health = await business.check()
    assert health.ok
    assert f"{viber.url} answers" in health.detail
    assert "1001" in health.detail


async def test_check_says_what_is_wrong(make_business: MakeBusiness) -> None:
    health = await (await make_business(base_url="http://viber.invalid")).check()
    assert not health.ok
    assert health.detail.startswith("http://viber.invalid cannot be reached: ")

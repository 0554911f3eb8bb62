"""Conversations and messages in the API's forms: pure, no value that an SDK would lose, and nothing null."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from tyrian.domain import content as neutral
from tyrian.domain.content import Base
from tyrian.domain.conversation import Author, By, Conversation, Ending, Item, ItemKind, Leg, LegState, Role, State
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.reasons import REASONS
from tyrian.protocols.genesys import shapes
from tyrian.protocols.genesys.conversation_content import normalized, words_of
from tyrian.protocols.genesys.conversation_view import ENDINGS, PURPOSES, STATES, generic, message_conversation

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
URL = "https://shop.example/a.png"
LINK = neutral.LinkButton(text="Open", url="https://shop.example")
KEYS = Keyboard(
    buttons=[Button(value="YES", text="Yes"), Button(action="share-phone", value="x", text="Call me")],
    default_buttons=[Button(action="open-url", value="https://shop.example", text="Shop")],
)
#: Content -> type, text, and the types of its elements.
CONTENTS: list[tuple[Base, str, str | None, list[str]]] = [
    (neutral.Text(text="Hi"), "Text", "Hi", []),
    (neutral.Text(text="Hi", keyboard=KEYS), "Structured", "Hi", ["QuickReply", "Card"]),
    (neutral.Text(text="Hi", button=LINK), "Structured", "Hi", ["Card"]),
    (neutral.Image(url=URL, text="Look"), "Text", "Look", ["Attachment"]),
    (neutral.Image(url=URL, button=LINK), "Structured", None, ["Attachment", "Card"]),
    (neutral.Video(url=URL), "Text", None, ["Attachment"]),
    (neutral.File(url=URL, name="a.png"), "Text", None, ["Attachment"]),
    (neutral.Audio(url=URL), "Text", None, ["Attachment"]),
    (neutral.Location(latitude=45, longitude=16, address="Here"), "Structured", "Here", ["Location"]),
    (neutral.Contact(name="Ana", phone="+385991234567"), "Text", "Ana +385991234567", []),
    (neutral.Sticker(sticker_id=5), "Text", "[sticker 5]", []),
    (neutral.UrlContent(url=URL), "Text", URL, ["Attachment"]),
    (neutral.Survey(text="Which?", options=["a", "b"]), "Structured", "Which?", ["QuickReply", "QuickReply"]),
    (neutral.Carousel(cards=[neutral.Card(title="A", image=URL, primary=LINK)]), "Structured", None, ["Carousel"]),
    (neutral.Carousel(buttons=[Button(value="A")]), "Structured", None, ["QuickReply"]),
    (neutral.Template(template_id="t", parameters={"a": "b"}), "Structured", None, ["Notification"]),
    (neutral.KeyboardOnly(keyboard=KEYS), "Structured", None, ["QuickReply", "Card"]),
]


@pytest.mark.parametrize(("content", "kind", "text", "elements"), CONTENTS)
def test_every_content_has_its_form(content: Base, kind: str, text: str | None, elements: list[str]) -> None:
    made = normalized(content)
    assert (made[0], made[1], [element.content_type for element in made[2]]) == (kind, text, elements)
    assert words_of(content) == (text or (URL if "Attachment" in elements else ""))


def test_no_content_is_forgotten() -> None:
    assert {type(content) for content, _, _, _ in CONTENTS} == set(neutral.CONTENT_TYPES.values())


def _leg(number: int, role: Role, **fields: Any) -> Leg:
    given = {"state": LegState.CONNECTED, "started_at": NOW, **fields}
    return Leg(id=UUID(int=number), communication_id=UUID(int=number + 100), role=role, **given)


def _item(number: int, **fields: Any) -> Item:
    given = {"kind": ItemKind.OUTBOUND, "at": NOW, "author": Author(By.AGENT, str(UUID(int=9)), "Ana"), **fields}
    return Item(id=UUID(int=number), conversation_id=UUID(int=1), **given)


def _thread(legs: list[Leg], *items: Item, network: str = "viber") -> shapes.Thread:
    talk = Conversation(
        id=UUID(int=1),
        account_id=1,
        channel_id=7,
        person="385991234501",
        address="+385991234501",
        opened_at=NOW,
        updated_at=NOW,
        state=State.OPEN,
        legs=legs,
    )
    return shapes.Thread(talk, items, network, "shop", "385911111111" if network == "sms" else "1001")


def _values(made: Any) -> list[Any]:
    if isinstance(made, dict):
        return [value for member in made.values() for value in _values(member)]
    return [value for member in made for value in _values(member)] if isinstance(made, list) else [made]


def test_nothing_is_null() -> None:
    legs = [_leg(n, role, state=state) for n, (role, state) in enumerate((r, s) for r in Role for s in LegState)]
    thread = _thread(legs, _item(50, content=neutral.Text(text="Hi"), leg_id=legs[0].id))
    for made in (message_conversation(thread), generic(thread), shapes.message(thread, thread.items[0])):
        assert None not in _values(msgspec.json.decode(msgspec.json.encode(made)))


def test_every_word_of_ours_has_one_of_theirs() -> None:
    assert (set(PURPOSES), set(STATES), set(ENDINGS)) == (set(Role), set(LegState), set(Ending))
    assert set(shapes.REASON_CODES) <= set(REASONS)


@pytest.mark.parametrize(
    ("status", "theirs", "receipt"),
    [
        ("accepted", "queued", None),
        ("scheduled", "queued", None),
        ("sending", "queued", None),
        ("sent", "sent", "Sent"),
        ("delivered", "delivery-success", "Delivered"),
        ("seen", "read", "Read"),
        ("failed", "delivery-failed", "Failed"),
        ("expired", "delivery-failed", "Failed"),
        ("cancelled", "failed", "Failed"),
    ],
)
def test_statuses_and_receipts(status: str, theirs: str, receipt: str | None) -> None:
    item = _item(50, content=neutral.Text(text="Hi"), status=status, reason="not_a_viber_user")
    made = shapes.message(_thread([], item), item)
    assert made.status == theirs
    assert [told.status for told in made.normalized_receipts] == ([receipt] if receipt else [])
    if receipt == "Failed":
        assert made.normalized_receipts[0].reasons[0].code == "InvalidDestination"


def test_sms_goes_by_numbers() -> None:
    item = _item(50, content=neutral.Text(text="Hi"))
    made = shapes.message(_thread([], item, network="sms"), item)
    assert (made.messenger_type, made.from_address) == ("sms", "385911111111")
    assert made.normalized_message.channel.platform == "Sms"


def test_a_persons_words_stand_with_the_leg_that_they_had_then() -> None:
    later = NOW + timedelta(hours=1)
    legs = [
        _leg(1, Role.CUSTOMER, state=LegState.ENDED, ended_at=NOW, ending=Ending.PEER),
        _leg(2, Role.CUSTOMER, started_at=later),
    ]
    said = [
        _item(50 + n, kind=ItemKind.INBOUND, at=at, content=neutral.Text(text="Hi"))
        for n, at in enumerate((NOW, later))
    ]
    made = message_conversation(_thread(legs, *said))
    assert [[m.message_id for m in p.messages] for p in made.participants] == [[str(i.id)] for i in said]

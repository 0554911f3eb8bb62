"""What can be sent, what of it reaches the network, and what is refused with which words."""

from typing import Any

import pytest

from tests.protocols.tyntec.conftest import TO, V2, V3, Api
from tyrian.domain import content as neutral
from tyrian.domain.content import Card, LinkButton
from tyrian.domain.purpose import Purpose
from tyrian.protocols.tyntec import limits

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "https://cdn.example.com/a.png"
CLIP = "https://cdn.example.com/a.mp4"
SHOP = "https://shop.example.com/7"
VIDEO = {"url": CLIP, "thumbnailUrl": URL, "type": "mp4", "filesize": 12, "duration": 30}
ITEM = {"title": "Shoes", "imageUrl": URL, "primaryButton": {"label": "Buy", "actionUrl": SHOP}}
FULL_ITEM = {**ITEM, "secondaryButton": {"label": "More", "actionUrl": SHOP}}
CARD = Card(title="Shoes", image=URL, primary=LinkButton(text="Buy", url=SHOP))
FULL_CARD = Card(
    title="Shoes",
    image=URL,
    primary=LinkButton(text="Buy", url=SHOP),
    secondary=LinkButton(text="More", url=SHOP),
)
BUTTON = LinkButton(text="Buy", url=SHOP)
TEXT_PART = {"type": "text", "text": "Sale"}
IMAGE_PART = {"type": "image", "image": {"url": URL}}
VIDEO_PART = {"type": "video", "video": VIDEO}
A_CLIP: dict[str, Any] = {"url": CLIP, "thumbnail": URL, "size": 12 * limits.MEGABYTE, "duration": 30}


def button(kind: str = "contentType", target: str = "url") -> dict[str, Any]:
    return {kind: "button", "button": {"caption": "Buy", target: SHOP}}


def parts(*body: Any) -> dict[str, Any]:
    return {"contentType": "components", "components": {"body": list(body)}}


CONTENTS: dict[str, tuple[dict[str, Any], neutral.Base]] = {
    "text": ({"contentType": "text", "text": "Hi"}, neutral.Text(text="Hi")),
    "text by the page's name": ({"type": "text", "text": "Hi"}, neutral.Text(text="Hi")),
    "text, longest": ({"contentType": "text", "text": "x" * 3000}, neutral.Text(text="x" * 3000)),
    "text with braces": ({"contentType": "text", "text": "{{a}}"}, neutral.Text(text="{{a}}")),
    "image": ({"contentType": "image", "image": {"url": URL}}, neutral.Image(url=URL)),
    "file": (
        {"contentType": "file", "file": {"url": SHOP, "filename": "a.pdf", "type": "pdf"}},
        neutral.File(url=SHOP, name="a.pdf"),
    ),
    "file with Postman's filetype": (
        {"contentType": "file", "file": {"url": SHOP, "filename": "terms", "filetype": "pdf"}},
        neutral.File(url=SHOP, name="terms.pdf"),
    ),
    "file whose URL says its type": (
        {"contentType": "file", "file": {"url": "https://a.example.com/x.docx", "filename": "terms"}},
        neutral.File(url="https://a.example.com/x.docx", name="terms.docx"),
    ),
    "video": ({"contentType": "video", "video": VIDEO}, neutral.Video(**A_CLIP)),
    "list": (
        {"contentType": "list", "list": {"text": "Which?", "options": ["a", "b"]}},
        neutral.Survey(text="Which?", options=["a", "b"]),
    ),
    "carousel": (
        {"contentType": "carousel", "carousel": {"text": "New", "items": [ITEM, FULL_ITEM]}},
        neutral.Carousel(text="New", cards=[CARD, FULL_CARD]),
    ),
    "parts: text": (parts(TEXT_PART), neutral.Text(text="Sale")),
    "parts: text, button": (parts(TEXT_PART, button()), neutral.Text(text="Sale", button=BUTTON)),
    "parts: button as Postman has it": (
        parts(TEXT_PART, button("type", "callback")),
        neutral.Text(text="Sale", button=BUTTON),
    ),
    "parts: text, image, button": (
        parts(TEXT_PART, IMAGE_PART, button("type")),
        neutral.Image(url=URL, text="Sale", button=BUTTON),
    ),
    "parts: image": (parts(IMAGE_PART), neutral.Image(url=URL)),
    "parts: video, text": (parts(VIDEO_PART, TEXT_PART), neutral.Video(**A_CLIP, text="Sale")),
    "parts: video, text, button": (
        parts(VIDEO_PART, TEXT_PART, button()),
        neutral.Video(**A_CLIP, text="Sale", button=BUTTON),
    ),
    "parts: file by contentType": (
        parts({"contentType": "file", "file": {"url": SHOP, "filename": "a.pdf"}}),
        neutral.File(url=SHOP, name="a.pdf"),
    ),
    "parts: list": (
        parts({"type": "list", "list": {"text": "Which?", "options": ["a", "b"]}}),
        neutral.Survey(text="Which?", options=["a", "b"]),
    ),
}


@pytest.mark.parametrize("label", CONTENTS)
async def test_a_content_reaches_the_network(api: Api, label: str) -> None:
    asked, expected = CONTENTS[label]
    assert await api.on_network(await api.taken(asked)) == expected


@pytest.mark.parametrize("label", CONTENTS)
async def test_the_stored_message_names_its_parts(api: Api, label: str) -> None:
    asked, _ = CONTENTS[label]
    stored = (await api.get(f"{V3}/messages/{await api.taken(asked)}")).body["viber"]
    said = [part.get("type") or part["contentType"] for part in asked.get("components", {}).get("body", ())]
    assert sorted(part["type"] for part in stored["components"]) == sorted(said or [stored["contentType"]])
    assert stored["contentType"] == (asked.get("contentType") or asked["type"])
    for part in stored["components"]:
        assert part["type"] != "button" or part["button"] == {"caption": "Buy", "callback": SHOP}


RATES = [
    # What a channel has a type for under the declared rate goes under it, anything else under another.
    ("transaction", {"contentType": "text", "text": "Hi"}, Purpose.TRANSACTIONAL),
    ("promotion", {"contentType": "text", "text": "Hi"}, Purpose.PROMOTIONAL),
    ("session", {"contentType": "text", "text": "Hi"}, Purpose.SESSION),
    ("transaction", {"contentType": "image", "image": {"url": URL}}, Purpose.PROMOTIONAL),
    ("promotion", CONTENTS["list"][0], Purpose.TRANSACTIONAL),
    ("transaction", CONTENTS["carousel"][0], Purpose.PROMOTIONAL),
    ("session", CONTENTS["parts: text, button"][0], Purpose.PROMOTIONAL),
]


@pytest.mark.parametrize(("rate", "content", "purpose"), RATES)
async def test_the_rate_becomes_the_purpose(api: Api, rate: str, content: Any, purpose: Purpose) -> None:
    await api.person_writes(neutral.Text(text="hello"))
    message = await api.taken(content, rateType=rate)
    await api.until(message, "sent")
    assert api.network.sent[-1].purpose is purpose
    assert (await api.get(f"{V3}/messages/{message}")).body["viber"]["messagePurpose"] == rate


async def test_the_rate_type_goes_before_its_alias(api: Api) -> None:
    await api.person_writes(neutral.Text(text="hello"))
    await api.until(await api.taken(rateType="session", messagePurpose="promotion"), "sent")
    assert api.network.sent[-1].purpose is Purpose.SESSION


@pytest.mark.parametrize("to", ["385991234501", "+385991234501", "00385991234501"])
async def test_a_number_in_every_spelling(api: Api, to: str) -> None:
    message = await api.taken(to=to)
    await api.until(message, "sent")
    assert api.network.sent[-1].to == f"+{TO}"
    assert (await api.get(f"{V3}/messages/{message}")).body["to"] == to


@pytest.mark.parametrize("sender", ["1001", "shop"])
async def test_a_sender_by_its_id_or_its_channels_name(api: Api, sender: str) -> None:
    message = await api.taken(**{"from": sender})
    assert (await api.get(f"{V3}/messages/{message}")).body["viber"]["from"] == sender


async def test_unknown_members_are_ignored(api: Api) -> None:
    assert (await api.send({"contentType": "text", "text": "Hi", "colour": "red"}, tracking="7")).status == 202


TEXT: Any = {"contentType": "text", "text": "Hi"}
EMPTY = "must not be empty"
WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing said": ({"to": "", "channel": None, "from": None}, dict.fromkeys(("to", "channel", "from"), EMPTY)),
    "no rate": ({"rateType": None}, {"rateType": EMPTY}),
    "a rate that is none": (
        {"rateType": None, "messagePurpose": "otp"},
        {"messagePurpose": "must be one of promotion, transaction, session"},
    ),
    "no number": ({"to": "Ana"}, {"to": f'must match "{limits.NUMBER_PATTERN}"'}),
    "a channel that is none of ours": ({"channel": "whatsapp"}, {"channel": "must be one of viber, sms"}),
    "the context too long": ({"context": "x" * 126}, {"context": "size must be between 0 and 125"}),
    "an override that is no URL": (
        {"overrides": {"notificationCallbackUrl": "here"}},
        {"overrides.notificationCallbackUrl": f'must match "{limits.HTTPS_PATTERN}"'},
    ),
    "an override that leads inside": (
        {"overrides": {"messageStatusUrl": "https://10.0.0.1/x"}},
        {"overrides.messageStatusUrl": "its host 10.0.0.1 is a private address, which the gateway may not call"},
    ),
    "no content": ({"content": None}, {"content": "must not be null"}),
    "no content type": ({"content": {"text": "Hi"}}, {"content.contentType": EMPTY}),
    "a content type that is none": (
        {"content": {"contentType": "poem"}},
        {"content.contentType": "must be one of text, image, file, video, list, carousel, components"},
    ),
    "no text": ({"content": {"contentType": "text"}}, {"content.text": EMPTY}),
    "a text too long": (
        {"content": {"contentType": "text", "text": "x" * 3001}},
        {"content.text": "size must be between 0 and 3000"},
    ),
    "no picture": ({"content": {"contentType": "image"}}, {"content.image.url": EMPTY}),
    "a picture's URL with an escape": (
        {"content": {"contentType": "image", "image": {"url": "https://a.example.com/%20"}}},
        {"content.image.url": f'must match "{limits.URL_PATTERN}"'},
    ),
    "a file without its members": (
        {"content": {"contentType": "file", "file": {"type": "exe"}}},
        {
            "content.file.url": EMPTY,
            "content.file.filename": EMPTY,
            "content.file.type": f"must be one of {', '.join(limits.FILE_TYPES)}",
        },
    ),
    "a video without its members": (
        {"content": {"contentType": "video", "video": {"type": "avi", "filesize": 201}}},
        {
            "content.video.url": EMPTY,
            "content.video.thumbnailUrl": EMPTY,
            "content.video.duration": "must not be null",
            "content.video.filesize": "must be less than or equal to 200",
            "content.video.type": "must be one of 3gp, m4v, mov, mp4",
        },
    ),
    "a video of less than nothing": (
        {"content": {"contentType": "video", "video": {**VIDEO, "duration": -1}}},
        {"content.video.duration": "must be greater than or equal to 0"},
    ),
    "a list of one": (
        {"content": {"contentType": "list", "list": {"text": "", "options": [""]}}},
        {
            "content.list.text": EMPTY,
            "content.list.options": "size must be between 2 and 5",
            "content.list.options[0]": EMPTY,
        },
    ),
    "a carousel of six": (
        {"content": {"contentType": "carousel", "carousel": {"text": "New", "items": [ITEM] * 6}}},
        {"content.carousel.items": "size must be between 2 and 5"},
    ),
    "a carousel's item without its members": (
        {"content": {"contentType": "carousel", "carousel": {"text": "New", "items": [ITEM, {"secondaryButton": {}}]}}},
        dict.fromkeys(
            (
                "content.carousel.items[1].title",
                "content.carousel.items[1].imageUrl",
                "content.carousel.items[1].primaryButton.label",
                "content.carousel.items[1].primaryButton.actionUrl",
                "content.carousel.items[1].secondaryButton.label",
                "content.carousel.items[1].secondaryButton.actionUrl",
            ),
            EMPTY,
        ),
    ),
    "no parts": ({"content": {"contentType": "components"}}, {"content.components.body": EMPTY}),
    "parts that do not go together": (
        {"content": parts(TEXT_PART, IMAGE_PART)},
        {"content.components.body": "must be a combination of parts that Viber can show"},
    ),
    "a part twice": (
        {"content": parts(TEXT_PART, TEXT_PART)},
        {"content.components.body": "must be a combination of parts that Viber can show"},
    ),
    "parts without a kind, and of no kind": (
        {"content": parts({"text": "Hi"}, {"type": "poem"})},
        {
            "content.components.body[0].type": EMPTY,
            "content.components.body[1].type": "must be one of text, image, file, video, list, carousel, button",
        },
    ),
    "a button without its members": (
        {"content": parts(TEXT_PART, {"type": "button"})},
        {"content.components.body[1].button.caption": EMPTY, "content.components.body[1].button.url": EMPTY},
    ),
    "several at once": (
        {"to": "", "content": {"contentType": "text", "text": ""}},
        {"to": EMPTY, "content.text": EMPTY},
    ),
}


@pytest.mark.parametrize("label", WRONG)
async def test_what_is_refused(api: Api, label: str) -> None:
    changed, expected = WRONG[label]
    body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "content": TEXT} | changed
    answer = await api.post(f"{V3}/messages", {k: v for k, v in body.items() if v is not None})
    assert answer.fields == expected
    assert list(answer.body) == ["status", "violations", "title"]
    assert answer.body["title"] == "Constraint Violation"


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b'"x"', b'{"to":1}', b'{"to":"\\ud800"}', b"\xff", b'{"content":{"contentType":[]}}']
)
async def test_what_is_no_request(api: Api, raw: bytes) -> None:
    answer = await api.post(f"{V3}/messages", raw)
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.body["title"] == "Data given was not parseable"
    assert answer.body["type"] == "https://docs.tyntec.com/problems/DataNotParseable"


async def test_a_nul_is_refused(api: Api) -> None:
    answer = await api.send({"contentType": "text", "text": "a\0b"})
    assert (answer.status, answer.body["title"]) == (400, "Data given was not parseable")


@pytest.mark.parametrize("sender", ["9999", "text"])
async def test_a_foreign_sender(api: Api, sender: str) -> None:
    answer = await api.send(**{"from": sender})
    assert (answer.status, answer.headers["content-type"]) == (403, "application/problem+json")
    assert answer.raw == b'{"type":"https://httpstatuses.com/403","title":"Forbidden","status":403}'


async def test_another_accounts_sender_is_foreign(api: Api) -> None:
    other = await api.account()
    await api.gateway.channels.remove(other.account_id, "shop")
    assert (await other.send()).status == 403
    assert (await api.send()).status == 202


# -- SMS --------------------------------------------------------------------------------------------------------------


async def test_an_sms_as_postmans_customised_requests_send_it(api: Api) -> None:
    body = {
        "to": TO,
        "channel": "sms",
        "from": "Tyrian",
        "content": {"contentType": "text", "text": "Hi"},
        "context": "order-7",
        "overrides": {"messageStatusUrl": api.webhook.url},
    }
    message = (await api.post(f"{V3}/messages", body)).body["messageId"]
    assert await api.on_network(message) == neutral.Text(text="Hi")
    stored = (await api.get(f"{V3}/messages/{message}")).body
    assert stored["sms"] == {"from": "Tyrian", "contentType": "text", "text": "Hi"}
    assert stored["channels"] == ["sms"]
    assert stored["context"] == {"userContext": "order-7"}
    assert stored["overrides"] == {"messageStatusUrl": api.webhook.url}


async def test_an_sms_is_text(api: Api) -> None:
    body = {"to": TO, "channel": "sms", "from": "Tyrian", "content": {"contentType": "image", "image": {"url": URL}}}
    assert (await api.post(f"{V3}/messages", body)).fields == {"content.contentType": "must be one of text"}


# -- Bulks ------------------------------------------------------------------------------------------------------------


async def test_a_bulk_arrives_in_its_order(api: Api) -> None:
    messages = [{"contentType": "text", "text": f"{n}"} for n in range(20)]
    body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "messages": messages}
    answer = await api.post(f"{V3}/bulks", body)
    assert answer.status == 202
    assert list(answer.body) == ["bulkId", "messageIds"]
    ids = answer.body["messageIds"]
    assert len(set(ids)) == 20
    for message in ids:
        await api.until(message, "sent")
    mine = [o for o in api.network.sent if str(o.message_id) in ids]
    assert [(str(o.message_id), getattr(o.content, "text", None)) for o in mine] == [
        (message, str(n)) for n, message in enumerate(ids)
    ]
    assert (await api.get(f"{V3}/messages/{ids[3]}")).body["viber"]["components"] == [{"type": "text", "text": "3"}]


@pytest.mark.parametrize("number", [0, 1, 21])
async def test_a_bulk_of_the_wrong_size(api: Api, number: int) -> None:
    body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "messages": [TEXT] * number}
    assert (await api.post(f"{V3}/bulks", body)).fields == {"messages": "size must be between 2 and 20"}


async def test_what_is_wrong_in_a_bulk(api: Api) -> None:
    wrong = {"contentType": "text"}
    body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "messages": [TEXT, wrong]}
    assert (await api.post(f"{V3}/bulks", body)).fields == {"messages[1].text": EMPTY}
    assert (await api.post(f"{V3}/bulks", {**body, "from": "9999", "messages": [TEXT, TEXT]})).status == 403


# -- 2.x and the Microsoft connector ----------------------------------------------------------------------------------


@pytest.mark.parametrize("base", [V2, "/messaging/v2/chat"])
async def test_a_message_over_2x(api: Api, base: str) -> None:
    body = {
        "to": TO,
        "channels": ["viber"],
        "viber": {"from": "1001", "components": [TEXT_PART, IMAGE_PART, button("type", "callback")]},
        "context": {"userContext": "order-7"},
    }
    answer = await api.post(f"{base}/messages", body)
    assert answer.status == 202
    assert list(answer.body) == ["messageId"]
    # Compact, as recorded: 52 bytes.
    assert len(answer.raw) == 52
    message = answer.body["messageId"]
    assert await api.on_network(message) == neutral.Image(url=URL, text="Sale", button=BUTTON)
    stored = (await api.get(f"{base}/messages/{message}")).body
    assert (stored["id"], stored["messageId"]) == (message, message)
    assert stored["viber"]["messagePurpose"] == "promotion"
    assert list((await api.get(f"{base}/messages/{message}/history")).body) == ["messageId", "history"]
    assert (await api.get(f"{base}/messages/{message}/status")).body["status"] == "accepted"


async def test_the_next_channel_of_2x_follows_a_failure(api: Api) -> None:
    body = {
        "to": "385991234504",
        "channels": ["viber", "sms"],
        "viber": {"from": "1001", "components": [TEXT_PART], "messagePurpose": "transaction"},
        "sms": {"from": "Tyrian", "contentType": "text", "text": "By SMS"},
    }
    message = (await api.post(f"{V2}/messages", body)).body["messageId"]
    assert await api.on_network(message) == neutral.Text(text="By SMS")
    history = (await api.get(f"{V2}/messages/{message}/history")).body["history"]
    assert [(station.get("deliveryChannel"), station["state"]) for station in history] == [
        (None, "message-accepted"),
        ("viber", "message-routing-success"),
        ("viber", "message-dispatching-failed"),
        ("sms", "message-routing-success"),
        ("sms", "message-dispatching-success"),
    ]
    assert history[2]["details"] == {"code": "viber::error::9", "message": "SRVC_NOT_VIBER_USER"}
    assert (await api.get(f"{V2}/messages/{message}")).body["channels"] == ["viber", "sms"]


OLD_WRONG: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "no channels": ({"channels": None}, {"channels": EMPTY}),
    "a channel that is none of ours": ({"channels": ["rcs"]}, {"channels[0]": "must be one of viber, sms"}),
    "a channel without its part": ({"channels": ["viber", "sms"]}, {"sms": "must not be null"}),
    "no sender": ({"viber": {"components": [TEXT_PART]}}, {"viber.from": EMPTY}),
    "no components": ({"viber": {"from": "1001"}}, {"viber.components": EMPTY}),
    "a text too long": (
        {"viber": {"from": "1001", "components": [{"type": "text", "text": "x" * 1001}]}},
        {"viber.components[0].text": "size must be between 0 and 1000"},
    ),
    "a caption too long": (
        {
            "viber": {
                "from": "1001",
                "components": [TEXT_PART, {"type": "button", "button": {"caption": "x" * 31, "callback": SHOP}}],
            }
        },
        {"viber.components[1].button.caption": "size must be between 0 and 30"},
    ),
    "the context too long": (
        {"context": {"userContext": "x" * 256}},
        {"context.userContext": "size must be between 0 and 255"},
    ),
}


@pytest.mark.parametrize("label", OLD_WRONG)
async def test_what_2x_refuses(api: Api, label: str) -> None:
    changed, expected = OLD_WRONG[label]
    body = {"to": TO, "channels": ["viber"], "viber": {"from": "1001", "components": [TEXT_PART]}} | changed
    answer = await api.post(f"{V2}/messages", {k: v for k, v in body.items() if v is not None})
    assert answer.fields == expected


async def test_a_bulk_over_2x(api: Api) -> None:
    part = {"components": [TEXT_PART], "messagePurpose": "promotion"}
    body = {"to": TO, "from": "1001", "channel": "viber", "viber": [part, part]}
    answer = await api.post(f"{V2}/bulks", body)
    assert (answer.status, len(answer.body["messageIds"])) == (202, 2)
    answer = await api.post(f"{V2}/bulks", {**body, "viber": [part], "channel": "sms"})
    assert answer.fields == {"viber": "size must be between 2 and 20", "channel": "must be one of viber"}


@pytest.mark.parametrize("kind", ["text", "image", "file", "components"])
async def test_the_microsoft_connectors_paths(api: Api, kind: str) -> None:
    content, expected = CONTENTS[{"components": "parts: text, button"}.get(kind, kind)]
    named = {"messagePurpose" if kind == "file" else "rateType": "promotion"}
    body = {"to": TO, "from": "1001", "channel": "viber", "content": content, **named}
    answer = await api.post(f"{V3}/power-automate/messages/viber/{kind}", body)
    assert answer.status == 202
    assert await api.on_network(answer.body["messageId"]) == expected


@pytest.mark.parametrize("path", [f"{V3}/messages/", f"{V3}/messages"])
async def test_a_slash_at_the_end_changes_nothing(api: Api, path: str) -> None:
    body = {"to": TO, "from": "1001", "channel": "viber", "rateType": "promotion", "content": TEXT}
    assert (await api.post(path, body)).status == 202

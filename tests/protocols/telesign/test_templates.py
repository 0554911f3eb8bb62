"""Templates, both ways: what a request says, and what goes out to Telesign for it."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tests.protocols.telesign.conftest import CALM
from tyrian.domain import content as neutral, limits
from tyrian.domain.content import Base, LinkButton
from tyrian.domain.purpose import Purpose
from tyrian.engine.ports import Exchange, Refused, Retry, Sent, Unknown
from tyrian.engine.transport import Answered
from tyrian.protocols.telesign import settings, templates
from tyrian.protocols.telesign.connector import address, kind, outcome
from tyrian.protocols.telesign.limits import capabilities
from tyrian.protocols.telesign.templates import BY_CHANNEL, VIBER, Filled, Unfit, fill, template_of

URL = "https://a.example/v.mp4"
THUMB = "https://a.example/t.jpg"
SECONDS = templates.VIDEO_SECONDS

#: Template, its parameters, the content; and whether the content goes out as the same template again.
BOTH_WAYS: list[tuple[str, dict[str, str], Base, bool]] = [
    ("text", {"text": "hi"}, neutral.Text(text="hi"), True),
    ("text", {"text": "hi", "reply_id": "r"}, neutral.Text(text="hi", tracking_data="r"), True),
    ("text_session", {"text": "hi"}, neutral.Text(text="hi"), True),
    ("text_2way", {"text": "hi"}, neutral.Text(text="hi"), False),
    ("image", {"url": THUMB}, neutral.Image(url=THUMB), True),
    ("image_session", {"url": THUMB, "reply_id": "r"}, neutral.Image(url=THUMB, tracking_data="r"), True),
    (
        "url_action",
        {"text": "hi", "url": URL, "url_id": "i", "url_text": "Go"},
        neutral.Text(text="hi", button=LinkButton(text="Go", url=URL, id="i")),
        True,
    ),
    ("video", {"url": URL}, neutral.Video(url=URL, thumbnail=URL, duration=SECONDS), False),
    ("video", {"url": URL, "url_thumbnail": THUMB}, neutral.Video(url=URL, thumbnail=THUMB, duration=SECONDS), True),
    (
        "text_video",
        {"text": "hi", "url": URL, "url_thumbnail": THUMB},
        neutral.Video(url=URL, thumbnail=THUMB, text="hi", duration=SECONDS),
        True,
    ),
    (
        "url_action_video",
        {"text": "hi", "url": URL, "url_thumbnail": THUMB, "button_text": "Go", "open_url": THUMB},
        neutral.Video(url=URL, thumbnail=THUMB, text="hi", duration=SECONDS, button=LinkButton(text="Go", url=THUMB)),
        True,
    ),
    (
        "url_action_video",
        {"text": "hi", "url": URL, "button_text": "Go"},
        neutral.Video(url=URL, thumbnail=URL, text="hi", duration=SECONDS, button=LinkButton(text="Go", url=URL)),
        False,
    ),
    ("otp_verify", {"otp_code": "4711", "language": "de"}, neutral.Text(text="4711 is your verification code"), False),
]


@pytest.mark.parametrize(("template", "parameters", "content", "again"), BOTH_WAYS)
def test_a_template(template: str, parameters: dict[str, str], content: Base, again: bool) -> None:
    form = VIBER[template]
    assert fill(form, parameters) == content
    if again:
        assert template_of(content, channel="viber", session=form.session) == Filled(template, parameters)


def test_every_template_is_tried() -> None:
    assert {template for template, *_ in BOTH_WAYS} == set(VIBER)


@pytest.mark.parametrize(
    ("channel", "template", "name"),
    [(c, t, name) for c, forms in BY_CHANNEL.items() for t, form in forms.items() for name in form.required],
)
def test_what_is_required_is_missed(channel: str, template: str, name: str) -> None:
    form = BY_CHANNEL[channel][template]
    given = dict.fromkeys((*form.required, *form.optional), "x")
    for lacking in ({**given, name: ""}, {n: v for n, v in given.items() if n != name}):
        with pytest.raises(Unfit) as missed:
            fill(form, lacking)
        assert missed.value.missing


@CALM
@given(st.sampled_from(sorted(VIBER)), st.data())
def test_whatever_fits_a_template_is_a_content(template: str, data: st.DataObject) -> None:
    form = VIBER[template]
    names = st.sampled_from((*form.required, *form.optional, "further"))
    parameters = data.draw(st.dictionaries(names, st.text(max_size=40) | st.just("x" * 5000)))
    try:
        content = fill(form, parameters)
    except Unfit:
        return
    assert msgspec.convert(msgspec.to_builtins(content), type(content)) == content


@pytest.mark.parametrize(
    ("content", "purpose"),
    [
        (neutral.Image(url=URL, text="caption"), Purpose.PROMOTIONAL),
        (neutral.Video(url=URL, thumbnail=THUMB), Purpose.SESSION),
        (neutral.Video(url=URL, text="hi"), Purpose.PROMOTIONAL),
        (neutral.Video(url=URL, button=LinkButton(text="Go", url=URL)), Purpose.PROMOTIONAL),
        (neutral.Text(text="hi", button=LinkButton(text="Go", url=URL)), Purpose.SESSION),
        (neutral.Template(template_id="other", parameters={"otp_code": "1"}), Purpose.OTP),
        (neutral.Location(latitude=1, longitude=1), Purpose.TRANSACTIONAL),
        (neutral.File(url=URL, name="a.pdf"), Purpose.TRANSACTIONAL),
    ],
)
def test_what_no_template_says_is_refused_before_it_is_taken(content: Base, purpose: Purpose) -> None:
    assert template_of(content, channel="viber", session=purpose is Purpose.SESSION) is None
    assert limits.check(content, purpose, capabilities({}))


def test_sms_says_words_alone() -> None:
    assert template_of(neutral.Text(text="hi"), channel="sms", session=False) == Filled("text", {"text": "hi"})
    assert template_of(neutral.Image(url=URL), channel="sms", session=False) is None
    assert limits.check(neutral.Text(text="hi"), Purpose.OTP, capabilities({"channel": "sms"})) == []


def test_a_template_of_ones_own() -> None:
    text = "Order {{ number }} for {{name}} of {{number}}"
    assert settings.placeholders(text) == {"number", "name"}
    assert settings.filled(text, {"number": "7", "name": "\\1", "more": "x"}) == "Order 7 for \\1 of 7"


# -- Answers to sends -------------------------------------------------------------------------------------------------


def answered(status: int, body: Any, retry_after: float | None = None) -> Answered:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return Answered(status, raw, Exchange("{}", status=status), retry_after)


def said(code: int, reference: str | None = None) -> Any:
    whole: dict[str, Any] = {"status": {"code": code, "description": "words"}, "external_id": None}
    return {**whole, "reference_id": reference} if reference else whole


@pytest.mark.parametrize(
    ("answer", "result", "reason"),
    [
        (answered(200, said(3001, "R")), Sent, None),
        (answered(200, said(3002, "R")), Sent, None),
        (answered(200, said(9999, "R")), Sent, None),
        (answered(200, said(3001)), Unknown, "provider_garbage"),
        (answered(200, b"<html>"), Unknown, "provider_garbage"),
        (answered(200, said(3112, "R")), Refused, "template_refused"),
        (answered(400, said(3113, "R")), Refused, "provider_error"),
        (answered(400, said(3110, "R")), Refused, "content_refused"),
        (answered(413, said(3116)), Refused, "content_refused"),
        (answered(413, b""), Refused, "content_refused"),
        (answered(401, said(3400)), Refused, "bad_credentials"),
        (answered(401, b""), Refused, "bad_credentials"),
        (answered(429, said(3204), 7), Retry, "throttled"),
        (answered(429, said(3206)), Refused, "not_permitted"),
        (answered(429, b"", 7), Retry, "throttled"),
        (answered(503, said(3500)), Retry, "provider_error"),
        (answered(500, b"<html>"), Retry, "provider_error"),
        (answered(504, b""), Unknown, "no_answer"),
        (answered(404, said(9999)), Refused, "provider_error"),
    ],
)
def test_an_answer(answer: Answered, result: type, reason: str | None) -> None:
    found = outcome(answer)
    assert isinstance(found, result)
    assert getattr(found, "reason", None) == reason
    if isinstance(found, Retry) and answer.retry_after is not None:
        assert found.after == 7
    if isinstance(found, Sent):
        assert found.ref == "R"


def test_an_address() -> None:
    assert address("385991234501", "/to") == "+385991234501"
    assert not isinstance(address("nobody", "/to"), str)
    assert (kind.name, kind.sender and kind.sender({"sender_id": "Shop"})) == ("telesign", "Shop")

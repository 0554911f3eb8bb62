"""What types cannot say of a request: members that go together, dates, URLs. Each yields (property, violation).

The rules are those of OpenAPI 3.210.0 as the reference restates them; the texts are in the manner of Jakarta Bean
Validation, since the vendor publishes none.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from tyrian.engine.egress import judge_url
from tyrian.protocols.infobip import wire, wire_bot as bot, wire_business as business
from tyrian.protocols.infobip.content import seconds_of
from tyrian.protocols.infobip.violations import BLANK, INVALID, NO_URL, NULL

Found = Iterator[tuple[str, str]]

TOO_FAR: Final = f"must be at most {wire.MAX_DAYS_AHEAD} days in the future"
TOO_SHORT: Final = "must be at least 1 hour after from"
#: Minutes between the beginning and the end of a window at least.
_LEAST_WINDOW: Final = 60
_MOST_AHEAD: Final = timedelta(days=wire.MAX_DAYS_AHEAD)
#: Characters of the titles of a card's two buttons.
_CARD_TITLES: Final = (10, 12)
_MOST_DURATION: Final = 600


def request_violations(options: wire.RequestOptions | None, now: datetime) -> Found:
    """What is wrong with the options of a whole request."""
    schedule = options.schedule if options is not None else None
    start = schedule.start if schedule is not None else None
    if start is not None and aware(start) > now + _MOST_AHEAD:
        yield "options.schedule.sendAt", TOO_FAR
    tracking = options.tracking if options is not None else None
    if tracking is not None and tracking.tracking_url is not None and not is_web(tracking.tracking_url):
        yield "options.tracking.trackingUrl", NO_URL


def message_violations(message: Any, at: str, allow_private: Any) -> Found:
    """What is wrong with one message, bot's or business's."""
    if not message.sender.strip():
        yield f"{at}.sender", BLANK
    rule = _CONTENTS.get(type(message.content))
    if rule is not None:
        yield from rule(message.content, f"{at}.content")
    if message.options is not None:
        yield from _options(message.options, f"{at}.options")
    if message.webhooks is not None:
        yield from _webhooks(message.webhooks, f"{at}.webhooks", allow_private)


def aware(at: datetime) -> datetime:
    """A time without an offset is in UTC."""
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)


# -- Options ----------------------------------------------------------------------------------------------------------


def _options(options: wire.MessageOptions, at: str) -> Found:
    if options.delivery_time_window is not None:
        yield from _window(options.delivery_time_window, f"{at}.deliveryTimeWindow")
    failover = options.sms_failover
    if failover is not None and not failover.text.strip():
        yield f"{at}.smsFailover.text", BLANK


def _window(window: wire.DeliveryTimeWindow, at: str) -> Found:
    """`from` and `to` come together, and leave an hour; a window over midnight is refused."""
    if (window.start is None) != (window.end is None):
        yield f"{at}.{'from' if window.start is None else 'to'}", NULL
    elif window.start is not None and window.end is not None:
        start, end = window.start, window.end
        if (end.hour - start.hour) * 60 + end.minute - start.minute < _LEAST_WINDOW:
            yield f"{at}.to", TOO_SHORT


def _webhooks(webhooks: wire.Webhooks, at: str, allow_private: Any) -> Found:
    for name, hook in (("delivery", webhooks.delivery), ("seen", webhooks.seen)):
        url = hook.url if hook is not None else None
        if url is not None and judge_url(url, allow_private):
            yield f"{at}.{name}.url", NO_URL


# -- Contents ---------------------------------------------------------------------------------------------------------


def _urls(*names: str) -> Callable[[Any, str], Found]:
    """Members that hold web addresses."""

    def check(content: Any, at: str) -> Found:
        for name in names:
            url = getattr(content, name)
            if url is not None and not is_web(url):
                yield f"{at}.{_camel(name)}", NO_URL

    return check


def is_web(url: str) -> bool:
    """Whether a URL can be the address of something on the web."""
    return url.startswith(("http://", "https://")) and len(url) > len("https://")


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _image(content: business.BusinessImage, at: str) -> Found:
    yield from _urls("media_url")(content, at)
    if content.button is not None and content.text is None:
        yield f"{at}.text", NULL


def _video(content: business.BusinessVideo, at: str) -> Found:
    yield from _urls("media_url", "thumbnail_url")(content, at)
    seconds = seconds_of(content.media_duration)
    if seconds is None or not 0 < seconds <= _MOST_DURATION:
        yield f"{at}.mediaDuration", INVALID
    if content.button is not None and content.button_title is not None:
        yield f"{at}.buttonTitle", "must be null"


def _carousel(content: business.BusinessCarousel, at: str) -> Found:
    for number, card in enumerate(content.cards):
        yield from _urls("media_url")(card, f"{at}.cards[{number}]")
        for place, button in enumerate(card.buttons or ()):
            if not 1 <= len(button.title) <= _CARD_TITLES[place]:
                yield f"{at}.cards[{number}].buttons[{place}].title", _between(1, _CARD_TITLES[place])


def _otp_template(content: business.BusinessOtpTemplate, at: str) -> Found:
    if not (content.id or content.template_id):
        yield f"{at}.id", NULL
    if content.language is not None and not _is_language(content.language):
        yield f"{at}.language", INVALID


def _is_language(language: str) -> bool:
    return language in business.OTP_LANGUAGES or language in business.OTP_LANGUAGES.values()


def _between(least: int, most: int) -> str:
    return f"size must be between {least} and {most}"


_CONTENTS: Final[Mapping[type, Callable[[Any, str], Found]]] = {
    bot.BotImage: _urls("url", "thumbnail_url"),
    bot.BotVideo: _urls("url", "thumbnail_url"),
    bot.BotFile: _urls("url"),
    business.BusinessImage: _image,
    business.BusinessVideo: _video,
    business.BusinessCarousel: _carousel,
    business.BusinessOtpTemplate: _otp_template,
}

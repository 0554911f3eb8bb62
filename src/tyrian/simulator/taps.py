"""What a person sees in a message, and what a tap on a button sends back (Viber Bot API documentation 7.3.0)."""

from typing import Any, Final

#: What a person sends, in the form of `message` in the Bot API's callbacks.
Said = dict[str, Any]

#: Where a phone without a person is, when asked by a location-picker: the middle of Zagreb.
PLACE: Final = {"lat": 45.8131, "lon": 15.9775}
#: A place for no member of a content to hide its text in, in the order they are looked for.
_TEXTS: Final = ("text", "#txt", "alt_text")


class NoButton(LookupError):
    """No message of that chat has such a button."""


def text_of(content: dict[str, Any]) -> str:
    """The text of a message as sent by a bot, a business or SMS; its type in brackets when it has none."""
    inner = content.get("message")
    body = inner if isinstance(inner, dict) else content
    for name in _TEXTS:
        if isinstance(body.get(name), str) and body[name]:
            return str(body[name])
    return f"[{content.get('type', 'message')}]"


def buttons_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    """The buttons that this message shows: those of its carousel, then of its keyboard; a business list's options."""
    found: list[dict[str, Any]] = []
    for holder in (content.get("rich_media"), content.get("keyboard")):
        if isinstance(holder, dict):
            found += [b for b in holder.get("Buttons") or () if isinstance(b, dict)]
    return found + _business_buttons(content)


def _business_buttons(content: dict[str, Any]) -> list[dict[str, Any]]:
    survey = content.get("survey")
    if isinstance(survey, dict):
        return [{"ActionType": "reply", "ActionBody": option, "Text": option} for option in survey.get("options") or ()]
    carousel = content.get("carousel")
    if isinstance(carousel, dict):
        return [b for item in carousel.get("items") or () for b in _card_buttons(item)]
    body = content.get("message")
    if isinstance(body, dict) and body.get("#action"):
        return [_opens(body["#action"], body.get("#caption"))]
    return []


def _card_buttons(item: dict[str, Any]) -> list[dict[str, Any]]:
    found = (item.get("primaryButton"), item.get("secondaryButton"))
    return [_opens(b.get("actionUrl"), b.get("label")) for b in found if isinstance(b, dict)]


def _opens(url: Any, label: Any) -> dict[str, Any]:
    """A business button only opens its page: nothing is sent."""
    return {"ActionType": "none", "ActionBody": url, "Text": label}


def tap(contents: list[dict[str, Any]], button: int | str, number: str) -> Said | None:
    """What tapping sends, looking through contents from the newest; None if that button sends nothing."""
    for content in contents:
        shown = buttons_of(content)
        if shown:
            return _said(_choose(shown, button), number)
    raise NoButton("no message of this chat has buttons")


def _choose(shown: list[dict[str, Any]], button: int | str) -> dict[str, Any]:
    if isinstance(button, int):
        if 0 <= button < len(shown):
            return shown[button]
        raise NoButton(f"there are {len(shown)} buttons, counted from 0; {button} is not one of them")
    for key in ("ActionBody", "Text"):
        for candidate in shown:
            if candidate.get(key) == button:
                return candidate
    raise NoButton(f"no button has the action body or text {button!r}")


def _said(button: dict[str, Any], number: str) -> Said | None:
    body = button.get("ActionBody", "")
    silent = {"silent": True} if button.get("Silent") in (True, "true") else {}
    match button.get("ActionType", "reply"):
        case "reply" | "open-url":
            return {"type": "text", "text": body, **silent}
        case "location-picker":
            return {"type": "location", "location": dict(PLACE), **silent}
        case "share-phone":
            contact = {"name": "Ann", "phone_number": number.removeprefix("+")}
            return {"type": "contact", "contact": contact, "text": body, **silent}
        case _:
            return None

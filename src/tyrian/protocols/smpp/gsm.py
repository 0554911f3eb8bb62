"""The GSM 7-bit default alphabet with its extension table (3GPP TS 23.038, 6.2.1), one septet to an octet.

SMPP carries the septets unpacked; a character of the extension table is an escape and a second septet.
"""

from typing import Final

ESCAPE: Final = 0x1B

#: The septets 0x00 to 0x7F in order; the escape stands at its own place.
_DEFAULT: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_TO_TEXT: Final = dict(enumerate(_DEFAULT))
_EXTENSION: Final = {
    0x0A: "\f", 0x14: "^", 0x28: "{", 0x29: "}", 0x2F: "\\",
    0x3C: "[", 0x3D: "~", 0x3E: "]", 0x40: "|", 0x65: "€",
}  # fmt: skip

#: Character -> its septets.
SEPTETS: Final[dict[str, bytes]] = {
    **{character: bytes((code,)) for code, character in enumerate(_DEFAULT) if code != ESCAPE},
    **{character: bytes((ESCAPE, code)) for code, character in _EXTENSION.items()},
}


def encode(text: str) -> bytes | None:
    """The septets of a text, or None if it has a character outside the alphabet."""
    try:
        return b"".join([SEPTETS[character] for character in text])
    except KeyError:
        return None


def decode(septets: bytes) -> str:
    """The text of septets. An octet above 0x7F is of no GSM alphabet: such a text is read as Latin 1, which message
    centres that send it mean. An escape before a septet that the extension table does not have is left out, and one
    at the end or before another becomes a space, as TS 23.038 asks.
    """
    if not septets.isascii():
        return septets.decode("latin-1")
    if ESCAPE not in septets:
        return septets.decode("ascii").translate(_TO_TEXT)
    found = []
    escaped = False
    for septet in septets:
        if escaped:
            found.append(" " if septet == ESCAPE else _EXTENSION.get(septet, _DEFAULT[septet]))
        elif septet != ESCAPE:
            found.append(_DEFAULT[septet])
        escaped = septet == ESCAPE and not escaped
    return "".join(found) + (" " if escaped else "")

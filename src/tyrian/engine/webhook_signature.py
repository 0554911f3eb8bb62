"""Signatures over what the gateway posts to customers' programs, as Standard Webhooks describes them (1.0.0)."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from functools import lru_cache

from tyrian.engine.signing import PREFIX


def signed_headers(identifier: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    text = b"%b.%d.%b" % (identifier.encode(), timestamp, body)
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(key_of(secret), text) for secret in secrets),
    }


def _signature(key: bytes, text: bytes) -> str:
    return "v1," + base64.b64encode(hmac.digest(key, text, "sha256")).decode()


@lru_cache(maxsize=4096)
def key_of(secret: str) -> bytes:
    """The key in a secret: base64 behind `whsec_`. Another form of secret is taken as it is."""
    try:
        return base64.b64decode(secret.removeprefix(PREFIX) + "==", validate=False)
    except (binascii.Error, ValueError):
        return secret.encode()

"""Callbacks as customers get them, checked by the stock verifier of Standard Webhooks."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tyrian.domain.submission import Platform
from tyrian.engine.report import Report
from tyrian.protocols.native.reports import render

SECRETS = [f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2)]
AT = datetime(2026, 3, 1, 9, 30, 1, 112_900, tzinfo=UTC)
ID = UUID("01980f5e-6c00-7000-8000-3f2a9b1c4d5e")


def report(**more: Any) -> Report:
    fields: dict[str, Any] = {
        "id": UUID("01980f5e-7000-7000-8000-000000000001"),
        "account_id": 1,
        "message_id": ID,
        "bulk_id": ID,
        "to": "+385991234501",
        "status": "delivered",
        "channel": "demo-viber",
        "channel_kind": "viber_business",
        "attempt_id": UUID("01980f5e-6c05-7001-9a00-7d1c2b3a4f5e"),
        "at": AT,
        "accepted_at": AT - timedelta(seconds=1),
        "purpose": "transactional",
    }
    return Report(**(fields | more))


def test_a_report_says_what_happened_to_which_message() -> None:
    sent = render(report(data="order-7", platform=Platform(entity_id="e", application_id="a")), [], AT)
    assert json.loads(sent.body) == {
        "id": "01980f5e-7000-7000-8000-000000000001",
        "type": "message.delivered",
        "at": "2026-03-01T09:30:01.112Z",
        "message": {
            "id": str(ID),
            "bulk_id": str(ID),
            "to": "+385991234501",
            "status": "delivered",
            "channel": "demo-viber",
            "channel_kind": "viber_business",
            "attempt_id": "01980f5e-6c05-7001-9a00-7d1c2b3a4f5e",
            "purpose": "transactional",
            "accepted_at": "2026-03-01T09:30:00.112Z",
        },
        "data": "order-7",
        "platform": {"entity_id": "e", "application_id": "a"},
    }
    assert sent.headers["content-type"] == "application/json"
    assert "webhook-signature" not in sent.headers


@pytest.mark.parametrize("status", ["sent", "seen", "failed", "expired", "cancelled"])
def test_the_type_names_the_status(status: str) -> None:
    body = json.loads(render(report(status=status, reason="validity_passed"), [], AT).body)
    assert (body["type"], body["message"]["reason"]) == (f"message.{status}", "validity_passed")


def test_an_inbound_message_brings_its_content() -> None:
    content = {"type": "text", "text": "Where is it?"}
    inbound = report(kind="inbound", status="received", sender="u1", content=content, extra={"name": "Ana"})
    body = json.loads(render(inbound, [], AT).body)
    assert body["type"] == "message.inbound"
    assert body["message"]["sender"] == "u1"
    assert (body["message"]["content"], body["message"]["extra"]) == (content, {"name": "Ana"})


@pytest.mark.parametrize("secret", SECRETS)
def test_each_secret_in_force_verifies(secret: str) -> None:
    sent = render(report(data="čćž"), SECRETS, datetime.now(UTC))
    assert sent.headers["webhook-id"] == "01980f5e-7000-7000-8000-000000000001"
    assert Webhook(secret).verify(sent.body, sent.headers)["data"] == "čćž"


def test_another_secret_or_another_body_does_not_verify() -> None:
    sent = render(report(), SECRETS[:1], datetime.now(UTC))
    for secret, body in ((SECRETS[1], sent.body), (SECRETS[0], sent.body + b" ")):
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, sent.headers)


def test_the_id_stays_the_same_over_all_tries_and_the_time_does_not() -> None:
    first, second = (render(report(), SECRETS, AT + timedelta(seconds=n)) for n in (0, 60))
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 60
    assert first.body == second.body

"""Reading a status, made-up codes, templates, settings, capability: everything but sending."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from tests.protocols.telesign.conftest import SEND, Api
from tyrian.domain.content import Text
from tyrian.domain.submission import Callback, Plan, Recipient, Step, Submission
from tyrian.protocols.telesign import otp
from tyrian.protocols.telesign.ids import from_reference, reference

pytestmark = pytest.mark.asyncio(loop_scope="module")

AUTO = {"default": {"template": "telesign_otp"}}


class TestStatus:
    async def test_a_message_on_its_way(self, api: Api) -> None:
        answer = await api.send(api.message(recipient={"phone_number": api.person("09")}, external_id="o-1"))
        found = await api.until(answer.body["reference_id"], 3002)
        assert list(found) == ["reference_id", "external_id", "status", "additional_info", "channel_status"]
        assert found["external_id"] == "o-1"
        assert found["status"]["last_channel"] == "viber"
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", found["status"]["updated_on"])
        (viber,) = found["channel_status"]
        assert viber["viber"]["code"] == 3002
        assert re.fullmatch("[0-9A-F]{32}", viber["viber"]["reference_id"])

    async def test_lower_case_and_a_query_are_understood(self, api: Api) -> None:
        answer = await api.send(api.message())
        found = await api.status(answer.body["reference_id"].lower(), params={"verify_code": "1"})
        assert found["reference_id"] == answer.body["reference_id"]
        assert "verify" not in found

    @pytest.mark.parametrize("text", ["x", "35C8B5D509BC10689196FED2AD551B8A", "%00", "a" * 200])
    async def test_an_id_that_is_none(self, api: Api, text: str) -> None:
        answer = await api.get(f"{SEND}/{text}")
        assert answer.status == 400
        assert answer.body == {"status": {"code": 3311, "description": "Invalid value for parameter reference_id"}}

    async def test_another_account_s_message(self, api: Api) -> None:
        answer = await api.send(api.message())
        other = await api.stranger()
        assert (await other.get(f"{SEND}/{answer.body['reference_id']}")).code == 3311

    async def test_a_message_of_long_ago(self, api: Api) -> None:
        answer = await api.send(api.message())
        await api.until(answer.body["reference_id"], 3005)
        message_id = from_reference(answer.body["reference_id"])
        assert message_id is not None
        then = api.gateway.clock.now() - timedelta(hours=13)
        old = await _moved(api, message_id, then)
        expired = await api.get(f"{SEND}/{reference(old)}")
        assert expired.status == 404
        assert expired.body == {"status": {"code": -10004, "description": "ReferenceID expired."}}

    async def test_a_message_of_another_api(self, api: Api) -> None:
        plan = Plan(
            cascade=[
                Step(channel="demo-viber", content=Text(text="hi")),
                Step(channel="demo-sms", content=Text(text="hi")),
            ],
            callback=Callback(url=api.customer.url),
        )
        to = f"+{api.person('04')}"
        taken = await api.gateway.intake.submit(
            Submission(account_id=api.account_id, plan=plan, recipients=[Recipient(to=to, name="mine")])
        )
        found = await api.until(reference(taken.messages[0].id), 3000)
        assert found["external_id"] == "mine"
        assert [next(iter(entry)) for entry in found["channel_status"]] == ["viber", "sms"]

    async def test_a_head_has_no_body(self, api: Api) -> None:
        answer = await api.send(api.message())
        head = await api.call("HEAD", f"{SEND}/{answer.body['reference_id']}")
        assert (head.status, head.text) == (200, "")
        assert int(head.headers["Content-Length"]) > 100


async def _moved(api: Api, message_id: UUID, then: Any) -> UUID:
    """The same message as if it had been taken and had ended then."""
    old = UUID(int=int(then.timestamp() * 1000) << 80 | message_id.int & ((1 << 80) - 1))
    await api.gateway.db.execute("SELECT make_partitions($1::date, 3)", then.date())
    await api.gateway.db.execute(
        "UPDATE messages SET id = $2, updated_at = $3, accepted_at = $3 WHERE id = $1", message_id, old, then
    )
    return old


class TestCodes:
    async def sent(self, api: Api, to: str, **more: Any) -> tuple[str, str]:
        """A message with a made-up code: its reference id, and the code as the handset shows it."""
        answer = await api.send(api.message(message=AUTO, message_type="OTP", recipient={"phone_number": to}, **more))
        assert answer.code == 3001
        await api.until(answer.body["reference_id"], 3005)
        (shown,) = api.world.handset(f"+{to}").messages
        found = re.fullmatch(r"(\d+) is your verification code", shown.content["message"]["#txt"])
        assert found is not None
        return answer.body["reference_id"], found[1]

    async def test_the_code_is_right_as_often_as_it_is_entered(self, api: Api) -> None:
        name, code = await self.sent(api, api.person())
        assert len(code) == otp.DIGITS
        assert (await api.status(name))["verify"] == {"code_state": "UNKNOWN", "code_entered": None}
        wrong = await api.status(name, params={"verify_code": "12"})
        assert wrong["verify"] == {"code_state": "INVALID", "code_entered": "12"}
        assert (await api.status(name))["verify"] == {"code_state": "INVALID", "code_entered": None}
        for _ in range(2):
            right = await api.status(name, params={"verify_code": code})
            assert right["verify"] == {"code_state": "VALID", "code_entered": code}
        assert (await api.status(name))["verify"] == {"code_state": "VALID", "code_entered": None}

    async def test_after_too_many_wrong_ones_none_is_right(self, api: Api) -> None:
        name, code = await self.sent(api, api.person())
        for _ in range(otp.MAX_TRIES):
            assert (await api.status(name, params={"verify_code": "12"}))["verify"]["code_state"] == "INVALID"
        assert (await api.status(name, params={"verify_code": code}))["verify"]["code_state"] == "INVALID"

    async def test_many_at_once_are_counted_one_by_one(self, api: Api) -> None:
        name, code = await self.sent(api, api.person())
        wrong = [api.status(name, params={"verify_code": "12"}) for _ in range(2 * otp.MAX_TRIES)]
        assert {found["verify"]["code_state"] for found in await asyncio.gather(*wrong)} == {"INVALID"}
        assert (await api.status(name, params={"verify_code": code}))["verify"]["code_state"] == "INVALID"

    async def test_only_a_hash_is_kept_for_the_check(self, api: Api) -> None:
        name, code = await self.sent(api, api.person())
        await api.status(name, params={"verify_code": code})
        plan = await api.gateway.db.fetchval("SELECT plan FROM messages WHERE id = $1", from_reference(name))
        text = plan.decode() if isinstance(plan, bytes) else plan
        assert text.count(code) == 2  # In what Viber and SMS are to say, and nowhere else.
        documents = await api.gateway.documents.list(api.account_id, "telesign", "verification")
        assert all(code not in str(document.body) for document in documents)

    async def test_viber_may_say_nothing_else_beside_a_code(self, api: Api) -> None:
        message = {"viber": {"template": "text", "parameters": {"text": "hi"}}, "sms": {"template": "telesign_otp"}}
        answer = await api.send(api.message(message=message))
        assert (answer.status, answer.code) == (400, 3110)

    async def test_its_length_can_be_set(self, api: Api) -> None:
        settings = {"callback_url": None, "mo_callback_url": None, "otp_digits": 4}
        assert (await api.call("PUT", f"{SEND}/settings", settings)).body == settings
        try:
            _, code = await self.sent(api, api.person())
            assert len(code) == 4
        finally:
            await api.call("PUT", f"{SEND}/settings", {})


class TestTemplates:
    PATH = f"{SEND}/templates"

    async def test_a_template_is_made_listed_read_used_and_removed(self, api: Api) -> None:
        template = {"channel": "sms", "name": "order_sent", "content": "Order {{number}} is on its way"}
        made = await api.call("POST", self.PATH, template)
        assert (made.status, made.body) == (200, {"status": {"code": 3801, "description": "Request successful"}})
        (listed,) = (await api.get(self.PATH)).body
        assert template.items() <= listed.items()
        assert (await api.get(f"{self.PATH}/sms/order_sent")).body == listed
        to = api.person()
        message = {"sms": {"template": "order_sent", "parameters": {"number": "7"}}}
        sent = await api.send(
            api.message(channels=[{"channel": "sms"}], message=message, recipient={"phone_number": to})
        )
        assert (await api.until(sent.body["reference_id"], 3000))["channel_status"][0]["sms"]["code"] == 3000
        lacking = {"sms": {"template": "order_sent", "parameters": {}}}
        sent = await api.send(api.message(channels=[{"channel": "sms"}], message=lacking))
        assert (await api.until(sent.body["reference_id"], 3003))["channel_status"][0]["sms"]["code"] == 3305
        assert (await api.call("DELETE", f"{self.PATH}/sms/order_sent")).code == 3801
        assert (await api.call("DELETE", f"{self.PATH}/sms/order_sent")).status == 404
        assert (await api.get(f"{self.PATH}/sms/order_sent")).status == 404
        assert (await api.get(self.PATH)).body == []

    @pytest.mark.parametrize(
        ("template", "code"),
        [
            ({}, 3113),
            ({"channel": "viber", "name": "a", "content": "b"}, 3113),
            ({"channel": "sms"}, 3802),
            ({"channel": "sms", "name": "a"}, 3815),
            ({"channel": "whatsapp", "name": "a", "content": "b"}, 3803),
            ({"channel": "sms", "name": "a b", "content": "b"}, 3856),
            ({"channel": "sms", "name": 7, "content": "b"}, 3856),
            ({"channel": "sms", "name": "a", "content": "b", "category": "x"}, 3816),
            ({"channel": "sms", "name": "a", "content": "b", "language": "x"}, 3817),
            ({"channel": "sms", "name": "a", "content": 7}, 3110),
            ([], 3110),
        ],
    )
    async def test_a_wrong_template(self, api: Api, template: Any, code: int) -> None:
        answer = await api.call("POST", self.PATH, template)
        assert (answer.status, answer.code) == (400, code)
        assert list(answer.body) == ["status"]


class TestSettings:
    PATH = f"{SEND}/settings"

    async def test_reports_go_where_the_settings_say(self, api: Api) -> None:
        await api.call("PUT", self.PATH, {"callback_url": api.customer.url})
        try:
            answer = await api.send(api.message(callback_url=None))
            await api.about(answer.body["reference_id"])
            assert (await api.get(self.PATH)).body["callback_url"] == api.customer.url
        finally:
            await api.call("PUT", self.PATH, {})

    @pytest.mark.parametrize(
        ("settings", "code"),
        [
            ({"callback_url": "ftp://a.example"}, 3106),
            ({"mo_callback_url": "http://10.0.0.1/"}, 3106),
            ({"otp_digits": 3}, 3110),
            ({"callback_url": 7}, 3110),
        ],
    )
    async def test_wrong_settings(self, api: Api, settings: Any, code: int) -> None:
        answer = await api.call("PUT", self.PATH, settings)
        assert (answer.status, answer.code) == (400, code)


class TestReplies:
    @pytest_asyncio.fixture(loop_scope="module")
    async def listening(self, api: Api) -> AsyncIterator[Api]:
        await api.call("PUT", f"{SEND}/settings", {"callback_url": api.customer.url})
        yield api
        await api.call("PUT", f"{SEND}/settings", {})

    async def test_a_reply_brings_the_tracking_data(self, listening: Api) -> None:
        api = listening
        to = api.person("11")
        message = {"viber": {"template": "text_2way", "parameters": {"text": "hello", "reply_id": "r-7"}}}
        sent = await api.send(api.message(message=message, recipient={"phone_number": to}))
        (hit,) = await api.reports(lambda body: body.get("phone_number") == to)
        assert hit.json["status"]["code"] == 1500
        assert hit.json["status"]["description"] == "Delivered to customer"
        assert "sub_resource" not in hit.json
        assert hit.json["content"] == {
            "original_reference_id": sent.body["reference_id"],
            "text": "echo: hello",
            "tracking_data": "r-7",
        }

    async def test_an_sms_has_a_shape_of_its_own(self, listening: Api) -> None:
        api = listening
        to = api.person("11")
        message = {"sms": {"template": "text", "parameters": {"text": "hello"}}}
        await api.send(api.message(channels=[{"channel": "sms"}], message=message, recipient={"phone_number": to}))
        (hit,) = await api.reports(lambda body: body.get("user_response", {}).get("phone_number") == to)
        assert hit.json["sub_resource"] == "mo_sms"
        assert hit.json["user_response"]["mo_message"] == "echo: hello"
        assert hit.json["user_response"]["action"] == "generic"
        assert hit.json["user_response"]["iso_country_code"] == "HR"

    async def test_a_session_opens_with_a_reply(self, listening: Api) -> None:
        api = listening
        to = api.person("11")
        first = {"viber": {"template": "text", "parameters": {"text": "hello"}}}
        one = {"channels": [{"channel": "viber"}], "recipient": {"phone_number": to}}
        for template, parameters in (
            ("text_session", {"text": "more"}),
            ("image_session", {"url": "https://a.example/i.png"}),
        ):
            await api.send(api.message(message=first, **one))
            await api.reports(lambda body: body.get("phone_number") == to)
            message = {"viber": {"template": template, "parameters": parameters}}
            sent = await api.send(api.message(message=message, **one))
            found = await api.until(sent.body["reference_id"], 3005)
            assert found["channel_status"][0]["viber"]["code"] == 3005

    async def test_no_session_is_the_channels_failure(self, api: Api) -> None:
        message = {
            "viber": {"template": "text_session", "parameters": {"text": "more"}},
            "sms": {"template": "text", "parameters": {"text": "more"}},
        }
        sent = await api.send(api.message(message=message))
        found = await api.until(sent.body["reference_id"], 3000)
        assert found["channel_status"][0]["viber"]["code"] == 3114


@pytest.mark.parametrize("path", ["/capability/rcs/15558675309", "/capability/rcs/15558675309/agent-1"])
async def test_a_gateway_has_no_capability_check(api: Api, path: str) -> None:
    answer = await api.get(path)
    assert answer.status == 401
    assert answer.body == {"status": {"code": 3210, "description": "Capability Check not enabled for Customer ID"}}


async def test_the_face_describes_itself(api: Api) -> None:
    document = (await api.get("/api/openapi/telesign.json")).body
    assert SEND in document["paths"]
    assert (await api.get("/api/docs/telesign")).status == 200


async def test_the_native_api_reads_what_this_one_took(api: Api) -> None:
    answer = await api.send(api.message(external_id="order-9"))
    reference_id = answer.body["reference_id"]
    await api.until(reference_id, 3005)
    headers = {"Authorization": "Bearer tyrian-demo-key"}
    message = (await api.get(f"/api/v1/messages/{UUID(reference_id)}", headers=headers)).body
    assert (message["status"], [a["channel"] for a in message["attempts"]]) == ("seen", ["demo-viber"])

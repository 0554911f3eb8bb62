"""The guide's rules P (rights), C (channels) and W (webhooks), each by its id."""

from typing import Any
from uuid import uuid4

import pytest

from tests.protocols.genesys.conftest import CHANNEL, VIBER, Api, said, viber_signature
from tyrian.protocols.genesys import ids, rights

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL_FOUR = list(rights.WORDS)
CREATE, EDIT, VIEW, WEBHOOKS = ALL_FOUR


def new(api: Api) -> dict[str, Any]:
    return {**CHANNEL, "providerConfig": {"botToken": api.bot(), "publicPageId": "page"}}


# -- P: licence, capability, permissions, scopes --------------------------------------------------------------


async def test_p_1_no_viber_without_the_digital_channels_licence(api: Api) -> None:
    await api.organization(digitalChannels=False)
    answer = await api.post(VIBER, new(api))
    assert (answer.status, answer.code) == (403, "not.authorized")
    assert "Digital Channels" in answer.body["message"]
    assert (await api.get(VIBER)).body["total"] == 0


async def test_p_2_neither_messages_nor_webhooks_without_the_messaging_capability(api: Api) -> None:
    channel = await api.active()
    await api.organization(messaging=False)
    assert (await api.post(VIBER, new(api))).code == "not.authorized"
    assert (await api.viber_calls(channel, said("hello"), "any")).status == 403
    sent = await api.post("conversations/messages", {"content": {"text": "hello"}})
    assert (sent.status, sent.code) == (403, "not.authorized")


async def test_p_3_the_guides_permissions_let_a_channel_be_configured(api: Api) -> None:
    admin = await api.narrowed(permissions=ALL_FOUR)
    channel = (await admin.post(VIBER, new(api))).body
    assert (await admin.patch(f"{VIBER}/{channel['id']}", {"name": "Shop"})).status == 200
    assert (await admin.post(f"{VIBER}/{channel['id']}/verify")).status == 202


async def test_p_4_webhooks_manage_covers_verification(api: Api) -> None:
    channel = await api.channel()
    only = await api.narrowed(permissions=[WEBHOOKS])
    assert (await only.post(f"{VIBER}/{channel['id']}/verify")).status == 202


@pytest.mark.parametrize("lacking", ALL_FOUR)
async def test_p_5_each_operation_needs_its_own_permission(api: Api, lacking: str) -> None:
    channel = await api.channel()
    one = f"{VIBER}/{channel['id']}"
    operations = {
        CREATE: ("POST", VIBER, new(api)),
        EDIT: ("PATCH", one, {"providerConfig": {"botSecret": "new"}}),
        VIEW: ("GET", f"conversations/messages/{uuid4()}/session", None),
        WEBHOOKS: ("GET", f"{one}/webhooklog", None),
    }
    caller = await api.narrowed(permissions=[word for word in ALL_FOUR if word != lacking])
    answer = await caller.call(operations[lacking][0], f"/api/v2/{operations[lacking][1]}", operations[lacking][2])
    assert (answer.status, answer.code) == (403, "missing.permissions")
    assert rights.WORDS[lacking] in answer.body["message"]


@pytest.mark.parametrize("lacking", ALL_FOUR)
async def test_p_6_three_of_four_let_the_three_operations_through(api: Api, lacking: str) -> None:
    channel = await api.channel()
    one = f"{VIBER}/{channel['id']}"
    caller = await api.narrowed(permissions=[word for word in ALL_FOUR if word != lacking])
    found = {
        CREATE: (await caller.post(VIBER, new(api))).status,
        EDIT: (await caller.patch(one, {"name": "Shop"})).status,
        VIEW: (await caller.get(f"conversations/messages/{uuid4()}/session")).status,
        WEBHOOKS: (await caller.get(f"{one}/webhooklog")).status,
    }
    assert [word for word, status in found.items() if status == 403] == [lacking]


async def test_p_7_scope_and_permission_must_both_fit(api: Api) -> None:
    no_scope = await api.narrowed(scope=["conversations"], permissions=ALL_FOUR)
    assert ((a := await no_scope.post(VIBER, new(api))).status, a.code) == (403, "not.authorized")
    no_permission = await api.narrowed(scope=["messaging"], permissions=[])
    assert ((a := await no_permission.post(VIBER, new(api))).status, a.code) == (403, "missing.permissions")


async def test_p_8_messaging_write_for_rich_media(api: Api) -> None:
    for scope, status in (("messaging:read", 403), ("messaging:write", 400)):
        caller = await api.narrowed(scope=[scope])
        assert (await caller.post("conversations/messages", {"content": {"text": "hello"}})).status == status


async def test_p_9_messaging_read_for_what_people_sent(api: Api) -> None:
    path = f"conversations/messages/{uuid4()}/messages/{uuid4()}"
    for scope, status in (("conversation:read", 403), ("messaging:read", 404)):
        assert (await (await api.narrowed(scope=[scope])).get(path)).status == status


async def test_p_10_conversation_read_for_the_state_of_a_session(api: Api) -> None:
    path = f"conversations/messages/{uuid4()}/session"
    for scope, status in (("messaging:write", 403), ("conversation:read", 404)):
        assert (await (await api.narrowed(scope=[scope])).get(path)).status == status


async def test_p_11_without_an_account_at_viber_a_channel_does_not_become_active(api: Api) -> None:
    channel = await api.settled(await api.channel("0000-nobody"))
    assert channel["status"] == "FAILED_VERIFICATION"
    assert channel["statusReason"]


async def test_p_12_a_region_that_viber_has_not_whitelisted_stays_pending(api: Api) -> None:
    await api.organization(region="APAC", whitelistedRegions=["EMEA"])
    channel = await api.channel()
    await api.post(f"{VIBER}/{channel['id']}/verify")
    found = (await api.get(f"{VIBER}/{channel['id']}")).body
    assert (found["status"], "APAC" in found["statusReason"]) == ("PENDING", True)
    assert "Viber's partner team" in found["statusFix"]


async def test_p_13_refusals_are_403_in_the_envelope(api: Api) -> None:
    lacking = await (await api.narrowed(permissions=[])).post(VIBER, new(api))
    assert (lacking.status, lacking.code) == (403, "missing.permissions")
    await api.organization(digitalChannels=False)
    unlicensed = await api.post(VIBER, new(api))
    assert (unlicensed.status, unlicensed.code) == (403, "not.authorized")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("messaging", "messaging:write"),
        ("messaging", "messaging:read"),
        ("messaging:readonly", "messaging:read"),
        ("conversations", "conversation:read"),
        ("conversations:readonly", "conversation:read"),
    ],
)
async def test_p_14_the_real_scopes_are_worth_the_guides(given: str, wanted: str) -> None:
    assert given in rights.ALIASES[wanted]
    assert "messaging:readonly" not in rights.ALIASES["messaging:write"]


# -- C: channels --------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({"channelType": "VIBER", "name": "Shop"}, {"/webhookUrl", "/providerConfig/botToken"}),
        ({**CHANNEL, "webhookUrl": "no url"}, {"/webhookUrl", "/providerConfig/botToken"}),
        ({**CHANNEL, "channelType": "SMS", "providerConfig": {"botToken": "t"}}, {"/channelType"}),
        ({}, {"/channelType", "/name", "/webhookUrl", "/providerConfig/botToken"}),
    ],
)
async def test_c_1_provider_url_and_token_are_needed(api: Api, body: Any, places: set[str]) -> None:
    answer = await api.post(VIBER, body)
    assert (answer.status, answer.code, answer.places) == (400, "bad.request", places)
    assert (await api.get(VIBER)).body["total"] == 0


async def test_c_2_only_where_viber_is_offered(api: Api) -> None:
    await api.organization(region="US", viberRegions=["EMEA"])
    answer = await api.post(VIBER, new(api))
    assert (answer.status, answer.places) == (400, {"/channelType"})


async def test_c_3_a_new_channel_is_pending(api: Api) -> None:
    channel = await api.channel()
    assert (channel["status"], channel["statusText"], channel["integrationStatus"]) == (
        "PENDING",
        "Pending",
        "Starting",
    )


async def test_c_4_it_is_active_once_viber_has_called_back(api: Api) -> None:
    channel = await api.active()
    assert (channel["statusText"], channel["integrationStatus"]) == ("Active", "Active")
    assert (200, "accepted") in await api.log(channel)


async def test_c_5_a_failed_verification_stays(api: Api) -> None:
    channel = await api.settled(await api.channel(botSecret="another than viber signs with"))
    assert (channel["status"], channel["statusText"]) == ("FAILED_VERIFICATION", "Failed Verification")
    assert channel["integrationStatus"] == "Failed"
    assert channel["statusFix"]
    api.clock.ahead *= 2
    assert (await api.get(f"{VIBER}/{channel['id']}")).body["status"] == "FAILED_VERIFICATION"


async def test_c_6_nothing_comes_in_through_a_failed_channel(api: Api) -> None:
    secret = "another than viber signs with"
    channel = await api.settled(await api.channel(botSecret=secret))
    assert (await api.viber_calls(channel, said("hello"), secret)).status == 200
    assert (await api.log(channel))[-1] == (200, "not_routed_failed_verification")
    assert await api.inbound() == []


async def test_c_7_it_takes_a_change_and_another_verification_to_leave_failure(api: Api) -> None:
    channel = await api.settled(await api.channel(botSecret="wrong"))
    assert channel["status"] == "FAILED_VERIFICATION"
    changed = await api.patch(f"{VIBER}/{channel['id']}", {"providerConfig": {"botSecret": None}})
    assert changed.body["status"] == "PENDING"
    assert (await api.settled(channel))["status"] == "ACTIVE"


async def test_c_8_hosted_and_external_webhook_urls(api: Api) -> None:
    hosted = await api.channel()
    assert hosted["webhookUrl"] == f"{api.url}/api/v2/external/webhooks/{hosted['id']}"
    body = {**CHANNEL, "webhookUrl": f"{api.webhook.url}/middleware", "providerConfig": {"botToken": api.bot()}}
    external = (await api.post(VIBER, body)).body
    assert external["webhookUrl"] == f"{api.webhook.url}/middleware"
    (hit,) = await api.webhook.take(1)
    assert (hit.path, hit.event) == ("/middleware", "webhook")
    assert (await api.settled(external))["status"] == "ACTIVE"


async def test_c_10_tokens_and_secrets_are_not_shown(api: Api) -> None:
    token = api.bot()
    channel = await api.channel(token, botSecret=token)
    assert channel["providerConfig"] == {"botToken": "***", "botSecret": "***"}
    for path in (VIBER, f"{VIBER}/{channel['id']}"):
        assert token not in (await api.get(path)).raw.decode()
    same = await api.patch(f"{VIBER}/{channel['id']}", {"providerConfig": {"botToken": "***"}, "name": "Shop"})
    assert same.status == 200
    assert (await api.settled(channel))["status"] == "ACTIVE"


async def test_c_11_made_listed_read_changed_and_removed(api: Api) -> None:
    channel = await api.active(publicPageId="page")
    one = f"{VIBER}/{channel['id']}"
    assert (await api.get(one)).body == channel
    listed = (await api.get(VIBER)).body
    assert (listed["entities"], listed["total"], listed["pageCount"]) == ([channel], 1, 1)
    changed = (await api.patch(one, {"name": "Shop", "providerConfig": {"publicPageId": "other"}})).body
    assert (changed["name"], changed["providerConfig"]["publicPageId"]) == ("Shop", "other")
    assert (await api.delete(one)).status == 204
    for answer in (await api.get(one), await api.delete(one), await api.post(f"{one}/verify")):
        assert (answer.status, answer.code) == (404, "not.found")


async def test_another_accounts_channel_is_not_there(api: Api, served: Api) -> None:
    channel = await api.channel()
    other = await served.account()
    for answer in (
        await other.get(f"{VIBER}/{channel['id']}"),
        await other.patch(f"{VIBER}/{channel['id']}", {"name": "Mine"}),
        await other.get(f"{VIBER}/{uuid4()}"),
        await other.get(f"{VIBER}/no-id"),
    ):
        assert (answer.status, answer.code) == (404, "not.found")


async def test_two_channels_of_one_name(api: Api) -> None:
    first, second = await api.channel(), await api.channel()
    assert first["name"] == second["name"] == CHANNEL["name"]
    assert first["id"] != second["id"]


async def test_pages_of_channels(api: Api) -> None:
    made = [(await api.channel())["id"] for _ in range(3)]
    page = (await api.get(f"{VIBER}?pageSize=2&pageNumber=2")).body
    assert [channel["id"] for channel in page["entities"]] == made[2:]
    assert (page["total"], page["pageCount"], page["pageNumber"]) == (3, 2, 2)
    assert page["previousUri"] == f"/api/v2/{VIBER}?pageSize=2&pageNumber=1"
    assert "nextUri" not in page
    for query in ("pageSize=0", "pageSize=101", "pageNumber=-1", "pageNumber=x"):
        assert ((a := await api.get(f"{VIBER}?{query}")).status, a.code) == (400, "invalid.value")


# -- W: webhooks --------------------------------------------------------------


async def test_w_1_every_request_is_verified_with_the_channels_secret(api: Api) -> None:
    one, other = api.bot(), api.bot()
    channel = await api.settled(await api.channel(one))
    assert (await api.viber_calls(channel, said("hello"), one)).status == 200
    assert (await api.viber_calls(channel, said("hello"), other)).status == 401


async def test_w_2_the_same_secret_is_accepted(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    assert (await api.viber_calls(channel, said("hello"), token)).status == 200
    assert [content["text"] for _, content in await api.inbound()] == ["hello"]


async def test_w_3_another_secret_is_refused_and_nothing_follows(api: Api) -> None:
    channel = await api.active()
    answer = await api.viber_calls(channel, said("hello"), "wrong")
    assert (answer.status, answer.code) == (401, "bad.credentials")
    assert await api.inbound() == []


async def test_w_4_a_new_secret_counts_at_once_and_the_old_one_no_more(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    renewed = api.bot()
    await api.patch(f"{VIBER}/{channel['id']}", {"providerConfig": {"botToken": renewed}})
    await api.settled(channel)
    message = said("hello")
    assert (await api.viber_calls(channel, message, token)).status == 401
    assert (await api.viber_calls(channel, message, renewed.upper())).status == 401
    assert (await api.viber_calls(channel, message, renewed)).status == 200


async def test_w_5_a_blocked_address_fails_verification_too(api: Api) -> None:
    await api.organization(allowedNetworks=["203.0.113.0/24"])
    assert (await api.settled(await api.channel()))["status"] == "FAILED_VERIFICATION"


async def test_w_6_what_was_refused_is_in_the_log_and_nowhere_else(api: Api) -> None:
    channel = await api.active()
    await api.viber_calls(channel, said("hello"), "wrong")
    assert (await api.log(channel))[-1] == (401, "wrong_signature")
    assert await api.inbound() == []


async def test_w_7_the_log_tells_200_from_401(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    await api.viber_calls(channel, said("hello"), "wrong")
    await api.viber_calls(channel, said("hello"), token)
    assert [status for status, _ in await api.log(channel)][-2:] == [401, 200]
    line = (await api.get(f"{VIBER}/{channel['id']}/webhooklog")).body["entities"][0]
    assert line["remoteAddress"] == "127.0.0.1"
    assert line["contentLength"] > 0


async def test_w_8_the_networks_to_admit_are_published(api: Api) -> None:
    await api.organization(region="APAC", egressNetworks=["203.0.113.0/24"])
    (found,) = (await api.get("ipranges")).body["entities"]
    assert (found["cidr"], found["region"]) == ("203.0.113.0/24", "APAC")


async def test_w_9_lower_case_hex_of_hmac_sha256_over_the_raw_body(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    raw = b'{ "event":"seen", "message_token" : 5 , "user_id":"x", "timestamp": 1790000000000}'
    assert (await api.viber_calls(channel, raw, token)).status == 200
    upper = {"X-Viber-Content-Signature": viber_signature(raw, token).upper()}
    assert (await api.viber_calls(channel, raw, token, **upper)).status == 401


async def test_w_10_no_signature_and_a_blocked_address(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    assert (await api.viber_calls(channel, said("hello"), token, **{"X-Viber-Content-Signature": ""})).status == 401
    assert (await api.log(channel))[-1] == (401, "no_signature")
    await api.organization(allowedNetworks=["203.0.113.0/24"])
    assert (await api.viber_calls(channel, b"x" * 2_000_000, token)).status == 403
    assert (await api.log(channel))[-1] == (403, "address_not_allowed")


async def test_w_11_the_signature_is_judged_before_the_body_is_read(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token))
    assert (await api.viber_calls(channel, b"no json", "wrong")).status == 401
    assert (await api.viber_calls(channel, b"no json", token)).status == 400


async def test_w_12_bot_secret_goes_before_the_token(api: Api) -> None:
    token = api.bot()
    channel = await api.settled(await api.channel(token, botSecret=token))
    assert channel["status"] == "ACTIVE"
    body = {
        **CHANNEL,
        "webhookUrl": f"{api.webhook.url}/m",
        "providerConfig": {"botToken": api.bot(), "botSecret": "s"},
    }
    signed_anew = (await api.post(VIBER, body)).body
    await api.settled(signed_anew)
    assert (await api.viber_calls(signed_anew, said("hello"), "s")).status == 200
    assert [content["text"] for _, content in await api.inbound()] == ["hello"]


async def test_a_webhook_of_no_channel(api: Api) -> None:
    for identifier in (str(uuid4()), "uuid-1234", ids.of_channel(2**31 - 1)):
        assert (await api.viber_calls({"id": identifier}, said("hello"), "x")).status == 404

"""Tracked links as customers and people meet them: asked for, followed over HTTP, counted, and called back."""

from typing import Any

import pytest

from tests.protocols.native.conftest import Api
from tyrian.engine.report import ClickedLink, Report
from tyrian.protocols.native import reports

pytestmark = pytest.mark.asyncio(loop_scope="module")

URL = "https://shop.example/orders/7"


def with_button(url: str = URL, **more: Any) -> dict[str, Any]:
    content = {"type": "text", "text": "On its way", "button": {"text": "Follow", "url": url, "id": "order"}}
    return {"to": "+385991234501", "cascade": [{"channel": "demo-viber", "content": content}], **more}


async def test_a_link_is_followed_counted_and_read(api: Api) -> None:
    taken = await api.send(with_button(track_links=True))
    assert taken.status == 202
    path = f"/api/v1/messages/{taken.body['id']}"
    message = await api.until(taken.body["id"], "sent")
    content: Any = api.network.sent[-1].content
    public = api.gateway.settings.public_url
    assert content.button.url.startswith(f"{public}/l/")
    short = api.url + content.button.url.removeprefix(public)
    for method in ("HEAD", "GET", "GET"):
        async with api.http.request(method, short, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["location"]) == (302, URL)
    (link,) = (await api.get(f"{path}/links")).body["links"]
    assert (link["url"], link["short_url"], link["button_id"]) == (URL, content.button.url, "order")
    assert (link["clicks"], link["channel"], link["attempt_id"]) == (2, "demo-viber", message["attempts"][0]["id"])
    assert link["first_click_at"] <= link["last_click_at"]
    events = (await api.get(f"{path}/events")).body["events"]
    assert [e["type"] for e in events] == ["accepted", "sent", "clicked", "clicked"]
    assert (await api.get(path)).body["cascade"][0]["content"]["button"]["url"] == URL


async def test_a_link_that_nobody_made_is_not_found(api: Api) -> None:
    async with api.http.get(f"{api.url}/l/{'A' * 24}", allow_redirects=False) as answer:
        assert (answer.status, "location" in answer.headers) == (404, False)


async def test_only_web_pages_can_be_tracked(api: Api) -> None:
    refused = await api.send(with_button("viber://pa", track_links=True))
    assert (refused.status, refused.pointers) == (422, ["/cascade/0/content/button/url"])
    assert (await api.send(with_button("viber://pa"))).status == 202


async def test_a_channel_does_it_by_itself(api: Api) -> None:
    changed = await api.call("PATCH", "/api/v1/channels/demo-viber", {"track_links": True})
    assert changed.body["track_links"] is True
    taken = await api.send(with_button())
    await api.until(taken.body["id"], "sent")
    assert len((await api.get(f"/api/v1/messages/{taken.body['id']}/links")).body["links"]) == 1
    refused = await api.send(with_button("viber://pa"))
    assert refused.pointers == ["/cascade/0/content/button/url"]


async def test_another_accounts_links_are_not_there(api: Api) -> None:
    taken = await api.send(with_button(track_links=True))
    other = await api.account("demo-viber")
    assert (await other.get(f"/api/v1/messages/{taken.body['id']}/links")).status == 404


async def test_a_click_is_called_back_in_the_apis_own_words(api: Api) -> None:
    now = api.gateway.clock.now()
    identifier = api.gateway.ids.new(now)
    report = Report(
        id=identifier,
        kind="click",
        account_id=1,
        message_id=identifier,
        to="+1",
        status="delivered",
        at=now,
        click=ClickedLink(url=URL, button_id="order", user_agent="Browser/1.0"),
    )
    body = reports.render(report, [], now).body
    assert b'"type":"message.clicked"' in body
    assert b'"click":{"url":"https://shop.example/orders/7","button_id":"order","user_agent":"Browser/1.0"}' in body

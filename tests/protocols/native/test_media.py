"""Hosted files over the API: upload, fetch, probe, list, make to fit, remove; and the links that serve them."""

import io
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from tests.media import samples
from tests.media.conftest import LOOPBACK
from tests.media.site import Site, in_parts, whole
from tests.protocols.native.conftest import Answer, Api, serving
from tests.protocols.native.document import answer_schema, fits
from tyrian.protocols.native import media_wire as wire
from tyrian.protocols.native.media_operations import MEDIA
from tyrian.settings import Settings

pytestmark = pytest.mark.asyncio(loop_scope="module")

PICTURE = samples.picture(size=(320, 200))
BY_NAME = {operation.name: operation for operation in MEDIA}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hosting(module_database_url: str) -> AsyncIterator[Api]:
    settings = Settings(allow_private_callbacks=LOOPBACK, media_max_bytes=3_000_000, media_quota_bytes=8_000_000)
    async with serving(module_database_url, settings) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def api(hosting: Api) -> Api:
    return await hosting.account("demo-viber", "demo-sms")


@pytest_asyncio.fixture(loop_scope="module")
async def site() -> AsyncIterator[Site]:
    pages = {"/spring.jpg": whole(PICTURE, "image/jpeg"), "/a.mp4": in_parts(samples.film(seconds=700), "video/mp4")}
    async with Site(pages) as listening:
        yield listening


async def upload(api: Api, data: bytes = PICTURE, query: str = "?name=spring.jpg", **headers: str) -> Answer:
    given = {"Content-Type": "application/octet-stream", **headers}
    return await api.call("POST", f"/api/v1/media{query}", None, headers=given, data=io.BytesIO(data))


async def served(api: Api, url: str, **headers: str) -> tuple[int, Any, bytes]:
    """What the gateway serves at one of its links."""
    path = url.removeprefix(api.gateway.settings.public_url)
    async with api.http.get(api.url + path, headers=headers) as response:
        return response.status, response.headers, await response.read()


async def test_a_file_is_uploaded_and_its_link_serves_it(api: Api) -> None:
    answer = await upload(api)
    assert answer.status == 201
    assert fits(answer.body, answer_schema(BY_NAME["uploadMedia"], 201)) == []
    body = answer.body
    assert (body["name"], body["content_type"], body["size"]) == ("spring.jpg", "image/jpeg", len(PICTURE))
    assert (body["width"], body["height"], body["ratio"]) == (320, 200, 1.6)
    status, headers, data = await served(api, body["url"])
    assert (status, headers["content-type"], data == PICTURE) == (200, "image/jpeg", True)
    status, headers, data = await served(api, body["url"], Range="bytes=10-19")
    assert (status, headers["content-range"], data) == (206, f"bytes 10-19/{len(PICTURE)}", PICTURE[10:20])
    path = body["url"].removeprefix(api.gateway.settings.public_url)
    async with api.http.head(api.url + path) as response:
        assert (response.status, response.headers["content-length"]) == (200, str(len(PICTURE)))
        assert not response.cookies


async def test_the_same_bytes_get_the_same_file(api: Api) -> None:
    first, again = await upload(api), await upload(api, query="?name=other.jpg")
    assert (again.status, again.body["id"], again.body["name"]) == (200, first.body["id"], "other.jpg")


async def test_a_chunked_upload_is_taken_too(api: Api) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for at in range(0, len(PICTURE), 1000):
            yield PICTURE[at : at + 1000]

    headers = {"Content-Type": "image/jpeg"}
    answer = await api.call("POST", "/api/v1/media", None, headers=headers, data=chunks())
    assert (answer.status, answer.body["size"], answer.body["name"]) == (201, len(PICTURE), "file.jpg")


@pytest.mark.parametrize(
    ("data", "headers", "words"),
    [
        (samples.SVG, {}, "is an SVG picture"),
        (PICTURE[:-50], {}, "is cut short"),
        (PICTURE + samples.archive("a"), {}, "is also a ZIP"),
        (samples.bomb(50_000, 50_000), {}, "pixels"),
        (PICTURE, {"Content-Type": "image/png"}, "is image/jpeg, and was declared as image/png"),
        (b"", {}, "is empty"),
    ],
)
async def test_what_is_refused_and_why(api: Api, data: bytes, headers: dict[str, str], words: str) -> None:
    answer = await upload(api, data, **headers)
    assert (answer.status, answer.pointers) == (422, [""])
    assert words in answer.body["problems"][0]["message"]


async def test_a_file_that_is_too_large(api: Api) -> None:
    answer = await upload(api, bytes(3_000_001))
    assert (answer.status, answer.body["title"]) == (413, "The body is too large")


async def test_a_full_account(hosting: Api) -> None:
    api = await hosting.account("demo-viber")
    for weight in (2_800_000, 2_810_000):
        assert (await upload(api, samples.film(weight=weight), "?name=a.mp4")).status == 201
    answer = await upload(api, samples.film(weight=2_700_000), "?name=a.mp4")
    assert (answer.status, answer.body["problems"][0]["code"]) == (422, "quota")
    listed = await api.get("/api/v1/media")
    assert listed.body["quota_bytes"] == 8_000_000
    assert 5_600_000 < listed.body["used_bytes"] < 5_700_000


async def test_a_caller_that_leaves_in_the_middle_leaves_nothing(api: Api) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield PICTURE[:1000]
        raise RuntimeError("the line is gone")

    headers = {"Authorization": f"Bearer {api.key}", "Content-Type": "image/jpeg"}
    with pytest.raises((aiohttp.ClientError, RuntimeError)):
        await api.http.post(f"{api.url}/api/v1/media", data=broken(), headers=headers)
    assert (await api.get("/api/v1/media")).body["media"] == []


async def test_files_are_listed_in_pages(api: Api) -> None:
    kept = [(await upload(api, f"{n}".encode(), f"?name={n}.txt")).body["id"] for n in range(5)]
    first = await api.get("/api/v1/media?limit=3")
    assert fits(first.body, answer_schema(BY_NAME["listMedia"], 200)) == []
    rest = await api.get(f"/api/v1/media?limit=3&cursor={first.body['next']}")
    assert [m["id"] for m in first.body["media"] + rest.body["media"]] == kept[::-1]
    assert rest.body["next"] is None
    assert (await api.get("/api/v1/media?cursor=nonsense")).status == 422


async def test_one_file_with_a_link_that_ends_sooner(api: Api) -> None:
    identifier = (await upload(api)).body["id"]
    plain = await api.get(f"/api/v1/media/{identifier}")
    short = await api.get(f"/api/v1/media/{identifier}?link_seconds=60")
    assert short.body["url_expires_at"] < plain.body["url_expires_at"] == plain.body["keep_until"][:-4] + "000Z"
    assert (await served(api, short.body["url"]))[0] == 200


async def test_a_removed_file(api: Api) -> None:
    body = (await upload(api)).body
    path = f"/api/v1/media/{body['id']}"
    assert (await api.call("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        assert (await api.call(method, path)).status == 404
    assert (await served(api, body["url"]))[0] == 404


async def test_files_of_others_are_not_there(hosting: Api, api: Api) -> None:
    stranger, path = await hosting.account(), f"/api/v1/media/{(await upload(api)).body['id']}"
    assert (await stranger.get("/api/v1/media")).body["media"] == []
    bounds = {"max_width": 10}
    answers = [
        await stranger.get(path),
        await stranger.call("DELETE", path),
        await stranger.post(f"{path}/optimise", bounds),
    ]
    assert [answer.status for answer in answers] == [404, 404, 404]
    assert (await api.get(path)).status == 200


async def test_the_scope_is_needed(api: Api) -> None:
    other = await api.with_key(scopes=["messages:send"])
    assert (await other.get("/api/v1/media")).status == 403
    assert (await upload(other)).status == 403


# -- By URL -----------------------------------------------------------------------------------------------------------


async def test_what_is_behind_a_url_is_hosted(api: Api, site: Site) -> None:
    answer = await api.post("/api/v1/media/fetch", {"url": site.at("/spring.jpg")})
    assert (answer.status, answer.body["name"]) == (201, "spring.jpg")
    assert fits(answer.body, answer_schema(BY_NAME["fetchMedia"], 201)) == []
    again = await api.post("/api/v1/media/fetch", {"url": site.at("/spring.jpg"), "name": "new.jpg"})
    assert (again.status, again.body["name"]) == (200, "new.jpg")


@pytest.mark.parametrize("url", ["http://10.0.0.1/a.jpg", "http://[::1]/a.jpg", "http://169.254.169.254/", "ftp://x/"])
async def test_a_url_that_leads_inside_is_refused(api: Api, url: str) -> None:
    answer = await api.post("/api/v1/media/fetch", {"url": url})
    assert (answer.status, answer.pointers) == (422, ["/url"])


async def test_a_url_is_probed_against_a_channel(api: Api, site: Site) -> None:
    answer = await api.post("/api/v1/media/probe", {"url": site.at("/a.mp4")})
    assert fits(answer.body, answer_schema(BY_NAME["probeMedia"], 200)) == []
    assert (answer.body["fits"], answer.body["duration"], answer.body["ranges"]) == (True, 700.0, True)
    fit = {"channel": "demo-viber", "content": "image"}
    answer = await api.post("/api/v1/media/probe", {"url": site.at("/a.mp4"), "fit": fit})
    said = [problem["message"] for problem in answer.body["problems"]]
    assert said == [
        "must end in one of .jpg, .png",
        "must begin with https://",
        "leads to a file that is video/mp4, and no image",
    ]
    assert not answer.body["fits"]
    answer = await api.post("/api/v1/media/probe", {"url": site.at("/nothing")})
    assert (answer.body["status"], answer.body["problems"][0]["message"]) == (404, "its server answers 404")


# -- To fit -----------------------------------------------------------------------------------------------------------


async def test_a_picture_is_made_within_bounds(api: Api) -> None:
    path = f"/api/v1/media/{(await upload(api)).body['id']}/optimise"
    bounds = {"max_width": 100, "max_height": 100, "max_bytes": 5000, "types": ["image/webp"]}
    made = await api.post(path, bounds)
    assert made.status == 201
    assert fits(made.body, answer_schema(BY_NAME["optimiseMedia"], 201)) == []
    assert (made.body["content_type"], made.body["width"]) == ("image/webp", 100)
    assert made.body["size"] <= 5000
    again = await api.post(path, bounds)
    assert (again.status, again.body["id"]) == (200, made.body["id"])
    assert (await served(api, made.body["url"]))[0] == 200


async def test_examples_of_making_fit_run(api: Api) -> None:
    path = f"/api/v1/media/{(await upload(api)).body['id']}/optimise"
    for body in BY_NAME["optimiseMedia"].examples.values():
        answer = await api.post(path, body)
        assert answer.status in (200, 201)
        assert fits(answer.body, answer_schema(BY_NAME["optimiseMedia"], answer.status)) == []


async def test_examples_of_urls_run(api: Api, site: Site) -> None:
    for name in ("fetchMedia", "probeMedia"):
        for body in BY_NAME[name].examples.values():
            answer = await api.post(BY_NAME[name].path, {**body, "url": site.at("/spring.jpg")})
            assert answer.status in (200, 201)
            assert fits(answer.body, answer_schema(BY_NAME[name], answer.status)) == []


@pytest.mark.parametrize("body", [{}, {"fit": {"channel": "demo-viber"}, "max_width": 5}])
async def test_either_a_channel_or_bounds(api: Api, body: Any) -> None:
    path = f"/api/v1/media/{(await upload(api)).body['id']}/optimise"
    answer = await api.post(path, body)
    assert (answer.status, answer.pointers) == (422, [""])


@pytest.mark.parametrize(
    ("fit", "words"),
    [
        ({"channel": "none"}, 'names no channel of this account: "none"'),
        ({"channel": "demo-sms"}, 'leads to a channel that takes no "image"'),
    ],
)
async def test_a_channel_that_cannot_be_fitted(api: Api, site: Site, fit: Any, words: str) -> None:
    for path in ("probe", "fetch"):
        answer = await api.post(f"/api/v1/media/{path}", {"url": site.at("/spring.jpg"), "fit": fit})
        assert (answer.status, answer.pointers) == (422, ["/fit/channel"])
        assert words in answer.body["problems"][0]["message"]
    answer = await upload(api, query=f"?channel={fit['channel']}")
    assert (answer.status, answer.pointers) == (422, ["?channel"])
    assert (await api.get("/api/v1/media")).body["media"] == []


async def test_an_upload_for_a_channel_that_takes_it_as_it_is(api: Api) -> None:
    answer = await upload(api, query="?channel=demo-viber&content=image&field=url")
    assert (answer.status, answer.body["size"]) == (201, len(PICTURE))
    assert wire.Fit(channel="demo-viber").content == "image"


async def test_messages_have_their_files_seen_to(api: Api, site: Site) -> None:
    """The channel takes files over https:// alone: one that is served otherwise is kept back, or hosted here."""
    content = {"type": "image", "url": site.at("/spring.jpg")}
    message = {"to": "+385991234501", "cascade": [{"channel": "demo-viber", "content": content}]}
    wrong = await api.send({**message, "media": "shrink"})
    assert (wrong.status, wrong.pointers) == (422, ["/media"])
    probed = await api.send({**message, "media": "probe"})
    assert (await api.until(probed.body["id"], "failed"))["reason"] == "media_unfit"
    changed = await api.call("PATCH", "/api/v1/channels/demo-viber", {"media": "fit"})
    assert changed.body["media"] == "fit"
    taken = await api.send(message)
    await api.until(taken.body["id"], "sent")
    outgoing: Any = api.network.sent[-1].content
    status, _, body = await served(api, outgoing.url)
    assert (status, body) == (200, PICTURE)
    events = (await api.get(f"/api/v1/messages/{taken.body['id']}/events")).body["events"]
    (fitted,) = [event["detail"]["files"] for event in events if event["type"] == "fitted"]
    assert [(file["at"], file["from"]["url"], file["to"]["url"]) for file in fitted] == [
        ("/url", content["url"], outgoing.url)
    ]

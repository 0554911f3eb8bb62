"""Uploads: kept, listed, fetched with a key or by their signed URL, removed, and gone when their time is over."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.protocols.tyntec.conftest import V2, V3, Api
from tyrian.protocols.tyntec import limits, media

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEDIA = f"{V3}/media"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


async def uploaded(api: Api, data: bytes = PNG, query: str = "", media_type: str = "image/png") -> dict[str, object]:
    answer = await api.post(MEDIA + query, data, headers={"Content-Type": media_type})
    assert answer.status == 200, answer.raw
    body: dict[str, object] = answer.body
    return body


async def test_an_upload_comes_back_as_it_was(api: Api) -> None:
    made = await uploaded(api, query="?validity=60&filename=sale.png")
    assert list(made) == ["mediaId", "url", "quota", "usage"]
    assert made["usage"] == len(PNG)
    for base in (V3, V2, "/messaging/v2/chat"):
        answer = await api.get(f"{base}/media/{made['mediaId']}")
        assert (answer.status, answer.raw) == (200, PNG)
        assert answer.headers["content-type"] == "image/png"
    (entry,) = (await api.get(MEDIA)).body
    assert list(entry) == ["mediaId", "contentType", "validity", "fileName", "fileSize"]
    assert (entry["mediaId"], entry["fileName"], entry["fileSize"]) == (made["mediaId"], "sale.png", len(PNG))


async def test_the_url_needs_no_key_and_can_be_sent(api: Api) -> None:
    url = str((await uploaded(api))["url"])
    assert limits.is_url(url)
    path = url.removeprefix(api.url)
    assert (await api.get(path, headers={"apikey": ""})).raw == PNG
    message = await api.taken({"contentType": "image", "image": {"url": url}})
    assert getattr(await api.on_network(message), "url", None) == url


async def test_a_files_size_is_asked_of_its_server(api: Api) -> None:
    url = str((await uploaded(api))["url"])
    for content in (
        {"contentType": "file", "file": {"url": url, "filename": "a.pdf"}},
        {"contentType": "video", "video": {"url": url, "thumbnailUrl": url, "filesize": 0, "duration": 3}},
    ):
        assert getattr(await api.on_network(await api.taken(content)), "size", None) == len(PNG)
    nowhere = url.replace("/media/", "/nowhere/")
    message = await api.taken({"contentType": "file", "file": {"url": nowhere, "filename": "a.pdf"}})
    assert getattr(await api.on_network(message), "size", 0) is None


@pytest.mark.parametrize("change", [("expires", "9999999999"), ("signature", "0" * 64), ("signature", "é")])
async def test_a_url_that_was_changed_is_refused(api: Api, change: tuple[str, str]) -> None:
    parts = urlsplit(str((await uploaded(api))["url"]))
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | dict([change])
    answer = await api.get(parts.path, headers={"apikey": ""}, params=query)
    assert answer.status == 401


async def test_what_a_browser_would_run_comes_as_bytes(api: Api) -> None:
    made = await uploaded(api, b"<script>", media_type="text/html")
    answer = await api.get(f"{MEDIA}/{made['mediaId']}")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_removing_an_upload(api: Api) -> None:
    path = f"{MEDIA}/{(await uploaded(api))['mediaId']}"
    assert (await api.call("DELETE", path)).status == 204
    for method in ("GET", "DELETE"):
        answer = await api.call(method, path)
        assert (answer.status, answer.raw) == (404, b'{"status":404}')
    assert (await api.get(MEDIA)).body == []


@pytest.mark.parametrize("name", ["6f1c1d5e-52f0-4b5c-9f0a-6f6de1d5c003", "7"])
async def test_an_upload_that_is_not_there(api: Api, name: str) -> None:
    for headers in ({}, {"apikey": ""}):
        answer = await api.get(f"{MEDIA}/{name}?signature=x&expires=1", headers=headers)
        assert (answer.status, answer.raw) == (404, b'{"status":404}')


async def test_another_accounts_upload_is_not_there(api: Api) -> None:
    made = await uploaded(api)
    other = await api.account()
    assert (await other.get(f"{MEDIA}/{made['mediaId']}")).status == 404
    assert (await other.get(MEDIA)).body == []


async def test_uploads_that_are_refused(api: Api) -> None:
    headers = {"Content-Type": "image/png"}
    assert (await api.post(MEDIA, b"", headers=headers)).fields == {"body": "must not be empty"}
    answer = await api.post(f"{MEDIA}?validity=0&filename={'x' * 257}", PNG, headers=headers)
    assert answer.fields == {
        "validity": f"must be between 1 and {media.MAX_VALIDITY}",
        "filename": "size must be between 0 and 256",
    }
    assert (await api.post(MEDIA, b"x" * (media.MAX_BYTES + 1), headers=headers)).status == 413


async def test_the_quota_is_the_accounts(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(media, "QUOTA", 2 * len(PNG))
    await uploaded(api)
    assert (await uploaded(api))["usage"] == 2 * len(PNG)
    assert (await api.post(MEDIA, PNG, headers={"Content-Type": "image/png"})).status == 413

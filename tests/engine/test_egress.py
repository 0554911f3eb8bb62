"""What URLs and addresses the guard lets through, and that names cannot trick it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from ipaddress import ip_network

import pytest

from tyrian.engine import egress
from tyrian.engine.egress import Blocked, Guard, judge_address, judge_url, parse_url

PUBLIC = [
    "8.8.8.8",
    "100.63.255.255",
    "100.128.0.1",
    "168.63.129.17",
    "172.15.255.255",
    "172.32.0.1",
    "192.167.1.1",
    "223.255.255.255",
    "2003::1",
    "2606:4700:4700::1111",
]

REFUSED = [
    ("0.0.0.0", "this host"),
    ("0.1.2.3", "this host"),
    ("10.0.0.1", "private"),
    ("10.255.255.255", "private"),
    ("100.64.0.1", "carrier"),
    ("100.100.100.200", "carrier"),
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("168.63.129.16", "cloud"),
    ("169.254.169.254", "link-local"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.0.0.192", "reserved"),
    ("192.0.2.1", "documentation"),
    ("192.88.99.1", "6to4"),
    ("192.168.1.1", "private"),
    ("198.18.0.1", "benchmarks"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.9", "documentation"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.250", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("::", "this host"),
    ("::1", "loopback"),
    ("::ffff:127.0.0.1", "disguise"),
    ("::ffff:8.8.8.8", "disguise"),
    ("::ffff:0:10.0.0.1", "disguise"),
    ("::7f00:1", "disguise"),
    ("64:ff9b::7f00:1", "NAT64"),
    ("64:ff9b:1::1", "NAT64"),
    ("100::1", "discards"),
    ("2001::1", "Teredo"),
    ("2001:2::1", "reserved"),
    ("2001:db8::1", "documentation"),
    ("2002:7f00:1::", "6to4"),
    ("3fff::1", "documentation"),
    ("5f00::1", "reserved"),
    ("4000::1", "reserved"),
    ("fd00:ec2::254", "private"),
    ("fc00::1", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("2606:4700::1%eth0", "link-local"),
    ("fec0::1", "private"),
    ("ff02::1", "multicast"),
    ("example.com", "no address"),
    ("", "no address"),
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_may_be_called(address: str) -> None:
    assert judge_address(address) is None


@pytest.mark.parametrize(("address", "words"), REFUSED)
def test_other_addresses_may_not(address: str, words: str) -> None:
    assert words in (judge_address(address) or "")


def test_the_operator_can_open_networks() -> None:
    allow = [ip_network("127.0.0.0/8"), ip_network("fd00::/8")]
    assert judge_address("127.0.0.1", allow) is None
    assert judge_address("fd12::1", allow) is None
    assert judge_address("10.0.0.1", allow) is not None
    assert judge_address("::ffff:127.0.0.1", allow) is not None, "an opened IPv4 network is reached by IPv4 only"


GOOD_URLS = [
    "https://example.com/hook",
    "http://example.com:8080",
    "HTTPS://EXAMPLE.COM/a?b=c#d",
    "https://8.8.8.8/",
    "https://[2606:4700:4700::1111]:8443/x",
    "https://münchen.example/ü?q=ä",
    "https://a_b.example.com./",
]

BAD_URLS = [
    ("", "http"),
    ("example.com/hook", "http"),
    ("ftp://example.com/", "http"),
    ("file:///etc/passwd", "http"),
    ("gopher://127.0.0.1:6379/_x", "http"),
    ("javascript:alert(1)", "http"),
    ("http://", "names no host"),
    ("http:///path", "names no host"),
    ("https://user:pass@example.com/", "user name"),
    ("https://example.com@evil.example/", "user name"),
    ("https://@example.com/", "user name"),
    ("http://example.com:0/", "port"),
    ("http://example.com:99999/", "valid URL"),
    ("http://example.com:abc/", "valid URL"),
    ("http://exa mple.com/", "space"),
    ("http://example.com/a\r\nx: y", "control"),
    ("http://example.com\\@127.0.0.1/", "backslash"),
    ("http://example.com/\0", "control"),
    ("http://[::1/", "valid URL"),
    ("http://[fe80::1%25eth0]/", "IPv6"),
    ("http://a..b/", "valid name"),
    ("http://-a.example/", "valid name"),
    ("http://" + "a" * 64 + ".example/", "valid name"),
    ("http://ex%61mple.com/", "valid name"),
    ("http://127.0.0.1/", "loopback"),
    ("http://localhost:9000/hook", "loopback"),
    ("http://api.localhost/", "loopback"),
    ("http://LOCALHOST./", "loopback"),
    ("http://[::1]/", "loopback"),
    ("http://[::ffff:10.0.0.1]/", "disguise"),
    ("http://169.254.169.254/latest/meta-data", "link-local"),
    ("http://2130706433/", "dotted decimal"),
    ("http://127.1/", "dotted decimal"),
    ("http://0x7f.0.0.1/", "dotted decimal"),
    ("http://0x7f000001/", "dotted decimal"),
    ("http://0177.0.0.1/", "dotted decimal"),
    ("http://127.0.0.1.1/", "dotted decimal"),
    ("https://example.com/" + "a" * 2000, "longer than 2000"),
]


@pytest.mark.parametrize("url", GOOD_URLS)
def test_a_good_url(url: str) -> None:
    assert judge_url(url) is None


@pytest.mark.parametrize(("url", "words"), BAD_URLS)
def test_a_bad_url_is_refused_with_the_reason(url: str, words: str) -> None:
    assert words in (judge_url(url) or "")


def test_opened_networks_count_for_urls_too() -> None:
    allow = [ip_network("127.0.0.0/8")]
    assert judge_url("http://127.0.0.1:9000/hook", allow) is None
    assert judge_url("http://localhost:9000/hook", allow) is None
    assert judge_url("http://[::1]:9000/hook", allow) is not None


def test_a_url_is_taken_apart_once_and_in_one_form() -> None:
    target = parse_url("HTTP://Bücher.Example.:8080/ä b".replace(" ", "%20") + "?q=ö&x=1#part")
    assert (target.scheme, target.host, target.port) == ("http", "xn--bcher-kva.example", 8080)
    assert target.path == "/%C3%A4%20b?q=%C3%B6&x=1"
    assert target.authority == "xn--bcher-kva.example:8080"
    assert parse_url("https://[2606:4700::0001]/").authority == "[2606:4700::1]"


# -- Names ------------------------------------------------------------------------------------------------------------

MakeGuard = Callable[..., Guard]


@pytest.fixture
async def guard() -> AsyncIterator[MakeGuard]:
    made: list[Guard] = []

    def make(answers: Callable[[], Sequence[str]], *allow: str) -> Guard:
        made.append(Guard([ip_network(a) for a in allow], resolve=lambda host, port: answers()))
        return made[-1]

    yield make
    for one in made:
        one.close()


async def test_only_the_public_addresses_of_a_name_are_used(guard: MakeGuard) -> None:
    mixed = guard(lambda: ["10.0.0.1", "8.8.8.8", "::1"])
    assert await mixed.addresses("mixed.example", 443) == ["8.8.8.8"]


async def test_a_name_that_leads_inside_is_blocked_and_says_why(guard: MakeGuard) -> None:
    with pytest.raises(Blocked, match=r"inside.example leads to 10.0.0.1, a private address; ::1, a loopback address"):
        await guard(lambda: ["10.0.0.1", "::1"]).addresses("inside.example", 443)


async def test_a_name_that_changes_between_checks_is_judged_each_time(
    guard: MakeGuard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "DNS_TTL", 0.0)
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    rebinding = guard(lambda: answers.pop(0))
    assert await rebinding.addresses("rebind.example", 443) == ["8.8.8.8"]
    with pytest.raises(Blocked, match="loopback"):
        await rebinding.addresses("rebind.example", 443)


async def test_a_literal_is_judged_without_asking_anybody(guard: MakeGuard) -> None:
    def never() -> Sequence[str]:
        raise AssertionError("the DNS was asked")

    with pytest.raises(Blocked, match="link-local"):
        await guard(never).addresses("169.254.169.254", 80)
    assert await guard(never, "10.0.0.0/8").addresses("10.1.2.3", 80) == ["10.1.2.3"]


async def test_a_name_whose_servers_hang_holds_up_one_thread_and_nobody_else(guard: MakeGuard) -> None:
    release = threading.Event()
    asked: list[str] = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        if host == "dead.example":
            release.wait(10)
        return ["8.8.8.8"]

    slow = Guard(resolve=resolve)
    waiting = [asyncio.create_task(slow.addresses("dead.example", 80)) for _ in range(50)]
    await asyncio.sleep(0)
    try:
        assert await slow.addresses("alive.example", 80) == ["8.8.8.8"]
        assert not any(task.done() for task in waiting)
    finally:
        release.set()
        assert await asyncio.gather(*waiting) == [["8.8.8.8"]] * 50
        slow.close()
    assert asked.count("dead.example") == 1


async def test_a_name_that_does_not_exist_is_an_os_error(guard: MakeGuard) -> None:
    def missing() -> Sequence[str]:
        raise OSError("Name or service not known")

    with pytest.raises(OSError, match="not known"):
        await guard(missing).addresses("missing.example", 80)
    with pytest.raises(Blocked, match="no address"):
        await guard(list).addresses("empty.example", 80)

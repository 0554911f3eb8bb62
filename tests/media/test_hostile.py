"""A thousand hostile files and servers: each is refused with its reason, within bounds of bytes and requests."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path

import pytest

from tests.media.conftest import House
from tests.media.hostile import FILES, SERVERS, seeds
from tests.media.site import Behaviour, Site, moved
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.egress import Guard
from tyrian.media.download import REDIRECTS, Downloads

#: Files of each kind, and servers of each: 7 x 100 and 6 x 50, and 60 names that change.
EACH_FILE = 100
EACH_SERVER = 50
NAMES = 60
#: The most that is taken in here, and what may be on its way in the sockets' buffers when the gateway hangs up.
MOST = 300_000
ON_ITS_WAY = 12_000_000
#: Bytes of memory in use at most, of the process that opens pictures: far above what it needs, far below a bomb's.
MEMORY = 400_000_000
#: Words that tell nobody anything, or tell too much.
EMPTY_WORDS = ("Traceback", "Error(", " at 0x", "None")


def reasons(problems: Sequence[Problem]) -> list[str]:
    assert problems
    for problem in problems:
        assert len(problem.message) >= len("is empty"), problem
        assert not any(words in problem.message for words in EMPTY_WORDS), problem
    return [problem.message for problem in problems]


def memory_of(house: House) -> int:
    """The most memory that the process which opens pictures ever had in use, in bytes."""
    process = house.desk._workshop._process
    if process is None:
        return 0
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


@pytest.mark.parametrize("name", FILES)
async def test_hostile_files(house: House, name: str) -> None:
    taken: list[int] = []
    for number, rng in enumerate(seeds(name, EACH_FILE)):
        file = FILES[name](rng)
        try:
            await house.keep(file.data, file.name, declared=file.declared)
        except Refused as refused:
            reasons(refused.problems)
        else:
            taken.append(number)
    assert taken == [], f"of {name} these seeds were taken"
    assert (await house.rows(), await house.chunks()) == (0, 0)
    assert house.desk._workshop.starts <= 1, "what opens pictures never died, and was never too slow"
    assert memory_of(house) < MEMORY


def resolve(host: str, _port: int) -> Sequence[str]:
    """The outside is 127.0.0.1 here, as if it were public; everything else is inside."""
    names = {
        "outside.example": ["127.0.0.1"],
        "localhost": ["127.0.0.2"],
        "inside.example": ["127.0.0.3", "10.0.0.1"],
        "mixed.example": ["192.168.0.1", "fd00::1"],
    }
    if host not in names:
        raise OSError(f"there is no {host}")
    return names[host]


@pytest.fixture
async def outside(other: Callable[..., House]) -> AsyncIterator[House]:
    """A gateway that may call 127.0.0.1 and nothing else of the inside, and is short of time and space."""
    guard = Guard((ip_network("127.0.0.1/32"),), resolve=resolve)
    downloads = Downloads(guard, seconds=20, idle=0.05)
    yield other({"downloads": downloads}, media_max_bytes=MOST, media_quota_bytes=10 * MOST)
    downloads.close()


@pytest.mark.parametrize("name", SERVERS)
async def test_hostile_servers(outside: House, name: str) -> None:
    taken: list[int] = []
    for number, rng in enumerate(seeds(name, EACH_SERVER)):
        sent: list[int] = []
        async with Site({"/a.jpg": SERVERS[name](rng, sent)}) as site:
            site.pages["/a.jpg?again"] = site.pages["/a.jpg"]
            url = site.at("/a.jpg", rng.choice(("127.0.0.1", "outside.example")))
            try:
                await outside.desk.fetch(outside.account_id, url)
            except Refused as refused:
                reasons(refused.problems)
            else:
                taken.append(number)
            assert len(site.requests) <= REDIRECTS + 1
            assert sum(sent) <= MOST + ON_ITS_WAY
    assert taken == [], f"of {name} these seeds were taken"
    assert (await outside.rows(), await outside.chunks()) == (0, 0)


async def test_names_that_change_between_one_look_and_the_next(other: Callable[..., House]) -> None:
    """Whatever a name leads to by the time of the connection was judged: nothing inside is ever called."""
    inside = ("127.0.0.2", "10.0.0.1", "169.254.169.254", "::1", "fd00::1", "0.0.0.0")
    async with Site() as site:
        for rng in seeds("names", NAMES):
            public_first = rng.random() < 0.5
            leads = [["127.0.0.1"], [rng.choice(inside)]] if public_first else [[rng.choice(inside)], ["127.0.0.1"]]
            answers = iter(leads)

            def changing(_host: str, _port: int, answers: Iterator[list[str]] = answers) -> Sequence[str]:
                return next(answers)

            class Hasty(Guard):
                """Believes nothing that it heard before: each connection asks anew."""

                async def addresses(self, host: str, port: int) -> list[str]:
                    self._answers.clear()
                    return await super().addresses(host, port)

            guard = Hasty((ip_network("127.0.0.1/32"),), resolve=changing)
            downloads = Downloads(guard, seconds=20, idle=0.05)
            house = other({"downloads": downloads}, media_max_bytes=MOST)
            site.requests.clear()
            site.pages["/a.jpg"] = _again(site)
            with pytest.raises(Refused) as refused:
                await house.desk.fetch(house.account_id, site.at("/a.jpg", "changing.example"))
            assert any("the gateway may not call it" in words for words in reasons(refused.value.problems))
            assert len(site.requests) == int(public_first)


def _again(site: Site) -> Behaviour:
    return moved(site.at("/a.jpg", "changing.example"))


def test_there_are_a_thousand_of_them() -> None:
    assert len(FILES) * EACH_FILE + len(SERVERS) * EACH_SERVER + NAMES >= 1000

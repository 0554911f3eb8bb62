"""What is behind a URL, before a message with it is sent: the questions that a network would ask too late."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import unquote, urlsplit

from tyrian.domain.limits import Capabilities, media_rule, url_faults
from tyrian.domain.media import Facts, MediaRule, Probed, broken
from tyrian.domain.problem import Problem
from tyrian.media import kinds
from tyrian.media.download import Downloads, Unfetchable
from tyrian.media.examining import MAX_IMAGE, examine
from tyrian.media.kinds import KINDS, Unacceptable
from tyrian.media.remote import Remote
from tyrian.media.workshop import Workshop

#: Bytes of a file that a probe fetches at most: a whole picture; of films and documents, the parts that tell.
MOST: Final = MAX_IMAGE + 1_048_576
#: The code of a problem that another try may not have: the file could not be fetched.
UNFETCHABLE: Final = "unfetchable"
_AT: Final = "/url"


class Prober:
    """Looks at URLs for one channel or for none."""

    def __init__(self, downloads: Downloads, workshop: Workshop) -> None:
        self._downloads = downloads
        self._workshop = workshop

    async def probe(
        self, url: str, can: Capabilities | None, kind: str, field: str
    ) -> tuple[Probed, Sequence[Problem]]:
        """What a URL leads to, and everything that is wrong with it."""
        rule = media_rule(can, kind, field) if can is not None else None
        found = await self.find(url, rule)
        return found.probed(), [*_of_url(url, can, kind, field), *found.problems, *_of_file(found.facts, rule, kind)]

    async def judge(self, url: str, rule: MediaRule, kind: str, *, keep: bool) -> tuple["Found", Sequence[Problem]]:
        """What a URL leads to as the file that a channel has a rule for; `keep` has a picture's bytes given as well."""
        found = await self.find(url, rule, keep=keep)
        return found, [
            *_not_https(url, rule),
            *_misnamed(url, rule),
            *found.problems,
            *_of_file(found.facts, rule, kind),
        ]

    async def find(self, url: str, rule: MediaRule | None, *, keep: bool = False) -> "Found":
        """What a URL leads to, with what is wrong with the way there."""
        found = Found(url)
        try:
            await self._look(found, keep=keep)
            if rule is not None and rule.head:
                await self._head(found)
        except Unfetchable as error:
            found.add(str(error), UNFETCHABLE)
        except Unacceptable as error:
            found.add(f"leads to a file that {error}", "unacceptable")
        return found

    async def _look(self, found: "Found", *, keep: bool) -> None:
        async with Remote(self._downloads, found.url, most=MOST) as remote:
            answer = remote.answer
            assert answer is not None
            found.final_url, found.status, found.ranges = answer.url, answer.status, remote.ranges
            found.declared = answer.headers.get("content-type")
            if answer.status not in (200, 206):
                raise Unfetchable(f"its server answers {answer.status}")
            name = unquote(urlsplit(answer.url).path.rpartition("/")[2])
            kind, found.facts = await examine(remote, name, self._workshop)
            found.name = name
            if keep and kind.family == kinds.IMAGE:
                found.data = await remote.read(0, remote.size)
            if not kinds.agrees(found.declared, kind):
                found.add(
                    f"leads to {kind.content_type}, and its server calls it {(found.declared or '')[:80]}", "wrong_type"
                )
            if answer.total is None:
                found.add("its server does not say how long it is (Content-Length)", "no_length")

    async def _head(self, found: "Found") -> None:
        """Asks as a network does that wants to know the length before it fetches anything."""
        async with self._downloads.get(found.url, method="HEAD") as answer:
            if answer.status != 200 or answer.length != (found.facts.size if found.facts else None):
                words = "its server does not answer HEAD with the file's length, as this network asks it to"
                found.add(words, "no_head")

    def judge_own(
        self, url: str, facts: Facts, can: Capabilities | None, kind: str, field: str
    ) -> tuple[Probed, Sequence[Problem]]:
        """The same for a file that this gateway hosts and has looked at."""
        probed = Probed(url=url, final_url=url, status=200, declared_type=facts.content_type, facts=facts, ranges=True)
        return probed, [
            *_of_url(url, can, kind, field),
            *_of_file(facts, media_rule(can, kind, field) if can is not None else None, kind),
        ]


class Found:
    """What a probe has found so far."""

    def __init__(self, url: str) -> None:
        self.url = self.final_url = url
        self.status: int | None = None
        self.declared: str | None = None
        self.facts: Facts | None = None
        self.name = ""
        #: The bytes of a picture, where they were asked for.
        self.data: bytes | None = None
        self.ranges = False
        self.problems: list[Problem] = []

    def add(self, words: str, code: str) -> None:
        self.problems.append(Problem(_AT, words, code))

    def probed(self) -> Probed:
        return Probed(
            url=self.url,
            final_url=self.final_url,
            status=self.status,
            declared_type=self.declared,
            facts=self.facts,
            ranges=self.ranges,
        )


def _of_url(url: str, can: Capabilities | None, kind: str, field: str) -> list[Problem]:
    if can is None:
        return []
    rule = media_rule(can, kind, field)
    if rule is None:
        return [Problem("/content", f'"{kind}" cannot be sent on this channel')]
    found = [Problem(_AT, words) for words in url_faults(url, can, kind, field)]
    return [*found, *_not_https(url, rule), *_misnamed(url, rule)]


def _not_https(url: str, rule: MediaRule) -> list[Problem]:
    if rule.https and not url.lower().startswith("https://"):
        return [Problem(_AT, "must begin with https://", "not_https")]
    return []


def _misnamed(url: str, rule: MediaRule) -> list[Problem]:
    if rule.endings and not urlsplit(url).path.lower().endswith(rule.endings):
        return [Problem(_AT, f"must end in one of {', '.join(rule.endings)}", "ending")]
    return []


def _of_file(facts: Facts | None, rule: MediaRule | None, kind: str) -> list[Problem]:
    if facts is None or rule is None:
        return []
    return [Problem(_AT, f"leads to a file that {words}", "limit") for words in faults(facts, rule, kind)]


def faults(facts: Facts, rule: MediaRule, kind: str) -> list[str]:
    """Everything that keeps a file from being taken, in words that follow "the file"."""
    return [*_family(facts, rule, kind), *broken(facts, rule)]


def _family(facts: Facts, rule: MediaRule, kind: str) -> list[str]:
    """A picture where a picture belongs; said only where the rule's own types do not say it."""
    wanted = {"image": kinds.IMAGE, "video": kinds.VIDEO}.get(kind) if rule.field == "url" else kinds.IMAGE
    family = KINDS[facts.content_type].family
    if rule.types or wanted is None or family == wanted:
        return []
    return [f"is {facts.content_type}, and no {wanted}"]

"""What the operations on hosted files do."""

from tyrian.domain.limits import Capabilities, media_rule
from tyrian.domain.media import Facts, Probed, Recipe, Stored, recipe_for
from tyrian.domain.problem import Problem, Refused
from tyrian.engine.media_port import Media
from tyrian.protocols.native import media_wire as wire
from tyrian.protocols.native.errors import ApiError, ProblemItem, not_found
from tyrian.protocols.native.operation import Call, Reply
from tyrian.protocols.native.pages import cursor_of, uuid_before
from tyrian.protocols.native.times import stamp

_WHAT = "file"


async def upload(call: Call) -> Reply:
    """Keeps the body."""
    query, fit = call.query, None
    if query.channel is not None:
        fit = wire.Fit(channel=query.channel, content=query.content, field=query.field)
        _capabilities(call, fit, "?channel")
    assert call.stream is not None
    length = call.headers.get("content-length", "")
    announced = int(length) if length.isdigit() and len(length) < 19 else None
    stored = await _desk(call).upload(
        call.account_id, query.name, call.stream, announced=announced, declared=call.headers.get("content-type")
    )
    return await _kept(call, stored, fit, "?channel")


async def fetch(call: Call) -> Reply:
    """Keeps what is behind a URL."""
    body: wire.MediaFetchRequest = call.body
    if body.fit is not None:
        _capabilities(call, body.fit)
    stored = await _desk(call).fetch(call.account_id, body.url, body.name)
    return await _kept(call, stored, body.fit, "/fit/channel")


async def _kept(call: Call, stored: Stored, fit: wire.Fit | None, at: str) -> Reply:
    if fit is not None:
        stored = await _desk(call).fitted(stored, _capabilities(call, fit, at), fit.content, fit.field)
    return Reply(_answer(stored), status=201 if stored.fresh else 200)


async def list_media(call: Call) -> Reply:
    """A page of the account's files."""
    limit = call.query.limit
    found = await _desk(call).list(call.account_id, uuid_before(call.query.cursor), limit + 1)
    more = found[limit - 1].id if len(found) > limit else None
    return Reply(
        wire.MediaList(
            media=[_answer(stored) for stored in found[:limit]],
            next=cursor_of(more),
            used_bytes=await _desk(call).used(call.account_id),
            quota_bytes=call.gateway.settings.media_quota_bytes,
        )
    )


async def get_media(call: Call) -> Reply:
    """One file."""
    stored = await _desk(call).get(call.account_id, call.id(_WHAT), seconds=call.query.link_seconds)
    if stored is None:
        raise _unknown(call)
    return Reply(_answer(stored))


async def delete_media(call: Call) -> Reply:
    """Removes one file."""
    if not await _desk(call).delete(call.account_id, call.id(_WHAT)):
        raise _unknown(call)
    return Reply(status=204)


async def probe(call: Call) -> Reply:
    """Looks at a URL."""
    body: wire.MediaProbeRequest = call.body
    if body.fit is None:
        probed, problems = await _desk(call).probe(call.account_id, body.url)
    else:
        can = _capabilities(call, body.fit)
        probed, problems = await _desk(call).probe(call.account_id, body.url, can, body.fit.content, body.fit.field)
    return Reply(_probed(probed, [ProblemItem(p.pointer, p.message, p.code) for p in problems]))


async def optimise(call: Call) -> Reply:
    """Makes a picture to fit."""
    stored = await _desk(call).optimise(call.account_id, call.id(_WHAT), _recipe(call))
    if stored is None:
        raise _unknown(call)
    return Reply(_answer(stored), status=201 if stored.fresh else 200)


def _recipe(call: Call) -> Recipe:
    body: wire.OptimiseRequest = call.body
    bounds = {name: getattr(body, name) for name in ("max_width", "max_height", "max_bytes", "types")}
    given = {name: value for name, value in bounds.items() if value is not None}
    if (body.fit is None) == (not given):
        raise Refused([Problem("", "must have either fit or bounds (max_width, max_height, max_bytes, types)")])
    if body.fit is None:
        return Recipe(**{**given, **({"types": tuple(given["types"])} if "types" in given else {})})
    can = _capabilities(call, body.fit)
    rule = media_rule(can, body.fit.content, body.fit.field)
    return recipe_for(rule) if rule is not None else Recipe()


# -- Parts ------------------------------------------------------------------------------------------------------------


def _desk(call: Call) -> Media:
    if call.gateway.media is None:
        raise ApiError("unavailable", "This node hosts no files.")
    return call.gateway.media


def _unknown(call: Call) -> ApiError:
    return not_found(f'There is no file with the id "{call.path["id"][:64]}".')


def _capabilities(call: Call, fit: wire.Fit, at: str = "/fit/channel") -> Capabilities:
    """What the channel can carry. Raises `Refused` for one that is not there, or does not take the content."""
    entry = call.gateway.channels.get(call.account_id, fit.channel)
    if entry is None:
        raise Refused([Problem(at, f'names no channel of this account: "{fit.channel}"', "unknown_channel")])
    if fit.content not in entry.capabilities.contents:
        taken = ", ".join(sorted(entry.capabilities.contents))
        raise Refused([Problem(at, f'leads to a channel that takes no "{fit.content}"; it takes {taken}')])
    return entry.capabilities


def _answer(stored: Stored) -> wire.MediaAnswer:
    facts = stored.facts
    return wire.MediaAnswer(
        id=stored.id,
        name=stored.name,
        content_type=facts.content_type,
        size=facts.size,
        sha256=stored.sha256.hex(),
        width=facts.width,
        height=facts.height,
        ratio=_rounded(facts.ratio),
        duration=_rounded(facts.duration),
        animated=facts.animated,
        created_at=stamp(stored.created_at),
        keep_until=stamp(stored.keep_until),
        url=stored.url,
        url_expires_at=stamp(stored.url_expires_at),
    )


def _probed(probed: Probed, problems: list[ProblemItem]) -> wire.ProbeAnswer:
    facts: Facts | None = probed.facts
    return wire.ProbeAnswer(
        fits=not problems,
        url=probed.url,
        final_url=probed.final_url,
        status=probed.status,
        declared_type=probed.declared_type,
        content_type=facts.content_type if facts else None,
        size=facts.size if facts else None,
        width=facts.width if facts else None,
        height=facts.height if facts else None,
        ratio=_rounded(facts.ratio) if facts else None,
        duration=_rounded(facts.duration) if facts else None,
        animated=facts.animated if facts else None,
        ranges=probed.ranges,
        problems=problems,
    )


def _rounded(number: float | None) -> float | None:
    return None if number is None else round(number, 3)

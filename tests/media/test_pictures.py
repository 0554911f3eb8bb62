"""Pictures are judged before they are opened, opened apart, and made to fit."""

import io
import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from tests.media import samples
from tests.media.conftest import House, in_chunks
from tyrian.domain.limits import Capabilities, ContentRule
from tyrian.domain.media import GIF, JPEG, PNG, WEBP, Facts, MediaRule, Recipe, broken, recipe_for
from tyrian.domain.problem import Refused
from tyrian.media import pictures, worker
from tyrian.media.kinds import Unacceptable
from tyrian.media.worker import Order, carry_out
from tyrian.media.workshop import Workshop, _environment
from tyrian.store import media as store

FORMATS = {JPEG: "JPEG", PNG: "PNG", GIF: "GIF", WEBP: "WEBP"}


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


# -- Looking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
def test_what_a_picture_is(kind: str) -> None:
    data = samples.picture(FORMATS[kind], (120, 80))
    assert pictures.look(kind, data) == Facts(content_type=kind, size=len(data), width=120, height=80)


def test_what_moves() -> None:
    assert pictures.look(GIF, samples.moving(5)).animated
    assert not pictures.look(GIF, samples.moving(1)).animated


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("share", [0.001, 0.3, 0.6, 0.95, 0.9999])
def test_a_picture_that_is_cut_short_is_refused(kind: str, share: float) -> None:
    data = samples.picture(FORMATS[kind], (120, 80))
    with pytest.raises(Unacceptable, match="cut short"):
        pictures.look(kind, data[: int(len(data) * share)])


@pytest.mark.parametrize("kind", FORMATS)
def test_another_file_behind_the_end_is_refused_and_harmless_bytes_are_not(kind: str) -> None:
    data = samples.picture(FORMATS[kind])
    assert pictures.look(kind, data + b"\0" * 100).width == 64
    for behind in (samples.archive("a"), samples.PDF, b"\x7fELF....", b"Rar!\x1a\x07\0"):
        with pytest.raises(Unacceptable, match="another file behind its end"):
            pictures.look(kind, data + b"\0\0" + behind)


@pytest.mark.parametrize("kind", [JPEG, PNG])
def test_markup_anywhere_in_a_picture_is_refused(kind: str) -> None:
    data = samples.picture(FORMATS[kind], (200, 200))
    with pytest.raises(Unacceptable, match="web page or a script"):
        pictures.look(kind, data + b"<script>alert(1)</script>")


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (50_001, 1000), (2**31 - 1, 2**31 - 1), (7072, 7072)])
def test_a_bomb_is_refused_by_its_head(width: int, height: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> None:
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(pictures, "_load", never)
    data = samples.bomb(width, height)
    assert len(data) < 100_000
    with pytest.raises(Unacceptable, match="pixels"):
        pictures.look(PNG, data)


def test_a_picture_of_too_many_frames_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_FRAMES", 4)
    assert pictures.look(GIF, samples.flicker(4)).animated
    with pytest.raises(Unacceptable, match="too many frames"):
        pictures.look(GIF, samples.flicker(5))


def test_a_picture_whose_frames_have_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "MAX_FRAMES_PIXELS", 16 * 16 * 3)
    with pytest.raises(Unacceptable, match="too many frames"):
        pictures.look(GIF, samples.moving(4))


def test_a_picture_of_too_many_scans_is_refused() -> None:
    data = samples.picture("JPEG", progressive=True)
    assert pictures.look(JPEG, data).width == 64
    scan = data[data.rindex(b"\xff\xda") : -2]
    assert pictures.look(JPEG, data[:-2] + scan * 3 + data[-2:]).width == 64
    with pytest.raises(Unacceptable, match="more than 100 scans"):
        pictures.look(JPEG, data[:-2] + scan * 100 + data[-2:])


def test_a_picture_of_another_kind_than_said() -> None:
    with pytest.raises(Unacceptable):
        pictures.look(PNG, samples.picture("JPEG"))


# -- Making -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("into", [JPEG, PNG, WEBP])
def test_a_picture_is_made_within_bounds(kind: str, into: str) -> None:
    data = samples.picture(FORMATS[kind], (400, 200))
    recipe = Recipe(max_width=100, max_height=100, types=(into,))
    content_type, made = pictures.make(kind, data, recipe)
    assert (content_type, opened(made).size) == (into, (100, 50))


def test_a_picture_is_never_made_larger() -> None:
    _, made = pictures.make(PNG, samples.picture("PNG", (40, 30)), Recipe(max_width=800, types=(JPEG,)))
    assert opened(made).size == (40, 30)


@pytest.mark.parametrize("into", [JPEG, PNG, WEBP])
def test_a_picture_is_made_lighter_until_it_fits(into: str) -> None:
    data = samples.picture("PNG", (500, 400))
    _, made = pictures.make(PNG, data, Recipe(max_bytes=20_000, types=(into,)))
    assert len(made) <= 20_000
    assert opened(made).width / opened(made).height == pytest.approx(1.25, abs=0.05)


def test_a_picture_that_cannot_be_light_enough() -> None:
    with pytest.raises(Unacceptable, match="cannot be made to have 10 bytes"):
        pictures.make(PNG, samples.picture("PNG"), Recipe(max_bytes=10, types=(PNG,)))


def test_what_shines_through_goes_into_a_type_that_can_hold_it() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (50, 50), (255, 0, 0, 0)).save(out, "PNG")
    assert pictures.make(PNG, out.getvalue(), Recipe(max_width=20, types=(JPEG, PNG)))[0] == PNG
    kind, made = pictures.make(PNG, out.getvalue(), Recipe(max_width=20, types=(JPEG,)))
    assert (kind, opened(made).getpixel((5, 5))) == (JPEG, (255, 255, 255))


def test_a_picture_is_turned_upright_and_loses_its_metadata() -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Camera of somebody"
    data = samples.picture("JPEG", (60, 40), exif=exif, comment=b"from home")
    _, made = pictures.make(JPEG, data, Recipe(max_width=600))
    assert opened(made).size == (40, 60)
    assert not opened(made).getexif()
    assert b"from home" not in made
    assert b"somebody" not in made


# -- The process apart ------------------------------------------------------------------------------------------------


async def test_one_process_serves_many_pictures() -> None:
    workshop = Workshop()
    for seed in range(3):
        assert (await workshop.look(PNG, samples.picture("PNG", seed=seed))).width == 64
    assert workshop.starts == 1
    await workshop.close()


async def test_a_process_that_dies_is_replaced() -> None:
    workshop = Workshop()
    await workshop.look(PNG, samples.picture("PNG"))
    assert workshop._process is not None
    workshop._process.kill()
    await workshop._process.wait()
    assert (await workshop.look(PNG, samples.picture("PNG"))).width == 64
    assert workshop.starts == 2
    await workshop.close()


async def test_a_picture_that_takes_too_long_is_refused_and_the_process_ended() -> None:
    workshop = Workshop(seconds=0)
    with pytest.raises(Unacceptable, match="takes more than 0 s to open"):
        await workshop.look(PNG, samples.picture("PNG"))
    assert workshop._process is None
    await workshop.close()


def test_the_process_is_told_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TYRIAN_SECRET_KEY", "s" * 40)
    assert "s" * 40 not in _environment().values()


def test_whatever_a_library_says_to_hostile_bytes_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    for error, words in ((MemoryError(), "more memory"), (RuntimeError("boom"), "could not be opened")):

        def fail(*_: Any, error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(pictures, "look", fail)
        done, made = carry_out(Order(do="look", content_type=PNG), b"")
        assert (done.facts, made) == (None, b"")
        assert words in str(done.refused)


def test_the_process_may_use_only_so_much_memory_and_write_no_files() -> None:
    ask = "import resource as r; print(r.getrlimit(r.RLIMIT_AS), r.getrlimit(r.RLIMIT_FSIZE))"
    program = f"from tyrian.media import worker; worker.confine(); {ask}"
    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=_environment()
    )
    assert said.stdout.strip() == f"({worker.MEMORY}, {worker.MEMORY}) (0, 0)"


# -- Through the desk -------------------------------------------------------------------------------------------------

RULE = MediaRule(field="url", types=(JPEG, PNG), max_bytes=30_000, advised_width=200, advised_height=200)
CAN = Capabilities(contents={"image": ContentRule(media=(RULE,))})


async def test_a_picture_is_made_once_for_each_recipe(house: House) -> None:
    stored = await house.keep(samples.picture("PNG", (400, 300)), "a.png")
    recipe = Recipe(max_width=100)
    first = await house.desk.optimise(house.account_id, stored.id, recipe)
    assert first is not None
    starts = house.desk._workshop.starts
    await house.desk._workshop.close()
    again = await house.desk.optimise(house.account_id, stored.id, recipe)
    assert again is not None
    assert (again.id, again.fresh, first.fresh) == (first.id, False, True)
    assert house.desk._workshop.starts == starts, "nothing was opened for the second"
    assert (first.name, first.facts.width) == ("a.jpg", 100)


async def test_what_was_made_and_removed_is_made_again(house: House) -> None:
    stored = await house.keep(samples.picture("PNG", (400, 300)), "a.png")
    first = await house.desk.optimise(house.account_id, stored.id, Recipe(max_width=100))
    assert first is not None
    await house.desk.delete(house.account_id, first.id)
    again = await house.desk.optimise(house.account_id, stored.id, Recipe(max_width=100))
    assert again is not None
    assert again.id != first.id


async def test_a_picture_that_fits_is_left_alone(house: House) -> None:
    stored = await house.keep(samples.picture("JPEG", (50, 50)), "a.jpg")
    same = await house.desk.optimise(house.account_id, stored.id, Recipe(max_width=50))
    assert same is not None
    assert same.id == stored.id
    assert (await house.desk.fitted(stored, CAN, "image", "url")).id == stored.id


async def test_a_picture_that_does_not_fit_a_channel_is_made_to(house: House) -> None:
    stored = await house.keep(samples.picture("WEBP", (900, 600)), "a.webp")
    made = await house.desk.fitted(stored, CAN, "image", "url")
    assert (made.facts.content_type, made.facts.width) == (JPEG, 200)
    assert list(broken(made.facts, RULE)) == []
    row = await store.get(house.db, made.id, house.clock.now())
    assert row is not None
    assert row.size <= 30_000


async def test_what_cannot_be_made_to_fit_is_refused_with_the_reason(house: House) -> None:
    film = await house.keep(samples.film(), "a.mp4")
    with pytest.raises(Refused, match="is video/mp4; this channel takes image/jpeg"):
        await house.desk.fitted(film, CAN, "image", "url")
    with pytest.raises(Refused, match="only pictures"):
        await house.desk.optimise(house.account_id, film.id, Recipe())
    narrow = Capabilities(contents={"image": ContentRule(media=(MediaRule(field="url", max_ratio=1.2),))})
    wide = await house.desk.upload(house.account_id, "a.jpg", in_chunks(samples.picture(size=(200, 100))))
    with pytest.raises(Refused, match=r"has the aspect ratio 2\.00; this channel takes 1\.20 or less"):
        await house.desk.fitted(wide, narrow, "image", "url")


def test_the_recipe_for_a_rule() -> None:
    rule = MediaRule(field="url", types=(GIF, PNG), max_width=500, advised_width=400, max_height=300, max_bytes=9)
    assert recipe_for(rule) == Recipe(max_width=400, max_height=300, max_bytes=9, types=(PNG,))
    assert recipe_for(MediaRule(field="url")) == Recipe()

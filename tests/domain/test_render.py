"""Placeholders: what is replaced, what stays, and what is refused beforehand."""

import pytest
from hypothesis import given, strategies as st

from tyrian.domain.content import Carousel, LinkButton, Survey, Template, Text
from tyrian.domain.keyboard import Button, Keyboard
from tyrian.domain.render import names, problems, render, templated


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{name}}", "Hello Ana"),
        ("Hello {{ name }}!", "Hello Ana!"),
        ("{{name}}{{name}}", "AnaAna"),
        ("{{first name}}", "Ana Marija"),
        ("{{ime_ž}}", "Žana"),
        ("no placeholder", "no placeholder"),
        ("a {b} c }} d", "a {b} c }} d"),
        ("literal {{{{name}}", "literal {{name}}"),
        ("{{{{{{name}}", "{{Ana"),
        ("{{tricky}}", "{{name}}"),
        ("{{unknown}}", "{{unknown}}"),
    ],
)
def test_what_a_text_becomes(text: str, expected: str) -> None:
    values = {"name": "Ana", "first name": "Ana Marija", "ime_ž": "Žana", "tricky": "{{name}}"}
    assert render(Text(text=text), values).text == expected


def test_every_text_of_a_content_is_rendered() -> None:
    content = Text(
        text="Order {{id}}",
        button=LinkButton(text="Track {{id}}", url="https://shop.test/{{id}}"),
        keyboard=Keyboard(buttons=[Button(value="order {{id}}", text="{{id}}")]),
        tracking_data="{{id}}",
    )
    rendered = render(content, {"id": "7"})
    assert rendered.button == LinkButton(text="Track 7", url="https://shop.test/7")
    assert rendered.keyboard == Keyboard(buttons=[Button(value="order 7", text="7")])
    assert (rendered.text, rendered.tracking_data) == ("Order 7", "7")
    assert content.text == "Order {{id}}"


def test_lists_and_maps_are_rendered() -> None:
    assert render(Survey(text="?", options=["{{a}}", "b"]), {"a": "1"}).options == ["1", "b"]
    assert render(Template(template_id="t", parameters={"k": "{{a}}"}), {"a": "1"}).parameters == {"k": "1"}


def test_a_content_without_placeholders_stays_the_same_object() -> None:
    content = Carousel(buttons=[Button(value="x")])
    assert render(content, {"a": "1"}) is content
    assert not templated(content)


def test_names_are_found() -> None:
    assert names(Text(text="{{a}} {{ b }} {{{{c}}", tracking_data="{{d}}")) == {"a", "b", "d"}


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("{{name}}", []),
        ("{{nome}}", ["unknown_placeholder"]),
        ("{{nome}} {{nome}}", ["unknown_placeholder"]),
        ("{{a}} {{b}}", ["unknown_placeholder", "unknown_placeholder"]),
        ("{{", ["bad_placeholder"]),
        ("{{}}", ["bad_placeholder"]),
        ("{{name}", ["bad_placeholder"]),
        ("{{{{", []),
    ],
)
def test_what_is_refused(text: str, codes: list[str]) -> None:
    assert [p.code for p in problems(Text(text=text), {"name"})] == codes


def test_a_problem_says_where_and_which() -> None:
    content = Text(text="x", button=LinkButton(text="ok", url="https://x.test/{{city}}"))
    (problem,) = problems(content, {"name"}, "/cascade/0/content")
    assert problem.pointer == "/cascade/0/content/button/url"
    assert '"{{city}}"' in problem.message


@given(st.text(), st.dictionaries(st.text(min_size=1), st.text()))
def test_rendering_never_fails_and_leaves_no_placeholder_it_could_fill(text: str, values: dict[str, str]) -> None:
    content = Text(text=text or "x")
    rendered = render(content, values)
    if not problems(content, values):
        assert rendered.text == content.text or templated(content)
    if "{{" not in content.text:
        assert rendered is content

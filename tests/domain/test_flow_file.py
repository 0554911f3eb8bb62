"""A flow's file: read with the line of everything, and with bounds on what it may ask of its reader."""

import json
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given, strategies as st

from tyrian.domain.flow import Flow
from tyrian.domain.flow_file import MOST_BYTES, MOST_DEPTH, read
from tyrian.protocols.native.flows import flow_schema

ROOT = Path(__file__).parents[2]
SMALL = """\
name: small
start: hello
triggers:
  - on: words
    words: [yes, on, "1"]
steps:
  hello: {do: end, text: "Hello\\tyou"}
"""


def test_words_that_other_yaml_takes_for_truth_are_words() -> None:
    made = read(SMALL)
    assert made.problems == []
    assert made.flow is not None
    assert made.flow.triggers[0].words == ["yes", "on", "1"]  # type: ignore[union-attr]
    assert made.flow.steps["hello"].text == "Hello\tyou"  # type: ignore[union-attr]


def test_a_problem_is_told_at_its_line() -> None:
    made = read(SMALL.replace("do: end", "do: ende, colour: red"))
    found = made.located(made.problems)
    assert [(f.pointer, f.line) for f in found] == [("/steps/hello/do", 7)]
    made = read(SMALL.replace("start: hello\n", "start: hello\ntimeout: soon\nmore: 1\n"))
    assert [(f.pointer, f.line) for f in made.located(made.problems)] == [("/timeout", 3), ("/more", 4)]


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("a: &x [1]\nb: *x\n", "alias"),
        ("a: !!python/object:os.system [ls]\n", "tag"),
        ("a: 1\na: 2\n", "twice"),
        ("a: 1\n---\nb: 2\n", "second document"),
        ("? [a, b]\n: 1\n", "key that is no text"),
        ("a: [1\n", "is not YAML"),
        ("a: \0\n", "NUL"),
        ("", "is empty"),
        ("a: " + "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1), "nested deeper"),
        ("[" * 100_000, "nested deeper"),
        ("- 1\n" * 60_000, "more than 50000 values"),
        ("# " + "x" * MOST_BYTES, "larger than 256 KiB"),
    ],
)
def test_what_a_flow_does_not_need_is_refused(source: str, says: str) -> None:
    made = read(source)
    assert made.flow is None
    assert says in made.problems[0].message


@given(st.text(max_size=300))
def test_any_text_is_read_or_refused(text: str) -> None:
    made = read(text)
    assert (made.flow is None) == bool(made.problems)


class _Plain(yaml.SafeDumper):
    """Writes everything out."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**50), 2**50) | st.text("ab\n:'\"# é-", max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["name", "start", "steps", "more"]), _plain, max_size=4))
def test_a_file_is_read_as_the_same_value_in_json(value: dict[str, object]) -> None:
    """Written by another YAML library, and read here: the problems are those of the value itself."""
    from tyrian.domain.flow_file import of_value

    made = read(yaml.dump(value, Dumper=_Plain, allow_unicode=True, sort_keys=False))
    assert made.problems == of_value(value).problems


def test_the_schema_is_the_code_s() -> None:
    path = ROOT / "docs" / "reference" / "flow.schema.json"
    assert json.loads(path.read_text("utf-8")) == flow_schema(), "write what flow_schema() gives into the file"


def test_a_flow_is_the_same_after_it_was_stored() -> None:
    made = read((ROOT / "docs" / "tutorial" / "shop.yaml").read_text("utf-8"))
    assert made.flow is not None
    assert msgspec.json.decode(msgspec.json.encode(made.flow), type=Flow) == made.flow

"""The table, the record, and the page of scenarios."""

import io
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from bench import __main__ as command, machine, profiling, report
from bench.figures import Figure
from bench.scenarios import SCENARIOS
from bench.subjects import parse_nodes

FIGURES = [
    Figure(
        scenario="sends",
        name="accept + send",
        unit="/s",
        value=4321.0,
        aim=4000.0,
        limit=8642.0,
        cpu={"subject": 1.0, "postgres": 0.5, "stolen": 0.0},
        notes=["a note"],
    ),
    Figure(scenario="latency", name="p99", unit="ms", value=31.25, aim=25.0, limit=8.0, sense="less"),
    Figure(scenario="backlog", name="cost", unit="µs CPU", value=250.4, sense="less"),
]
RECORD = report.Record(
    at=datetime(2026, 3, 4, tzinfo=UTC),
    version="1.0",
    options={"rounds": 5},
    machine={"cores": 2, "memory_gb": 8.0},
    postgres={"fsync": "on"},
    figures=FIGURES,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "/s", ""),
        (4321.4, "/s", "4 321/s"),
        (31.25, "ms", "31.2 ms"),
        (1.234, "s", "1.23 s"),
        (1_234_567.0, "MB", "1 234 567 MB"),
    ],
)
def test_numbers_show_the_digits_that_count(value: float | None, unit: str, text: str) -> None:
    assert report.number(value, unit) == text


def test_a_row_says_whether_the_aim_is_met() -> None:
    assert report.rows(FIGURES) == [
        ("sends", "accept + send", "4 321/s", "8 642/s", "50 %", "4 000/s", "met"),
        ("latency", "p99", "31.2 ms", "8.00 ms", "391 %", "25.0 ms", "missed"),
        ("backlog", "cost", "250 µs CPU", "", "", "", ""),
    ]


def test_the_table_and_where_the_time_goes_are_printed() -> None:
    out = io.StringIO()
    report.show(Console(file=out, width=160), RECORD)
    assert "accept + send" in out.getvalue()
    assert "sends, accept + send: a note; gateway: cores itself 1.00, postgres 0.50" in out.getvalue()


def test_the_page_has_table_facts_and_failures() -> None:
    page = report.markdown(msgspec.structs.replace(RECORD, failures={"bulk": "RuntimeError: gone"}))
    for line in (
        "# Benchmark of 4 March 2026",
        "| sends | accept + send | 4 321/s | 8 642/s | 50 % | 4 000/s | met |",
        "* PostgreSQL fsync: on",
        "* memory gb: 8.0",
        "* rounds: 5",
        "* bulk: RuntimeError: gone",
    ):
        assert line in page.splitlines()


def test_records_of_one_day_stand_beside_each_other(tmp_path: Path) -> None:
    pages = [report.keep(RECORD, tmp_path, "2-cores-x") for _ in range(2)]
    assert [page.name for page in pages] == ["2026-03-04-2-cores-x.md", "2026-03-04-2-cores-x-2.md"]
    again = msgspec.json.decode(pages[1].with_suffix(".json").read_bytes(), type=report.Record)
    assert again == RECORD


def test_a_record_names_no_machine_and_no_folder() -> None:
    import platform

    text = msgspec.json.encode(machine.facts()).decode() + machine.slug()
    assert platform.node() not in text
    assert str(Path.home()) not in text


def test_every_scenario_is_documented_and_every_documented_one_exists() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "performance.md").read_text()
    named = [line.split("`")[1] for line in page.splitlines() if line.startswith("| `") and "--" not in line[:6]]
    assert named == list(SCENARIOS)


def test_every_option_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "performance.md").read_text()
    for option in vars(command.arguments([])):
        assert option == "scenarios" or f"--{option.replace('_', '-')}" in page, option


def test_an_unknown_scenario_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.arguments(["sends", "dreams"])
    assert "there is no scenario dreams; there are accepts, " in capsys.readouterr().err


def test_quick_is_smaller_and_can_be_overridden() -> None:
    quick, full = (command.options_of(command.arguments(given)) for given in (["--quick"], []))
    assert quick.rounds * quick.seconds < full.rounds * full.seconds
    assert command.options_of(command.arguments(["--quick", "--rounds", "9"])).rounds == 9


def test_nodes_are_roles_with_workers() -> None:
    assert parse_nodes("all") == [("all", 1)]
    assert parse_nodes("api*2, dispatch,callbacks") == [("api", 2), ("dispatch", 1), ("callbacks", 1)]


def test_a_profile_is_read_by_function(tmp_path: Path) -> None:
    file = tmp_path / "x.stacks.txt"
    file.write_text("run (a/b.py:1);step (a/c.py:7) 3\nrun (a/b.py:1) 1\n")
    assert profiling.busiest(file) == [("step (c.py)", 0.75, 0.75), ("run (b.py)", 0.25, 1.0)]

"""Reading a CSV of recipients: what spreadsheets write, what people get wrong, and where to go on."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tyrian.cli import recipients
from tyrian.cli.failures import Exit, Failure

WriteCsv = Callable[[str], Path]


def _rows(path: Path, *wanted: str) -> list[tuple[int, bytes, str | None]]:
    about = recipients.heading(path)
    return [(row.line, row.entry, row.problem) for row, _ in recipients.rows(path, about, wanted)]


@pytest.mark.parametrize(
    ("text", "columns", "separator"),
    [
        ("to,name\n", ("to", "name"), ","),
        ("to;name\r\n", ("to", "name"), ";"),
        ("to\tname\n", ("to", "name"), "\t"),
        ("\ufeffto,name\n", ("to", "name"), ","),
        (' "to" , name \n'.replace(' "to" ', '"to"'), ("to", "name"), ","),
        ("to", ("to",), ","),
    ],
)
def test_headings(csv_file: WriteCsv, text: str, columns: tuple[str, ...], separator: str) -> None:
    about = recipients.heading(csv_file(text))
    assert (about.columns, about.separator) == (columns, separator)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name,number\n", "a column `to` with the recipients; it has name, number."),
        ("", "a column `to` with the recipients."),
        ("to,name,name\n", "names the column name twice"),
        ("to," + "n" * 65 + "\n", "longer than 64 characters"),
        ("to,n\udcff\n", "is not UTF-8 text"),
    ],
)
def test_headings_that_are_refused(csv_file: WriteCsv, text: str, said: str) -> None:
    with pytest.raises(Failure) as caught:
        recipients.heading(csv_file(text))
    assert said in str(caught.value)
    assert ", line 1: " in str(caught.value)
    assert caught.value.code is Exit.USAGE


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"nobody\.csv cannot be read: No such file"):
        recipients.heading(tmp_path / "nobody.csv")


def test_rows_become_recipients_with_the_wanted_variables(csv_file: WriteCsv) -> None:
    path = csv_file('to,name,unused\n+385991234501,"Ana, ""A"" Anić",x\n\n 38599 ,,y\n')
    assert _rows(path, "name") == [
        (2, '{"to":"+385991234501","variables":{"name":"Ana, \\"A\\" Anić"}}'.encode(), None),
        (4, b'{"to":"38599","variables":{"name":""}}', None),
    ]
    assert _rows(path)[0] == (2, b'{"to":"+385991234501"}', None)


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",Bo", "names no recipient"),
        ("   ,Bo", "names no recipient"),
        ("1", "has 1 columns, where the heading has 2"),
        ("1,2,3", "has 3 columns, where the heading has 2"),
        ("9" * 65 + ",x", "has a recipient longer than 64 characters"),
        ("1," + "x" * 4001, "has a value longer than 4000 characters"),
        ("1,a\0b", "has a NUL character"),
        ("1,\udcff", "is not UTF-8 text"),
        ('1,"a"b', "cannot be read as CSV: ',' expected after '\"'"),
    ],
)
def test_a_bad_row_is_named_and_the_next_one_read(csv_file: WriteCsv, row: str, problem: str) -> None:
    path = csv_file(f"to,name\n{row}\n+385991234501,Ana\n")
    bad, good = _rows(path, "name")
    assert (bad[0], bad[2]) == (2, problem)
    assert (good[0], good[2]) == (3, None)


def test_a_quote_that_is_never_closed_is_one_bad_row(csv_file: WriteCsv) -> None:
    path = csv_file('to,name\n1,Ana\n2,"Bo\n3,Iva\n')
    assert [(line, problem) for line, _, problem in _rows(path)] == [
        (2, None),
        (3, 'opens a value with " that nothing closes'),
    ]


def test_a_value_may_run_over_lines(csv_file: WriteCsv) -> None:
    path = csv_file('to,name\n1,"two\nlines"\n2,x\n')
    assert [(line, problem) for line, _, problem in _rows(path)] == [(2, None), (4, None)]


def test_reading_goes_on_from_any_place(csv_file: WriteCsv) -> None:
    path = csv_file('\ufeffto;name\n1;"two\nlines"\n2;Žā\n\n3;x\n4;y\n')
    about = recipients.heading(path)
    everything = list(recipients.rows(path, about, ["name"]))
    assert [row.line for row, _ in everything] == [2, 4, 6, 7]
    for number, (_, place) in enumerate(everything):
        assert list(recipients.rows(path, about, ["name"], place)) == everything[number + 1 :]


def test_an_edited_file_is_told_from_the_one_before(csv_file: WriteCsv) -> None:
    path = csv_file("to\n1\n")
    before = recipients.identity(path)
    assert recipients.identity(path) == before
    csv_file("to\n2\n")
    assert recipients.identity(path) != before

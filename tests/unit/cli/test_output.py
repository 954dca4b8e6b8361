"""Tables for people, JSON for machines."""

import json

import msgspec
import pytest

from modelgate.cli.output import print_json, print_table


class Record(msgspec.Struct):
    name: str
    count: int | None = None


def test_json_takes_records(capsys: pytest.CaptureFixture[str]) -> None:
    print_json([Record("ключ"), {"a": 1}])
    text = capsys.readouterr().out
    assert json.loads(text) == [{"name": "ключ", "count": None}, {"a": 1}]
    assert "\n" in text.strip()


def test_a_row_stays_on_one_line_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "name"), [("key_" + "x" * 60, "a name " * 10), ("2", "[bold]b[/bold]")], empty="none")
    lines = [line for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert len(lines) == 4
    assert "[bold]b[/bold]" in lines[3]


def test_an_empty_table_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id",), [], empty="There is nothing.")
    assert capsys.readouterr().out == "There is nothing.\n"

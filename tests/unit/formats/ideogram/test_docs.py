"""What docs/ideogram.md says is what the dialect takes."""

from pathlib import Path

import pytest

from modelgate.formats.ideogram import rules, schema
from modelgate.formats.ideogram.family import FAMILY

TEXT = (Path(__file__).parents[4] / "docs" / "ideogram.md").read_text()
ROWS = {
    cells[0].strip("`"): cells[1:]
    for line in TEXT.splitlines()
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 7
}


@pytest.mark.parametrize(("column", "operation"), list(enumerate(rules.TAKES)), ids=list(rules.TAKES))
def test_the_table_of_fields_is_true(column: int, operation: str) -> None:
    taken = {rules.FIELD_NAMES.get(field, field) for field in rules.TAKES[operation]} | {"model"}
    assert {field for field, cells in ROWS.items() if cells[column] != "-"} == taken


def test_choices_and_paths_are_named() -> None:
    for choices in (schema.ASPECT_RATIOS, schema.RENDERING_SPEEDS, schema.MAGIC_PROMPTS, schema.STYLE_TYPES, schema.PALETTES):
        assert all(choice in TEXT for choice in choices)
    assert (len(schema.RESOLUTIONS), len(schema.STYLE_PRESETS)) == (69, 62)
    assert all(prefix.rstrip("/") in TEXT or "inpaint" in prefix for prefix in FAMILY.aliases)

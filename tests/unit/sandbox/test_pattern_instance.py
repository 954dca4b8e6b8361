import re

import pytest

from modelgate.sandbox.pattern_instance import MAX_TEXT, matches, text_matching


@pytest.mark.parametrize(
    "pattern",
    [
        r"^[A-Z]{3}$",
        r"^\d{4}-\d{2}-\d{2}$",
        r"^(cat|dog)s?$",
        r"[^a-z]",
        r"^\w+@\w+\.com$",
        r"^#(?:[0-9a-f]{3}){1,2}$",
        r"^.+$",
        r"^[^\s@]+$",
        r"^a*?b$",
        "",
    ],
)
def test_texts_match(pattern: str) -> None:
    assert re.search(pattern, text_matching(pattern))


def test_length_bounds_are_tried_for() -> None:
    assert len(text_matching("^[a-z]+$", least=20, most=30)) == 20
    assert len(text_matching("^[a-z]*$", least=0, most=0)) == 0


def test_hostile_patterns_end() -> None:
    """Nested repeats would fill the memory when made, and never end when matched."""
    assert len(text_matching("((a{500}){500}){500}")) <= MAX_TEXT
    assert not matches("a" * 40 + "!", "^(a+)+$")
    assert not matches("a" * 40 + "!", "^(a|a)*$")
    assert text_matching("(" * 50) == "example"
    assert matches("Paris", "^[A-Z][a-z]+$")
    assert not matches("paris", "^[A-Z][a-z]+$")

"""A text that matches a regular expression, as well as can be: literals, classes, groups, branches and repeats.

Built on Python's own parse of the pattern. Look-arounds, back references and the like are passed over, so the outcome is checked.
"""

import re
from re import _constants as codes  # type: ignore[attr-defined]  # no public way to a parsed pattern; tried on 3.11
from re import _parser as parser  # type: ignore[attr-defined]

from modelgate.core.records import Json

MAX_REPEATS = 512
MAX_PATTERN = 1_000
MAX_TEXT = 4_096
MAX_MATCHED_TEXT = 64
MAX_OPEN_REPEATS = 4
_CATEGORIES = {
    codes.CATEGORY_DIGIT: "7",
    codes.CATEGORY_WORD: "a",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_DIGIT: "a",
    codes.CATEGORY_NOT_WORD: "-",
    codes.CATEGORY_NOT_SPACE: "a",
}
_TRIED = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_ .,:/"


def text_matching(pattern: str, *, least: int = 0, most: int = MAX_REPEATS) -> str:
    """Return a text of `least` to `most` characters that matches, or the best try when none is found."""
    if len(pattern) > MAX_PATTERN:
        return "example"
    try:
        parsed = parser.parse(pattern)
    except (re.error, RecursionError, OverflowError):
        return "example"
    tries = [_render(parsed, repeats) for repeats in (0, 1, 2, 3, 5, 8, least, most)]
    fitting = [text for text in tries if least <= len(text) <= most]
    return next(iter(fitting or tries))


def matches(text: str, pattern: str) -> bool:
    """Say whether a text matches; also no when finding out could take long (nested repeats, long texts)."""
    return _tried(text, pattern) is True


def mismatches(text: str, pattern: str) -> bool:
    """Say whether a text is known not to match."""
    return _tried(text, pattern) is False


def _tried(text: str, pattern: str) -> bool | None:
    """Return whether a text matches; None where it cannot be told, or not soon."""
    if len(pattern) > MAX_PATTERN:
        return None
    try:
        parsed = parser.parse(pattern)
        if parsed.getwidth()[0] > len(text):
            return False
        if len(text) > MAX_MATCHED_TEXT or _open_repeats(parsed) > MAX_OPEN_REPEATS:
            return None
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return None


def _open_repeats(parsed: Json, *, inside: bool = False) -> int:
    """Count repeats; one that repeats inside another, or repeats a choice, counts as too many: it may backtrack for ever."""
    count = 0
    for code, argument in parsed:
        if code in (codes.MAX_REPEAT, codes.MIN_REPEAT) and argument[1] > 1:
            count += 1 + MAX_OPEN_REPEATS * inside + _open_repeats(argument[2], inside=True)
        elif code is codes.BRANCH:
            count += MAX_OPEN_REPEATS * inside + sum(_open_repeats(branch, inside=inside) for branch in argument[1])
        elif code is codes.SUBPATTERN:
            count += _open_repeats(argument[3], inside=inside)
    return count


def _render(parsed: Json, repeats: int) -> str:
    return "".join(_piece(code, argument, repeats) for code, argument in parsed)[:MAX_TEXT]


def _piece(code: Json, argument: Json, repeats: int) -> str:
    match code:
        case codes.LITERAL:
            return chr(argument)
        case codes.NOT_LITERAL:
            return "a" if argument != ord("a") else "b"
        case codes.ANY:
            return "a"
        case codes.IN:
            return _one_of(argument)
        case codes.BRANCH:
            return _render(argument[1][0], repeats)
        case codes.SUBPATTERN:
            return _render(argument[3], repeats)
        case codes.MAX_REPEAT | codes.MIN_REPEAT | codes.POSSESSIVE_REPEAT:
            least, most, inner = argument
            text = _render(inner, min(repeats, 2))
            return str(text * min(max(least, min(repeats, MAX_REPEATS)), most, MAX_TEXT // max(len(text), 1)))
        case codes.ATOMIC_GROUP:
            return _render(argument, repeats)
    return ""


def _one_of(members: Json) -> str:
    if members[0][0] is codes.NEGATE:
        return next((character for character in _TRIED if not _is_member(character, members[1:])), "~")
    code, argument = members[0]
    match code:
        case codes.RANGE:
            return chr(argument[0])
        case codes.CATEGORY:
            return _CATEGORIES.get(argument, "a")
    return chr(argument)


def _is_member(character: str, members: Json) -> bool:
    for code, argument in members:
        if code is codes.LITERAL and chr(argument) == character:
            return True
        if code is codes.RANGE and argument[0] <= ord(character) <= argument[1]:
            return True
        if code is codes.CATEGORY and _in_category(character, argument):
            return True
    return False


def _in_category(character: str, category: Json) -> bool:
    found = {codes.CATEGORY_DIGIT: r"\d", codes.CATEGORY_WORD: r"\w", codes.CATEGORY_SPACE: r"\s"}.get(category)
    return re.match(found, character) is not None if found else False

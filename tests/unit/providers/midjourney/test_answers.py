"""What a midjourney-proxy says, by the files of testdata/midjourney/vendor."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.providers import VendorState
from modelgate.providers.midjourney import PROVIDER
from modelgate.providers.midjourney.answers import (
    MAX_URL_CHARACTERS,
    parse_cancel,
    parse_poll,
    parse_poll_many,
    parse_question,
    parse_submit,
)

FOLDER = Path(__file__).parents[3] / "testdata" / "midjourney" / "vendor"
INPUTS = sorted(FOLDER.glob("*.input.json"))
_words = PROVIDER.media["image.describe"].parse_poll
assert _words is not None
PARSERS: dict[str, Callable[[int, bytes], VendorState]] = {
    "submit": parse_submit,
    "poll": parse_poll,
    "words": _words,
    "cancel": parse_cancel,
}


def meaning_of(name: str, answer: dict[str, Any]) -> Any:
    body = answer["body"].encode() if isinstance(answer["body"], str) else msgspec.json.encode(answer["body"])
    state = PARSERS[name.partition("-")[0]](answer["status"], body)
    told = msgspec.json.decode(msgspec.json.encode(state))
    return {name: value for name, value in told.items() if value not in ("", None, False, 0, [], {})}


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_answer_beside_meaning(path: Path) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())
    assert meaning_of(path.name, msgspec.json.decode(path.read_bytes())) == expected


def test_many_by_their_ids() -> None:
    body = b'[{"id": "7", "status": "SUCCESS", "imageUrl": "u"}, {"id": 8, "status": "IN_PROGRESS", "progress": "5%"}]'
    told = parse_poll_many(200, body)
    assert told is not None
    assert [(name, state.state, state.progress) for name, state in told.items()] == [("7", "succeeded", 100), ("8", "running", 5)]
    # One job that could not be read kept the others of its call, up to 99, from being told anything at all.
    odd = parse_poll_many(200, body[:-1] + b', {"id": "9", "status": 5, "progress": []}, {"status": "SUCCESS"}, 7]')
    assert odd is not None
    assert {name: state.state for name, state in odd.items()} == {"7": "succeeded", "8": "running", "9": None}
    assert parse_poll_many(200, b"[]") == {}
    assert parse_poll_many(502, b"[]") is None
    assert parse_poll_many(200, b"{}") is None


def test_previews_are_shown_of_pictures_alone() -> None:
    body = b'[{"id": "7", "status": "IN_PROGRESS", "imageUrl": "https://cdn.example/own.png"}]'
    long = body.replace(b"own", b"o" * MAX_URL_CHARACTERS)
    shown, words, hidden = parse_poll_many(200, body), parse_poll_many(200, body, words=True), parse_poll_many(200, long)
    assert shown is not None
    assert words is not None
    assert hidden is not None
    assert [len(told["7"].outputs) for told in (shown, words, hidden)] == [1, 0, 0]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["id", "code", "result", "properties", "description", "status", "progress", "buttons", "videoUrls", "imageUrl"]
            ),
            inner,
        )
    ),
    max_leaves=8,
)


@given(st.sampled_from(sorted(PARSERS)), st.sampled_from([200, 204, 400, 401, 404, 429, 500, 503]), st.binary(max_size=30))
def test_any_bytes_are_an_answer(name: str, status: int, body: bytes) -> None:
    PARSERS[name](status, body)


@given(st.sampled_from(sorted(PARSERS)), st.sampled_from([200, 400, 500]), JSON | st.lists(JSON, max_size=2))
def test_any_json_is_an_answer(name: str, status: int, body: Any) -> None:
    PARSERS[name](status, msgspec.json.encode(body))


def test_a_seed_is_asked_for() -> None:
    assert parse_question(200, b'{"code": 1, "description": "success", "result": "1234567"}') == {"seed": "1234567"}
    for status, body in (
        (200, b'{"code": 3, "description": "task not found"}'),
        (200, b""),
        (404, b'{"code": 1, "result": "7"}'),
        (200, b'{"code": 1, "result": ["a"]}'),
    ):
        assert parse_question(status, body) == {}

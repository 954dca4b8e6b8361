"""The Suno provider: calls and answers, by the files of testdata/suno."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.providers.golden import body_of, inputs, name_of, output_of

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.requests import MusicRequest, Parent
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.suno import PROVIDER, encode_poll, parse_poll, parse_poll_many, parse_submit


def told_call(path: Path) -> Any:
    request = msgspec.json.decode(path.read_bytes(), type=MusicRequest)
    operation = PROVIDER.media["music.lyrics" if path.name.startswith("lyrics") else "music"]
    call = operation.encode_submit(request, "task_ours", request.model)
    return {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}


def told_state(path: Path) -> Any:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)
    state = (parse_submit if path.name.startswith("submit") else parse_poll)(answer["status"], body)
    told = msgspec.json.decode(msgspec.json.encode(state))
    return {name: value for name, value in told.items() if value not in ("", None, False, 0, [], {})}


@pytest.mark.parametrize("path", inputs("suno", "encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    assert told_call(path) == output_of(path)


@pytest.mark.parametrize("path", inputs("suno", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    assert told_state(path) == output_of(path)


def test_many_are_asked_for_at_once() -> None:
    operation = PROVIDER.media["music"]
    assert operation.encode_poll_many is not None
    call = operation.encode_poll_many(["a", "b"])
    assert (call.method, call.path, call.body) == ("POST", "/fetch", b'{"ids":["a","b"]}')
    assert encode_poll("a").body == b'{"ids":["a"]}'
    answer = {"code": "success", "data": [{"task_id": "b", "status": "QUEUED"}, {"task_id": "c", "status": 5}, 7]}
    states = parse_poll_many(200, msgspec.json.encode(answer))
    assert states is not None
    assert {name: state.state for name, state in states.items() if name} == {"b": "running", "c": None}
    assert parse_poll_many(500, msgspec.json.encode(answer)) is None
    assert parse_poll_many(200, b'{"code":"success","data":{}}') is None
    assert parse_poll_many(200, b'{"code":"success","data":[]}') == {}


PARENT = Parent(task="task_1", output="c1", vendor_task="v1", operation="music")


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({}, "prompt"),
        ({"prompt": "a", "lyrics": "b"}, "lyrics"),
        ({"prompt": "x" * 501}, "prompt"),
        ({"lyrics": "x" * 3_001}, "lyrics"),
        ({"lyrics": "x" * 5_001, "options": {"suno_mv": "chirp-crow"}}, "lyrics"),
        ({"lyrics": "x", "style": "x" * 201, "options": {"suno_mv": "chirp-v4"}}, "style"),
        ({"lyrics": "x", "title": "x" * 81}, "title"),
        ({"lyrics": "x", "options": {"suno_mv": "chirp v4"}}, "suno_mv"),
        ({"lyrics": "x", "options": {"suno_mv": 4}}, "suno_mv"),
        ({"lyrics": "x", "options": {"suno_extra": []}}, "suno_extra"),
        ({"lyrics": "x", "options": {"suno_extra": {"cover_clip_id": "c"}}}, "cover_clip_id"),
        ({"lyrics": "x", "options": {"suno_extra": {"newer": {"id": "c"}}}}, "newer"),
        ({"lyrics": "x", "options": {"suno_continue_at": 3}}, "suno_continue_at"),
        ({"lyrics": "x", "options": {"suno_task": "extend"}}, "suno_task"),
        ({"parent": PARENT, "options": {"suno_task": "dance"}}, "suno_task"),
        ({"parent": PARENT, "options": {"suno_continue_at": True}}, "suno_continue_at"),
        ({"parent": PARENT, "options": {"suno_continue_at": 0}}, "suno_continue_at"),
        ({"parent": Parent(task="task_1")}, "parent"),
    ],
)
def test_what_suno_cannot_do(changes: dict[str, Any], param: str) -> None:
    check = PROVIDER.media["music"].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(MusicRequest(model="suno_music", **changes), "suno_music")
    assert caught.value.param == param
    assert param in caught.value.message


def test_what_suno_can_do() -> None:
    check = PROVIDER.media["music"].check
    assert check is not None
    for fields in (
        {"prompt": "x" * 500},
        {"lyrics": "x" * 5_000, "options": {"suno_mv": "chirp-v9"}},
        {"instrumental": True},
        {"parent": PARENT},
    ):
        check(MusicRequest(model="suno_music", **fields), "suno_music")


def test_lyrics_are_about_something() -> None:
    check = PROVIDER.media["music.lyrics"].check
    assert check is not None
    check(MusicRequest(model="suno_lyrics", prompt="x" * 2_000), "suno_lyrics")
    for prompt in (" ", "x" * 2_001):
        with pytest.raises(InvalidRequest, match="prompt"):
            check(MusicRequest(model="suno_lyrics", prompt=prompt), "suno_lyrics")


def test_every_model_has_a_price() -> None:
    served = {entry.model: entry.serves for entry in read_shipped_prices() if entry.provider == "suno"}
    assert served == {"suno_music": ("music",), "suno_lyrics": ("music.lyrics",)}


NAMES = st.sampled_from(["id", "status", "metadata", "duration", "audio_url", "text", "task_id", "fail_reason", "data"])
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["complete", "error", "success"])
ITEMS = PLAIN | st.dictionaries(NAMES, PLAIN | st.lists(st.dictionaries(NAMES, PLAIN, max_size=5), max_size=3), max_size=5)
VALUES = ITEMS | st.lists(ITEMS, max_size=3)


@given(
    st.integers(200, 599),
    st.binary(max_size=50) | st.fixed_dictionaries({"code": VALUES, "data": VALUES}, optional={"message": VALUES, "error": VALUES}),
)
def test_no_answer_breaks_a_parser(status: int, body: Any) -> None:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    for parse in (parse_submit, parse_poll, parse_poll_many):
        parse(status, data)

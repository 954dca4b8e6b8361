"""Bodies of Suno clients: every file of testdata/suno/decode, and what files cannot show."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest, TaskNotFound, UnsupportedMediaType
from modelgate.core.records import Task, TaskOutput
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import decode_request, encode_request
from modelgate.formats.suno import schema
from modelgate.formats.suno.request import check_parent, decode_ids, decode_lyrics, decode_music

FOLDER = Path(__file__).parents[3] / "testdata" / "suno" / "decode"
INPUTS = sorted(FOLDER.glob("*.input.json"))


def outcome_of(path: Path) -> dict[str, Any]:
    decode = decode_lyrics if path.name.startswith("lyrics") else decode_music
    try:
        ask = decode(MediaCall(body=path.read_bytes()))
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    assert decode_request(ask.operation, encode_request(ask.request)) == ask.request
    told = {"operation": ask.operation, "request": ask.request, "facts": msgspec.Raw(ask.facts), "callback_url": ask.callback_url}
    return dict(msgspec.json.decode(msgspec.json.encode(told)))


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_body_beside_outcome(path: Path) -> None:
    assert outcome_of(path) == msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("gpt_description_prompt", schema.MAX_DESCRIPTION_CHARACTERS),
        ("prompt", schema.MAX_PROMPT_CHARACTERS),
        ("title", schema.MAX_TITLE_CHARACTERS),
        ("tags", schema.MAX_TAGS_CHARACTERS),
        ("negative_tags", schema.MAX_TAGS_CHARACTERS),
        ("mv", schema.MAX_MV_CHARACTERS),
        ("continue_clip_id", schema.MAX_ID_CHARACTERS),
    ],
)
def test_a_field_may_be_so_long_and_no_longer(field: str, most: int) -> None:
    decode_music(MediaCall(body=msgspec.json.encode({"prompt": "la", field: "x" * most})))
    with pytest.raises(InvalidRequest, match=field) as caught:
        decode_music(MediaCall(body=msgspec.json.encode({"prompt": "la", field: "x" * (most + 1)})))
    assert caught.value.param == field


def test_ids() -> None:
    assert decode_ids(MediaCall(body=b'{"ids": ["a", "b"], "action": "MUSIC"}')) == ("a", "b")
    assert decode_ids(MediaCall(body=b"{}")) == decode_ids(MediaCall(body=b'{"ids": []}')) == ()
    for ids in ("a", [7], ["x" * 201], ["x"] * (schema.MAX_FETCHED + 1)):
        with pytest.raises(InvalidRequest) as caught:
            decode_ids(MediaCall(body=msgspec.json.encode({"ids": ids})))
        assert caught.value.param == "ids"


def continuation(**fields: Any) -> Ask:
    return decode_music(MediaCall(body=msgspec.json.encode({"prompt": "la", "task_id": "task_1", "continue_clip_id": "c1", **fields})))


def parent(*outputs: TaskOutput) -> Task:
    facts: dict[str, Any] = {"account": "acct_1", "key": "key_1", "book": "test", "family": "suno", "request": b"{}"}
    return Task(id="task_1", operation="music", model="suno_music", state="succeeded", outputs=outputs, **facts)


SONG = TaskOutput(kind="audio", vendor_id="c1", blob="b.mp3", duration_ms=30_000)


def test_a_clip_is_continued_inside_its_length() -> None:
    ask = continuation(continue_at=30)
    assert check_parent(ask, parent(SONG)) is ask
    with pytest.raises(InvalidRequest, match="ends at 30 seconds"):
        check_parent(continuation(continue_at=30.5), parent(SONG))
    with pytest.raises(InvalidRequest, match="failed"):
        check_parent(continuation(), parent(TaskOutput(kind="audio", vendor_id="c1")))


@pytest.mark.parametrize(
    "output", [TaskOutput(kind="audio", vendor_id="c2", blob="b.mp3"), TaskOutput(kind="image", vendor_id="c1", blob="b")]
)
def test_a_clip_of_another_task_is_absent(output: TaskOutput) -> None:
    with pytest.raises(TaskNotFound):
        check_parent(continuation(), parent(output))


def test_a_form_is_refused() -> None:
    with pytest.raises(UnsupportedMediaType):
        decode_music(MediaCall(body=b"--x\r\n", content_type="multipart/form-data; boundary=x"))


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=5), PLAIN, max_size=3)


@given(st.dictionaries(st.sampled_from([*schema.MusicBody.__struct_fields__, "ids", "other"]), VALUES, max_size=8) | st.binary(max_size=50))
def test_no_body_breaks_a_decoder(body: Any) -> None:
    data = body if isinstance(body, bytes) else msgspec.json.encode(body)
    for decode in (decode_music, decode_lyrics, decode_ids):
        with suppress(InvalidRequest):
            decode(MediaCall(body=data))

"""What clients send to begin something: every file of testdata/midjourney/decode, and what files cannot show."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.midjourney import children, request

FOLDER = Path(__file__).parents[3] / "testdata" / "midjourney" / "decode"
INPUTS = sorted(FOLDER.glob("*.input.json"))
DECODERS: dict[str, Callable[[MediaCall], Ask]] = {
    "imagine": request.decode_imagine,
    "blend": request.decode_blend,
    "describe": request.decode_describe,
    "shorten": request.decode_shorten,
    "edits": request.decode_edits,
    "upload": request.decode_upload,
    "swap": request.decode_swap,
    "video": request.decode_video,
    "change": children.decode_change,
    "simple": children.decode_simple_change,
    "action": children.decode_action,
    "modal": children.decode_modal,
}


def outcome_of(operation: str, body: bytes, *, alias: str = "") -> dict[str, Any]:
    try:
        ask = DECODERS[operation](MediaCall(body=body, alias=alias))
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    told: dict[str, Any] = {
        "operation": ask.operation,
        "request": msgspec.json.decode(msgspec.json.encode(ask.request)),
        "facts": msgspec.json.decode(ask.facts),
    }
    return told


def test_the_folder_of_cases_is_found() -> None:
    assert {path.name.partition("-")[0] for path in INPUTS} == set(DECODERS)


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.name.removesuffix(".input.json"))
def test_body_beside_outcome(path: Path) -> None:
    expected = msgspec.json.decode(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())

    assert outcome_of(path.name.partition("-")[0], path.read_bytes()) == expected


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b'"text"', b"null", b"[" * 100_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    for operation in DECODERS:
        assert outcome_of(operation, body)["error"]["code"] == "invalid_json"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x", "UPSCALE", "http://x", "data:,", "task_1 U2", "MJ::", 1.5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["modes", "remix", "x"]), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    [
        "prompt",
        "base64Array",
        "base64",
        "link",
        "image",
        "maskBase64",
        "taskId",
        "action",
        "index",
        "content",
        "customId",
        "state",
        "notifyHook",
        "botType",
        "accountFilter",
        "mode",
        "motion",
        "endImage",
        "loop",
        "batchSize",
        "videoType",
        "sourceBase64",
        "targetBase64",
        "dimensions",
        "language",
        "enableRemix",
        "chooseSameChannel",
        "ids",
    ]
)


@given(st.sampled_from(sorted(DECODERS)), st.dictionaries(FIELDS, VALUES, max_size=6))
def test_any_json_is_taken_or_refused(operation: str, fields: dict[str, Any]) -> None:
    outcome_of(operation, msgspec.json.encode(fields))


@given(VALUES)
def test_any_ids_are_taken_or_refused(ids: Any) -> None:
    try:
        told = request.decode_ids(MediaCall(body=msgspec.json.encode({"ids": ids})))
    except InvalidRequest:
        return
    assert all(isinstance(one, str) for one in told)

"""What Kling answers, by the files of testdata/kling."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.providers.kling import PROVIDER

IMAGE = PROVIDER.media["image"]


@pytest.mark.parametrize("path", inputs("kling", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)
    parse = IMAGE.parse_submit if path.name.startswith("submit") else IMAGE.parse_poll

    state = parse(answer["status"], body)

    assert told(state) == output_of(path)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"code": null}', b'{"code": 0, "data": []}', b'{"code": 0, "data": "x"}']
)
def test_a_garbled_answer_to_a_submit_is_ambiguous(body: bytes) -> None:
    state = IMAGE.parse_submit(200, body)
    assert (state.state, state.refused) == (None, False)
    assert IMAGE.parse_poll(200, body).state is None


@pytest.mark.parametrize(
    ("videos", "outputs"),
    [
        ([{"id": "x1", "url": "https://v.example/a.mp4", "duration": "5.1"}], [("https://v.example/a.mp4", "x1", 5100, {})]),
        (
            [{"id": "x1", "url": "https://v.example/a.mp4", "duration": 10, "watermark_url": "https://v.example/w.mp4"}],
            [("https://v.example/a.mp4", "x1", 10_000, {}), ("https://v.example/w.mp4", "", 10_000, {"watermark": True})],
        ),
        ([{"url": "https://v.example/a.mp4", "duration": "long"}], [("https://v.example/a.mp4", "", 0, {})]),
        ([{"url": "https://v.example/a.mp4", "duration": "-1"}], [("https://v.example/a.mp4", "", 0, {})]),
        ([{"id": "x1", "url": ""}], []),
    ],
)
def test_a_finished_video(videos: list[dict[str, Any]], outputs: list[Any]) -> None:
    data = {"task_id": "v1", "task_status": "succeed", "task_result": {"videos": videos}}
    state = PROVIDER.media["video"].parse_poll(200, msgspec.json.encode({"code": 0, "data": data}))  # type: ignore[misc]
    assert state.state == ("succeeded" if outputs else "failed")
    assert [(output.url, output.vendor_id, output.duration_ms, output.details) for output in state.outputs] == outputs
    assert all(output.kind == "video" for output in state.outputs)

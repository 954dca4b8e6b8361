"""Envelopes of the Suno dialect."""

from typing import Any

import msgspec
import pytest

from modelgate.core import errors
from modelgate.core.records import Task, TaskOutput, TaskState
from modelgate.formats.media.requests import MusicRequest, encode_request
from modelgate.formats.suno import schema
from modelgate.formats.suno.response import encode_error, encode_fetched, encode_fetched_many, encode_submitted

REQUEST = MusicRequest(model="suno_music", prompt="rain", title="Rain", style="waltz")
SONGS = (
    TaskOutput(
        kind="audio",
        url="https://suno/1",
        blob="b1",
        vendor_id="c1",
        duration_ms=24_500,
        details={"title": "One", "status": "complete", "tags": "pop", "prompt": "la", "model_name": "chirp-v4"},
    ),
    TaskOutput(kind="audio", vendor_id="c2", details={"error_message": "it broke"}),
    TaskOutput(kind="image", url="https://suno/i", blob="b2", details={"clip": "c1"}),
)


def task(**changes: Any) -> Task:
    facts: dict[str, Any] = {
        "id": "task_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "test",
        "family": "suno",
        "operation": "music",
        "model": "suno_music",
        "state": "queued",
        "request": encode_request(REQUEST),
        "created_at": 1747877033.505,
    }
    return Task(**{**facts, **changes})


def shown(task: Task, *urls: str) -> Any:
    body = msgspec.json.decode(encode_fetched(task, urls=urls, request_id="req_1"))
    assert (body["code"], body["message"]) == ("success", "")
    msgspec.convert(body, schema.FetchEnvelope)
    return body["data"]


def test_a_submit_is_answered_with_the_id_alone() -> None:
    body = encode_submitted(task(state="running"), urls=(), request_id="req_1")
    assert msgspec.json.decode(body) == {"code": "success", "message": "", "data": "task_1"}


@pytest.mark.parametrize(
    ("state", "word", "progress"),
    [
        ("queued", "NOT_START", "30%"),
        ("submitting", "SUBMITTED", "30%"),
        ("unknown", "SUBMITTED", "30%"),
        ("running", "IN_PROGRESS", "30%"),
        ("waiting_input", "IN_PROGRESS", "30%"),
        ("succeeded", "SUCCESS", "100%"),
        ("failed", "FAILURE", "100%"),
        ("canceled", "FAILURE", "100%"),
        ("expired", "FAILURE", "100%"),
    ],
)
def test_every_state_has_its_word(state: TaskState, word: str, progress: str) -> None:
    told = shown(task(state=state, progress=30, error_message="why"))
    assert (told["status"], told["progress"], told["data"]) == (word, progress, None)
    assert told["fail_reason"] == ("why" if word == "FAILURE" else "")


def test_finished_songs() -> None:
    done = task(state="succeeded", outputs=SONGS, submitted_at=1747877034.9, finished_at=1747877099.2, facts=b'{"notify_hook":"https://h"}')
    told = shown(done, "https://g/1", "", "https://g/i")
    assert (told["submit_time"], told["start_time"], told["finish_time"]) == (1747877033, 1747877034, 1747877099)
    assert (told["notify_hook"], told["action"]) == ("https://h", "MUSIC")
    first, second = told["data"]
    assert (first["id"], first["title"], first["status"], first["audio_url"]) == ("c1", "One", "complete", "https://g/1")
    assert first["image_url"] == first["image_large_url"] == "https://g/i"
    assert first["duration"] == first["metadata"]["duration"] == 24.5
    assert (first["tags"], first["prompt"], first["model_name"]) == ("pop", "la", "chirp-v4")
    assert (second["status"], second["audio_url"], second["image_url"], second["duration"]) == ("error", "", "", None)
    assert (second["title"], second["tags"], second["metadata"]["error_message"]) == ("Rain", "waltz", "it broke")
    assert second["created_at"] == "2025-05-22T01:23:53.505Z"


def test_a_song_is_heard_at_the_vendor_while_it_is_made_and_never_after() -> None:
    preview = (TaskOutput(kind="audio", url="https://suno/stream", vendor_id="c1", details={"status": "streaming"}),)
    (clip,) = shown(task(state="running", outputs=preview), "")["data"]
    assert (clip["status"], clip["audio_url"], clip["metadata"]["duration"]) == ("streaming", "https://suno/stream", None)
    assert shown(task(state="failed", outputs=preview), "")["data"] is None
    assert "suno/stream" not in str(shown(task(state="succeeded", outputs=preview), "")["data"])
    odd = (TaskOutput(kind="audio", vendor_id="c1", details={"status": 7}),)
    assert shown(task(state="running", outputs=odd), "")["data"][0]["status"] == "queued"


def test_lyrics() -> None:
    text = TaskOutput(kind="text", text="[Verse]\nla", vendor_id="l1", details={"title": "La"})
    lyrics = {"operation": "music.lyrics", "model": "suno_lyrics", "outputs": (text,)}
    told = shown(task(state="succeeded", **lyrics), "")
    assert (told["action"], told["data"]) == ("LYRICS", {"id": "l1", "title": "La", "text": "[Verse]\nla", "status": "complete"})
    assert shown(task(state="running", **lyrics), "")["data"] is None


def test_many_in_one_answer() -> None:
    body = msgspec.json.decode(encode_fetched_many([(task(), ()), (task(id="task_2"), ())], request_id="req_1"))
    assert [one["task_id"] for one in body["data"]] == ["task_1", "task_2"]
    assert msgspec.json.decode(encode_fetched_many([], request_id="req_1"))["data"] == []


def test_errors() -> None:
    status, body = encode_error(errors.TaskNotFound("No such clip in this task."), request_id="req_1")
    assert (status, msgspec.json.decode(body)["message"]) == (400, "task_not_exist")
    status, body = encode_error(errors.InvalidRequest("mv is 4", param="mv", code="invalid_value"), request_id="req_1")
    assert (status, msgspec.json.decode(body)) == (
        400,
        {
            "code": "invalid_request",
            "message": "mv is 4 (request id: req_1)",
            "data": None,
            "error": {"message": "mv is 4 (request id: req_1)", "type": "invalid_request_error", "code": "invalid_value", "param": "mv"},
        },
    )

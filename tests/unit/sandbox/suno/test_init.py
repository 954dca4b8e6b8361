from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox import suno
from modelgate.sandbox.count import Counter
from modelgate.sandbox.sound_files import read_sound
from modelgate.sandbox.suno import KEY as SUNO_SECRET
from modelgate.sandbox.suno import MAX_BODY_BYTES, SunoSandbox, clip_of, draw_cover, make_clip, show_clip
from modelgate.sandbox.suno.schema import (
    MAX_IDS,
    QUEUED_S,
    RELAY_DEADLINE_S,
    SLOW_TASK_S,
    STREAMING_S,
    SUBMITTED_S,
    WORKING_S,
    SunoOrder,
    SunoTask,
)

KEY = {"authorization": f"Bearer {SUNO_SECRET}"}
ORDER = SunoOrder(action="MUSIC", mv="chirp-auk", description="a waltz for the moon\nmagic: slow-task")
TASK = SunoTask(id="3f2a0000-1", order=ORDER, clips=("00000000-a", "0000004f-b"), created_at=100.0, working_s=WORKING_S)


class Vendor:
    """The make-believe relay with a clock of its own."""

    def __init__(self, recalled: Sequence[SunoTask] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[SunoTask] = []
        sandbox = SunoSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://sandbox:81")

    def remember(self, job: SunoTask) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=SunoTask))

    def submit(self, action: str = "MUSIC", *, status: int = 200, **fields: Any) -> Any:
        response = self.client.post(f"/suno/submit/{action}", json=fields, headers=KEY)
        assert response.status_code == status, response.text
        answer = response.json()
        assert set(answer) == {"code", "message", "data"}
        return answer["data"] if status == 200 else (answer["code"], answer["message"])

    def fetch(self, *ids: str) -> Any:
        return self.client.post("/suno/fetch", json={"ids": list(ids)}, headers=KEY).json()["data"]


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_song_goes_its_way(vendor: Vendor) -> None:
    task = vendor.submit(gpt_description_prompt="bright pop song about the weekend", mv="chirp-v4")
    seen = []
    for age in (0, SUBMITTED_S, QUEUED_S, STREAMING_S, WORKING_S):
        vendor.now = 1_790_000_000.0 + age
        (told,) = vendor.fetch(task)
        seen.append((told["status"], told["data"][0]["status"], told["progress"]))
    assert seen == [
        ("SUBMITTED", "submitted", "0%"),
        ("QUEUED", "queued", "0%"),
        ("IN_PROGRESS", "queued", "0%"),
        ("IN_PROGRESS", "streaming", "0%"),
        ("SUCCESS", "complete", "100%"),
    ]
    assert (told["task_id"], told["action"], told["fail_reason"]) == (task, "MUSIC", "")
    assert told["submit_time"] == 1_790_000_000
    first, second = told["data"]
    assert (first["model_name"], first["major_model_version"], first["metadata"]["type"]) == ("chirp-v4", "v4", "gen")
    assert "weekend" in (first["title"] + first["metadata"]["prompt"]).casefold()
    songs = [vendor.client.get(clip["audio_url"]) for clip in (first, second)]
    for song, clip in zip(songs, told["data"], strict=True):
        assert song.headers["content-type"] == "audio/mpeg"
        assert read_sound(song.content, "mp3").duration_s == pytest.approx(clip["metadata"]["duration"], abs=0.1)
    assert songs[0].content != songs[1].content
    for name in ("image_url", "image_large_url"):
        assert vendor.client.get(first[name]).content.startswith(b"\xff\xd8\xff")
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.status, entry.completion_tokens, entry.finished) == ("suno", "suno_music", 200, 2, True)


def test_a_song_can_be_heard_while_it_is_made(vendor: Vendor) -> None:
    task = vendor.submit(gpt_description_prompt="pop")
    vendor.now += STREAMING_S
    clip = vendor.fetch(task)[0]["data"][0]
    assert clip["audio_url"] == f"http://sandbox:81/suno/stream?item_id={clip['id']}"
    assert clip["metadata"]["duration"] is None
    assert read_sound(vendor.client.get(clip["audio_url"]).content, "mp3").duration_s > 20
    assert vendor.client.get(f"/suno/files/{clip['id']}.mp3").status_code == 404


def test_the_songs_say_what_was_asked(vendor: Vendor) -> None:
    custom = vendor.submit(prompt="[Verse]\nHello", title="City", tags="punk", negative_tags="flute", mv="chirp-crow")
    instrumental = vendor.submit(gpt_description_prompt="rain", make_instrumental=True)
    told, plain = vendor.fetch(custom, instrumental)
    clip = told["data"][1]
    assert (clip["title"], clip["metadata"]["prompt"], clip["metadata"]["tags"]) == ("City", "[Verse]\nHello", "punk")
    assert clip["metadata"]["negative_tags"] == "flute"
    assert plain["data"][0]["metadata"]["prompt"] == "[Instrumental]"


def test_lyrics_are_done_when_the_submit_is_answered(vendor: Vendor) -> None:
    task = vendor.submit("LYRICS", prompt="rain in Lisbon")
    vendor.now += 0.25
    (told,) = vendor.fetch(task)
    assert (told["status"], told["action"]) == ("SUCCESS", "LYRICS")
    assert told["data"]["id"] == task
    assert told["data"]["status"] == "complete"
    assert "[Chorus]" in told["data"]["text"]
    failed = vendor.submit("lyrics", prompt="rain\nmagic: fail-task")
    vendor.now += 0.25
    assert (vendor.fetch(failed)[0]["status"], vendor.fetch(failed)[0]["data"]) == ("FAILURE", None)


def test_a_single_fetch_answers_the_clips_alone(vendor: Vendor) -> None:
    task = vendor.submit(gpt_description_prompt="pop")
    answer = vendor.client.get(f"/suno/fetch/{task}", headers=KEY).json()
    assert (answer["code"], len(answer["data"])) == ("success", 2)
    unknown = vendor.client.get("/suno/fetch/other", headers=KEY)
    assert (unknown.status_code, unknown.json()["code"]) == (400, "task_not_exist")


def test_a_song_is_continued(vendor: Vendor) -> None:
    task = vendor.submit(gpt_description_prompt="pop")
    clip = vendor.fetch(task)[0]["data"][0]["id"]
    more = {"prompt": "[Verse 2]\nOn", "task": "extend", "task_id": task, "continue_clip_id": clip}
    assert "not complete" in vendor.submit(**more, continue_at=12.5, status=400)[1]
    vendor.now += WORKING_S
    continued = vendor.fetch(vendor.submit(**more, continue_at=12.5))[0]["data"][0]
    assert continued["metadata"]["audio_prompt_id"] == clip
    assert continued["metadata"]["history"] == [{"id": clip, "continue_at": 12.5, "type": "gen"}]
    assert "beyond" in vendor.submit(**more, continue_at=500, status=400)[1]
    assert "no such clip" in vendor.submit(**{**more, "task_id": "another"}, status=400)[1]
    assert "no such clip" in vendor.submit(**{**more, "continue_clip_id": "another"}, status=400)[1]


def test_magic_words(vendor: Vendor) -> None:
    failing, half, slow = (vendor.submit(gpt_description_prompt=f"pop\nmagic: {word}") for word in ("fail-task", "half-task", "slow-task"))
    vendor.now += WORKING_S
    told = {one["task_id"]: one for one in vendor.fetch(failing, half, slow)}
    assert (told[failing]["status"], told[failing]["fail_reason"]) == ("FAILURE", "The prompt asked for a failed task.")
    assert [clip["status"] for clip in told[failing]["data"]] == ["error", "error"]
    assert told[half]["status"] == told[slow]["status"] == "IN_PROGRESS"
    assert [clip["status"] for clip in told[half]["data"]] == ["complete", "error"]
    assert told[half]["data"][1]["metadata"]["error_message"]
    vendor.now += SLOW_TASK_S
    assert vendor.fetch(slow)[0]["status"] == "SUCCESS"
    vendor.now += RELAY_DEADLINE_S
    assert (vendor.fetch(half)[0]["status"], vendor.fetch(half)[0]["fail_reason"]) == ("FAILURE", "time out")


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("error-400", 400, "invalid_request"),
        ("error-401", 401, "unauthorized"),
        ("error-429", 429, "rate_limit_exceeded"),
        ("error-500", 500, "internal_error"),
        ("error-529", 503, "service_unavailable"),
        ("blocked-prompt", 400, "invalid_request"),
    ],
)
def test_provoked_errors(vendor: Vendor, word: str, status: int, code: str) -> None:
    assert vendor.submit(gpt_description_prompt=f"pop\nmagic: {word}", status=status)[0] == code
    assert vendor.counter.after(0)[0].status == status
    assert vendor.submit("LYRICS", prompt=f"pop\nmagic: {word}", status=status)[0] == code


def test_what_it_refuses(vendor: Vendor) -> None:
    assert vendor.submit("DANCE", status=400) == ("invalid_request", "invalid_action")
    for path in ("/suno/account", "/suno/fetch/x"):
        assert vendor.client.get(path).status_code == 401
    assert vendor.client.get("/suno/account", headers=KEY).json()["data"]["credits_left"] > 0
    assert vendor.client.get("/suno/elsewhere", headers=KEY).status_code == 404
    for content in (b"{", b"[]", b'{"ids": 3}', b'{"ids": [3]}', b'{"ids": [' + b'"x",' * MAX_IDS + b'"x"]}'):
        assert vendor.client.post("/suno/fetch", content=content, headers=KEY).status_code == 400
    assert vendor.client.post("/suno/fetch", content=bytes(MAX_BODY_BYTES + 1), headers=KEY).status_code == 413
    assert vendor.fetch("unknown") == vendor.fetch() == []
    for path in ("/suno/stream?item_id=x", "/suno/stream", "/suno/files/x.mp3", "/suno/files/image_x.jpeg"):
        assert vendor.client.get(path).status_code == 404


def test_there_are_so_many_jobs_at_once(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suno, "MAX_ACTIVE", 3)
    for _ in range(3):
        vendor.submit(gpt_description_prompt="pop")
    assert vendor.submit(gpt_description_prompt="pop", status=429)[0] == "rate_limit_exceeded"
    vendor.now += WORKING_S
    vendor.submit(gpt_description_prompt="pop")


def test_a_relay_that_is_started_again_knows_its_jobs(vendor: Vendor) -> None:
    task = vendor.submit(gpt_description_prompt="pop")
    again = Vendor(recalled=vendor.remembered)
    again.now += WORKING_S
    (told,) = again.fetch(task)
    assert told["status"] == "SUCCESS"
    assert again.client.get(told["data"][0]["audio_url"]).status_code == 200


def test_magic_lines_are_not_sung() -> None:
    clip = clip_of(TASK, 0, now=200.0)
    assert "moon" in (clip.title + clip.words).casefold()
    assert "magic" not in clip.words
    sung = msgspec.structs.replace(TASK, order=SunoOrder(prompt="[Verse]\nLa la", title="La"))
    assert clip_of(sung, 0, now=200.0).words == "[Verse]\nLa la"


def test_a_clip_is_described_and_made() -> None:
    first, second = (clip_of(TASK, index, now=200.0) for index in (0, 1))
    assert (first.duration_s, second.duration_s) == (24.0, 31.9)
    told = show_clip(first, base_url="http://sandbox/")
    assert (told.audio_url, told.video_url) == ("http://sandbox/suno/files/00000000-a.mp3", "")
    assert told.created_at == "1970-01-01T00:01:40.000Z"
    assert abs(read_sound(make_clip(second), "mp3").duration_s - 31.9) < 0.1
    assert draw_cover(first, large=False) != draw_cover(second, large=False)


def test_an_early_clip_has_no_addresses() -> None:
    told = show_clip(clip_of(TASK, 0, now=100.0), base_url="http://sandbox/")
    assert told.audio_url == told.image_url == told.image_large_url == ""

"""Suno's songs and lyrics through a running gateway, by plain HTTP: from words to a file, rule by rule, cent by cent."""

import http.client
import importlib
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, balance_usd, held_usd, prepaid, send

END_S = 120.0
"""Longest wait for the end of a task."""


class Suno:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation, key: str = "") -> None:
        self.url = installation.base_url + "/suno"
        self.key = key or installation.test_key

    def submit(self, action: str = "music", **fields: Any) -> Answer:
        return send(f"{self.url}/submit/{action}", key=self.key, body=fields, method="POST")

    def submitted(self, action: str = "music", **fields: Any) -> str:
        answer = self.submit(action, **fields)
        assert (answer.status, answer.body["code"], answer.body["message"]) == (200, "success", ""), answer
        assert isinstance(answer.body["data"], str)
        return str(answer.body["data"])

    def fetch(self, task_id: str) -> Answer:
        return send(f"{self.url}/fetch/{task_id}", key=self.key)

    def fetch_many(self, *ids: str) -> list[dict[str, Any]]:
        answer = send(f"{self.url}/fetch", key=self.key, body={"ids": ids, "action": "MUSIC"}, method="POST")
        assert answer.status == 200, answer
        return list(answer.body["data"])

    def ended(self, task_id: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            data = dict(self.fetch(task_id).body["data"])
            if data["status"] in ("SUCCESS", "FAILURE") or time.monotonic() > ends:
                return data
            time.sleep(0.1)

    def made(self, **fields: Any) -> dict[str, Any]:
        data = self.ended(self.submitted(**fields))
        assert data["status"] == "SUCCESS", data
        return data


@pytest.fixture
def suno(installation: Installation) -> Suno:
    return Suno(installation)


@pytest.fixture(scope="module")
def song(installation: Installation) -> dict[str, Any]:
    return Suno(installation).made(gpt_description_prompt="bright pop song about the weekend", mv="chirp-v4", make_instrumental=False)


def test_songs_from_a_description(song: dict[str, Any]) -> None:
    assert (song["action"], song["progress"], song["fail_reason"], song["notify_hook"]) == ("MUSIC", "100%", "", "")
    assert song["submit_time"] <= song["start_time"] <= song["finish_time"] <= time.time()
    first, second = song["data"]
    for clip in (first, second):
        assert (clip["status"], clip["model_name"], clip["major_model_version"]) == ("complete", "chirp-v4", "v4")
        assert clip["metadata"]["gpt_description_prompt"] == "bright pop song about the weekend"
        assert clip["prompt"] == clip["metadata"]["prompt"]
        assert "[Chorus]" in clip["prompt"]
        assert "/files/" in clip["audio_url"]
        assert (clip["user_id"], clip["display_name"], clip["handle"]) == ("", "", "")
        with importlib.import_module("av").open(io.BytesIO(send(clip["audio_url"]).content), format="mp3") as container:
            played_s = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
        assert played_s == pytest.approx(clip["metadata"]["duration"], abs=0.1)
        with Image.open(io.BytesIO(send(clip["image_url"]).content)) as image:
            assert (image.format, image.width) == ("JPEG", image.height)
    assert first["id"] != second["id"]
    assert first["audio_url"] != second["audio_url"]


def test_songs_from_words(suno: Suno) -> None:
    words = "[Verse]\nNeon on the avenue"
    data = suno.made(prompt=words, title="City Lights", tags="punk", negative_tags="flute", mv="chirp-crow", newer_field=1)
    clip = data["data"][0]
    assert (clip["title"], clip["prompt"], clip["tags"], clip["major_model_version"]) == ("City Lights", words, "punk", "v5")


def test_a_song_is_heard_while_it_is_made(suno: Suno) -> None:
    task = suno.submitted(gpt_description_prompt="a waltz\nmagic: slow-task")
    ends = time.monotonic() + END_S
    while True:
        told = suno.fetch(task).body["data"]
        if heard := [clip for clip in told["data"] or [] if clip["audio_url"]]:
            break
        assert time.monotonic() < ends
        time.sleep(0.2)
    assert heard[0]["status"] == "streaming"
    assert "item_id=" in heard[0]["audio_url"]
    assert told["status"] == "IN_PROGRESS"


def test_a_song_is_continued(suno: Suno, song: dict[str, Any]) -> None:
    clip = song["data"][1]
    more = {"prompt": "[Verse 2]\nOn and on", "tags": "pop", "mv": "chirp-v4", "task": "extend"}
    data = suno.made(**more, task_id=song["task_id"], continue_clip_id=clip["id"], continue_at=12.5)
    assert data["data"][0]["metadata"]["audio_prompt_id"] == clip["id"]
    found_by_clip = suno.made(**more, continue_clip_id=clip["id"])
    assert found_by_clip["data"][0]["metadata"]["audio_prompt_id"] == clip["id"]
    beyond = suno.submit(**more, task_id=song["task_id"], continue_clip_id=clip["id"], continue_at=500)
    assert (beyond.status, beyond.body["error"]["param"]) == (400, "continue_at")


def test_lyrics(suno: Suno) -> None:
    data = suno.ended(suno.submitted("lyrics", prompt="rain in Lisbon"))
    assert (data["status"], data["action"], data["data"]["status"]) == ("SUCCESS", "LYRICS", "complete")
    assert "rain" in data["data"]["text"]
    assert "[Chorus]" in data["data"]["text"]
    assert data["data"]["title"]


def test_the_relays_own_spelling_and_many_at_once(suno: Suno, song: dict[str, Any]) -> None:
    task = suno.submitted("MUSIC", gpt_description_prompt="pop")
    words = suno.submitted("LYRICS", prompt="pop")
    told = suno.fetch_many(task, "task_4fK2mQpX7cVbN1sLr8YwZd", song["task_id"], words)
    assert {one["task_id"] for one in told} == {task, song["task_id"], words}
    assert suno.fetch_many() == []
    answer = suno.submit("dance", prompt="x")
    assert (answer.status, answer.body["code"]) == (400, "invalid_request")
    assert answer.body["message"].startswith("invalid_action")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "gpt_description_prompt"),
        ({"prompt": "", "gpt_description_prompt": " "}, "gpt_description_prompt"),
        ({"tags": "pop"}, "gpt_description_prompt"),
        ({"gpt_description_prompt": 7}, "gpt_description_prompt"),
        ({"gpt_description_prompt": "x" * 501}, "gpt_description_prompt"),
        ({"prompt": "x" * 3_001, "mv": "chirp-v4"}, "prompt"),
        ({"prompt": "x" * 5_001, "mv": "chirp-auk"}, "prompt"),
        ({"prompt": "x", "tags": "x" * 201}, "tags"),
        ({"prompt": "x", "negative_tags": "x" * 201}, "negative_tags"),
        ({"prompt": "x", "title": "x" * 81}, "title"),
        ({"prompt": "x", "mv": "chirp v4"}, "mv"),
        ({"prompt": "x", "mv": 4}, "mv"),
        ({"prompt": "x", "make_instrumental": "yes"}, "make_instrumental"),
        ({"prompt": "x", "continue_at": 12}, "continue_at"),
        ({"prompt": "x", "continue_at": -1, "continue_clip_id": "c"}, "continue_at"),
        ({"prompt": "x", "task": "dance"}, "task"),
        ({"prompt": "x", "task": "extend"}, "task"),
        ({"prompt": "x", "task_id": "task_1"}, "continue_clip_id"),
        ({"prompt": "x", "notify_hook": "ftp://example.com"}, "notify_hook"),
        ({"prompt": "x", "notify_hook": "http://127.0.0.1:8080/hook"}, "notify_hook"),
        ({"prompt": "x", "cover_clip_id": "c"}, "cover_clip_id"),
    ],
)
def test_rules_of_the_fields(suno: Suno, fields: dict[str, Any], param: str) -> None:
    answer = suno.submit(**fields)
    assert answer.status == 400, answer
    assert (answer.body["code"], answer.body["data"], answer.body["error"]["param"]) == ("invalid_request", None, param)
    assert param in answer.body["message"]


def test_rules_of_lyrics(suno: Suno) -> None:
    for fields in ({}, {"prompt": ""}, {"prompt": " "}):
        assert suno.submit("lyrics", **fields).body["message"].startswith("prompt_empty")
    assert suno.submit("lyrics", prompt="x" * 2_001).body["error"]["param"] == "prompt"


def test_empty_fields_are_absent(suno: Suno) -> None:
    empty = dict.fromkeys(("prompt", "mv", "title", "tags", "negative_tags", "task_id", "continue_clip_id", "task", "notify_hook"), "")
    assert suno.made(gpt_description_prompt="pop", continue_at=0, **empty)["status"] == "SUCCESS"
    assert suno.made(prompt="", tags="waltz")["data"][0]["prompt"] == "[Instrumental]"


# Money.


def poor(installation: Installation, name: str) -> Suno:
    """Return a caller whose account has a dollar."""
    return Suno(installation, prepaid(installation, name, "1"))


def balance(installation: Installation, name: str) -> float:
    return float(balance_usd(installation, name))


def test_one_charge_covers_both_songs_and_a_failure_costs_nothing(installation: Installation) -> None:
    caller = poor(installation, "singer")
    failed = caller.submitted(gpt_description_prompt="pop\nmagic: fail-task")
    assert held_usd(installation, failed) == pytest.approx(0.1), "the price is set aside"
    data = caller.ended(failed)
    assert (data["status"], data["data"], data["progress"]) == ("FAILURE", None, "100%")
    assert data["fail_reason"]
    assert balance(installation, "singer") == pytest.approx(1.0)
    caller.made(gpt_description_prompt="pop")
    assert balance(installation, "singer") == pytest.approx(0.9)
    caller.ended(caller.submitted("lyrics", prompt="pop"))
    assert balance(installation, "singer") == pytest.approx(0.89)


def test_half_a_result_is_a_success_and_charged(installation: Installation) -> None:
    """The relay waits for the other clip until it gives up, although that one failed for good."""
    caller = poor(installation, "halved")
    data = caller.made(gpt_description_prompt="pop\nmagic: half-task")
    good, bad = data["data"]
    assert (good["status"], bad["status"], bad["audio_url"]) == ("complete", "error", "")
    assert bad["metadata"]["error_message"]
    assert balance(installation, "halved") == pytest.approx(0.9)
    refused = caller.submit(prompt="on", task_id=data["task_id"], continue_clip_id=bad["id"])
    assert (refused.status, refused.body["error"]["param"]) == (400, "continue_clip_id")


@pytest.mark.parametrize(("word", "status", "code"), [("error-400", 400, "invalid_request"), ("blocked-prompt", 400, "invalid_request")])
def test_a_refusal_comes_at_once(installation: Installation, word: str, status: int, code: str) -> None:
    caller = poor(installation, f"unsung-{word}")
    for action, field in (("music", "gpt_description_prompt"), ("lyrics", "prompt")):
        answer = caller.submit(action, **{field: f"pop\nmagic: {word}"})
        assert (answer.status, answer.body["code"]) == (status, code)
    assert balance(installation, f"unsung-{word}") == 1.0


@pytest.mark.parametrize("word", ["unknown-submit", "malformed-chunk", "error-500"])
def test_a_submit_without_an_answer_costs_nothing_and_is_not_sent_again(installation: Installation, word: str) -> None:
    """The relay cannot be asked about a job by our id: sending it again might be paid twice."""
    caller = poor(installation, f"lost-{word}")
    submits = songs_taken(installation)
    data = caller.ended(caller.submitted(gpt_description_prompt=f"pop\nmagic: {word}"))
    assert (data["status"], data["data"]) == ("FAILURE", None)
    assert balance(installation, f"lost-{word}") == 1.0
    assert songs_taken(installation) == submits + 1


def songs_taken(installation: Installation) -> int:
    """Return how many submits the make-believe relay has seen."""
    connection = http.client.HTTPConnection("sandbox", timeout=END_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(installation.data / "run" / "sandbox.sock"))
    connection.request("GET", "/sandbox/requests")
    entries = json.load(connection.getresponse())["requests"]
    connection.close()
    return sum(entry["vendor"] == "suno" for entry in entries)


def test_without_money_or_key(installation: Installation) -> None:
    installation.run("accounts", "create", "--name", "penniless")
    installation.run("accounts", "limit", "penniless", "prepaid", "--test")
    answer = Suno(installation, installation.key("--test", "--account", "penniless")).submit(gpt_description_prompt="pop")
    assert (answer.status, answer.body["code"]) == (403, "quota_not_enough")
    assert Suno(installation, "sk-test-wrong").submit(gpt_description_prompt="pop").status == 401


# Privacy.


def test_what_is_another_accounts_is_absent(installation: Installation, suno: Suno, song: dict[str, Any]) -> None:
    installation.run("accounts", "create", "--name", "deaf")
    stranger = Suno(installation, installation.key("--test", "--account", "deaf"))
    foreign, missing = stranger.fetch(song["task_id"]), stranger.fetch("task_4fK2mQpX7cVbN1sLr8YwZd")
    assert (foreign.status, foreign.body) == (missing.status, missing.body)
    assert (foreign.status, foreign.body["code"], foreign.body["message"]) == (400, "task_not_exist", "task_not_exist")
    assert stranger.fetch_many(song["task_id"]) == []
    clip = song["data"][0]["id"]
    for fields in ({"continue_clip_id": clip}, {"continue_clip_id": clip, "task_id": song["task_id"]}):
        answer = stranger.submit(prompt="on", **fields)
        assert (answer.status, answer.body["code"]) == (400, "task_not_exist")


def test_another_accounts_clip_is_not_had_beside_a_task_of_ones_own(installation: Installation, song: dict[str, Any]) -> None:
    """At the relay both accounts are one: it would go on from anybody's clip."""
    installation.run("accounts", "create", "--name", "thief")
    thief = Suno(installation, installation.key("--test", "--account", "thief"))
    own, clip = thief.made(gpt_description_prompt="pop")["task_id"], song["data"][0]["id"]
    answer = thief.submit(prompt="on", continue_clip_id=clip, task_id=own)
    assert (answer.status, answer.body["code"]) == (400, "task_not_exist")
    body = {"model": "suno_music", "input": {"lyrics": "on", "parent": {"task": own, "output": clip}}}
    assert send(f"{installation.base_url}/v1/tasks", key=thief.key, body=body, method="POST").status == 404


# The plain way.


def test_the_plain_way_makes_the_same_tasks(installation: Installation, suno: Suno) -> None:
    tasks = f"{installation.base_url}/v1/tasks"

    def started(**body: Any) -> str:
        answer = send(tasks, key=suno.key, body=body, method="POST")
        assert answer.status == 200, answer
        return str(answer.body["id"])

    quote = send(f"{tasks}/quote", key=suno.key, body={"model": "suno_music", "input": {"prompt": "a waltz"}}, method="POST")
    assert float(quote.body["amount_usd"]) == pytest.approx(0.1)
    task = started(model="suno_music", input={"lyrics": "[Verse]\nla", "title": "La", "style": "pop", "options": {"suno_mv": "chirp-v4"}})
    by_suno = suno.ended(task)
    assert (by_suno["status"], by_suno["data"][0]["title"], by_suno["data"][0]["model_name"]) == ("SUCCESS", "La", "chirp-v4")
    shown = send(f"{tasks}/{task}", key=suno.key).body
    assert [output["kind"] for output in shown["outputs"]] == ["audio", "audio", "image", "image"]
    more = started(model="suno_music", input={"lyrics": "on", "parent": {"output": by_suno["data"][0]["id"]}})
    lyrics = started(model="suno_lyrics", input={"prompt": "rain"})
    assert suno.ended(more)["data"][0]["metadata"]["audio_prompt_id"] == by_suno["data"][0]["id"]
    assert suno.ended(lyrics)["action"] == "LYRICS"
    for fields, param in (
        ({"prompt": "a", "lyrics": "b"}, "lyrics"),
        ({"prompt": "a", "seconds": 5}, "seconds"),
        ({"prompt": "a", "n": 3}, "n"),
    ):
        refused = send(tasks, key=suno.key, body={"model": "suno_music", "input": fields}, method="POST")
        assert (refused.status, refused.body["error"]["param"]) == (400, param), refused


class Receiver(BaseHTTPRequestHandler):
    """A caller's own server, which notes what it is told."""

    told: ClassVar[list[dict[str, Any]]] = []

    def do_POST(self) -> None:
        self.told.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_another_modelgate_can_be_the_upstream(tmp_path: Path, hook: str) -> None:
    """Live calls go to this family's own paths, and from there to the make-believe relay; the caller's hook stays here."""
    running = Installation(tmp_path / "data", "--drain-s", "2", "--webhook-origins", hook)
    try:
        running.run("upstreams", "add", "suno", "--base-url", f"{running.base_url}/suno", typed=running.test_key + "\n")
        key = running.key()
        running.followed("suno_music", "music", key)
        live = Suno(running, key)
        made = live.made(gpt_description_prompt="pop", mv="chirp-v4", notify_hook=hook)
        assert made["notify_hook"] == hook
        clip = made["data"][0]
        assert (clip["status"], clip["model_name"], bool(clip["image_url"])) == ("complete", "chirp-v4", True)
        assert send(clip["audio_url"]).content.startswith(b"ID3")
        more = live.made(prompt="on", continue_clip_id=clip["id"], task_id=made["task_id"], continue_at=3)
        assert more["data"][0]["metadata"]["audio_prompt_id"] == clip["id"]
        assert live.ended(live.submitted("lyrics", prompt="rain"))["data"]["title"]
        ends = time.monotonic() + END_S
        while not any(told["data"]["status"] == "SUCCESS" for told in Receiver.told) and time.monotonic() < ends:
            time.sleep(0.1)
        assert {told["data"]["task_id"] for told in Receiver.told} == {made["task_id"]}
        last = next(told["data"] for told in Receiver.told if told["data"]["status"] == "SUCCESS")
        assert [clip["id"] for clip in last["data"]] == [clip["id"] for clip in made["data"]]
        refused = live.submit(gpt_description_prompt="pop\nmagic: blocked-prompt")
        assert (refused.status, refused.body["error"]["code"]) == (400, "content_refused")
    finally:
        assert running.stop() == 0

"""Luma through a running gateway: the official client at Dream Machine's own paths, the family's paths, and what each task costs."""

import io
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import lumaai
import pytest
from lumaai import LumaAI
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Prepaid

from modelgate.sandbox.pictures import draw_picture

PICTURE = b64encode(draw_picture("a fox", ratio="16:9")).decode()
DATA_URI = f"data:image/png;base64,{PICTURE}"
SETTLED_S = 120.0


class Caller(Prepaid):
    """An account with the official client."""

    def __init__(self, installation: Installation, name: str, usd: str) -> None:
        super().__init__(installation, name, usd)
        base_url = f"{installation.base_url}/luma/dream-machine/v1"
        self.client = LumaAI(auth_token=self.key, base_url=base_url, max_retries=0, timeout=60)

    def __del__(self) -> None:
        self.client.close()  # left to the collector of cycles, its sockets may be told of as unclosed, in the middle of another test

    def ended(self, task_id: str) -> Any:
        """Return a generation as the official client sees it once it has ended."""
        until = time.monotonic() + SETTLED_S
        while time.monotonic() < until:
            made = self.client.generations.get(task_id)
            if made.state in ("completed", "failed"):
                return made
            time.sleep(0.4)
        raise AssertionError("the task does not end")


@pytest.fixture(scope="module")
def caller(installation: Installation) -> Iterator[Caller]:
    made = Caller(installation, "luma", "50")
    yield made
    made.client.close()


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


def video_at(url: str) -> tuple[int, int, float]:
    with av.open(io.BytesIO(fetched(url)), format="mov") as container:
        frames = list(container.decode(video=0))
        return frames[0].width, frames[0].height, len(frames) / 24


def test_the_official_client(installation: Installation) -> None:
    caller = Caller(installation, "luma-paid", "20")
    client = caller.client
    created = client.generations.create(
        model="ray-2",
        prompt="a fox",
        aspect_ratio="9:16",
        resolution="540p",
        duration="5s",
        loop=True,
        concepts=[{"key": "dolly_zoom"}],
        keyframes={"frame0": {"type": "image", "url": DATA_URI}},
    )
    assert (created.state, created.model) == ("queued", "ray-2")
    done = caller.ended(created.id or "")
    assert done.state == "completed", done
    assert done.assets.video.startswith(installation.base_url + "/files/")
    assert video_at(done.assets.video) == (540, 960, 5)
    assert caller.balance() == round(20 - 5 * 0.0796, 6)

    on = client.generations.video.create(
        model="ray-flash-2", prompt="on", resolution="540p", duration="9s", keyframes={"frame0": {"type": "generation", "id": done.id}}
    )
    larger = client.generations.upscale(id=done.id, resolution="720p")
    sounding = client.generations.audio(id=done.id, prompt="wind")
    picture = client.generations.image.create(
        model="photon-1", prompt="a fox", aspect_ratio="1:1", format="png", style_ref=[{"url": DATA_URI, "weight": 0.5}]
    )
    with ThreadPoolExecutor(4) as pool:
        ended = list(pool.map(caller.ended, [str(one.id) for one in (on, larger, sounding, picture)]))
    assert [one.state for one in ended] == ["completed"] * 4, ended
    assert [video_at(one.assets.video) for one in ended[:3]] == [(960, 540, 9), (720, 1280, 5), (540, 960, 5)]
    assert Image.open(io.BytesIO(fetched(ended[3].assets.image))).size == (1536, 1536)
    spent = 5 * 0.0796 + 9 * 0.0274 + 5 * 0.1416 + 5 * 0.02 + 0.015
    assert caller.balance() == round(20 - spent, 6)

    page = client.generations.list(limit=2, offset=1)
    assert ([one.id for one in page.generations], page.has_more) == ([sounding.id, larger.id], True)
    assert client.ping.check().message == "pong"
    assert "pov" in client.generations.concepts.list()


def test_the_familys_way(caller: Caller) -> None:
    before = caller.balance()
    body = {
        "user_prompt": "a fox",
        "expand_prompt": True,
        "loop": False,
        "image_url": PICTURE,
        "image_end_url": "",
        "aspect_ratio": "1:1",
        "model_name": "ray-v2",
        "resolution": "540p",
        "duration": "5s",
        "notify_hook": "",
    }
    status, submitted = caller.send("POST", "/luma/generations", body)
    assert (status, submitted["state"], submitted["prompt"], submitted["video"]) == (200, "pending", "a fox", None)
    caller.ended(submitted["id"])
    _, task = caller.send("GET", f"/luma/generations/{submitted['id']}")
    addresses = {task["video"]["url"], task["video"]["download_url"], task["video_raw"]["url"], task["assets"]["video"]}
    assert (task["state"], len(addresses)) == ("completed", 1)
    assert video_at(addresses.pop()) == (540, 540, 5)
    _, address = caller.send("GET", f"/luma/generations/{submitted['id']}/download_video_url")
    assert address["url"].startswith("http")

    status, extended = caller.send("POST", f"/pro/luma/generations/{submitted['id']}/extend", {"user_prompt": "on", "resolution": "540p"})
    assert (status, extended["request"]["model"]) == (200, "ray-2")
    assert caller.ended(extended["id"]).state == "completed"
    _, both = caller.send("POST", "/luma/tasks", {"ids": [extended["id"], "task_nothing", submitted["id"]]})
    assert [one["id"] for one in both] == [extended["id"], submitted["id"]]
    assert caller.balance() == round(before - 10 * 0.0796, 6)


def test_the_newer_vendor_serves_ray_3(caller: Caller) -> None:
    before = caller.balance()
    body = {"user_prompt": "a fox", "model_name": "ray-v3", "image_url": DATA_URI, "aspect_ratio": "3:4", "resolution": "540p"}
    status, submitted = caller.send("POST", "/luma/generations/", body)
    assert (status, submitted["request"]["model"]) == (200, "ray-3.2")
    done = caller.ended(submitted["id"])
    assert video_at(done.assets.video) == (540, 720, 5)
    status, extended = caller.send("POST", f"/luma/generations/{submitted['id']}/extend", {"user_prompt": "on", "duration": "10s"})
    assert status == 200, extended
    assert caller.ended(extended["id"]).state == "completed"
    assert caller.balance() == round(before - 0.15 - 0.90, 6)


FAMILY, DREAM = "/luma/generations", "/luma/dream-machine/v1/generations"


@pytest.mark.parametrize(
    ("path", "fields", "param", "said"),
    [
        (FAMILY, {"user_prompt": ""}, "user_prompt", "required"),
        (FAMILY, {"aspect_ratio": "5:4"}, "aspect_ratio", "16:9"),
        (FAMILY, {"resolution": "8k"}, "resolution", "1080p"),
        (FAMILY, {"resolution": "360p"}, "resolution", "540p"),
        (FAMILY, {"duration": "7s"}, "duration", "9s"),
        (FAMILY, {"duration": "10s"}, "duration", "makes 5, 9"),
        (FAMILY, {"duration": "9s", "model_name": "ray-v3"}, "duration", "makes 5, 10"),
        (FAMILY, {"aspect_ratio": "9:21", "model_name": "ray-v3"}, "aspect_ratio", "21:9"),
        (FAMILY, {"image_url": PICTURE, "duration": "10s", "model_name": "ray-v3"}, "duration", "from a picture"),
        (FAMILY, {"loop": "yes"}, "loop", "true or false"),
        (FAMILY, {"image_url": "data:image/png;base64,AAAA"}, "image_url", "PNG"),
        (FAMILY, {"image_end_url": True}, "image_end_url", "string"),
        (DREAM, {}, "model", "required"),
        (DREAM, {"model": "ray-2", "prompt": ""}, "prompt", "required"),
        (DREAM, {"model": "ray-2", "keyframes": {"frame2": {}}}, "keyframes.frame2", "frame0"),
        (DREAM, {"model": "ray-2", "keyframes": {"frame0": {"type": "generation"}}}, "keyframes.frame0", "id"),
        (DREAM, {"model": "ray-2", "concepts": [{"key": "somersault"}]}, "concepts[0].key", "dolly_zoom"),
        (DREAM, {"model": "ray-3.2", "concepts": [{"key": "pov"}]}, "concepts", "not understood"),
        (f"{DREAM}/image", {"model": "photon-1", "sync": True}, "sync", "background"),
        (f"{DREAM}/image", {"model": "photon-1", "image_ref": [{"url": DATA_URI, "weight": 2}]}, "image_ref[0].weight", "0 to 1"),
        (f"{DREAM}/image", {"model": "photon-1", "format": "webp"}, "format", "jpg, png"),
    ],
)
def test_refused_before_any_money(caller: Caller, path: str, fields: dict[str, Any], param: str, said: str) -> None:
    status, answer = caller.send("POST", path, {"user_prompt": "a fox", "prompt": "a fox" if path != FAMILY else "", **fields})
    assert (status, answer["error"]["param"]) == (400, param), answer
    assert said in answer["error"]["message"]
    assert answer["detail"] == answer["error"]["message"]


def test_failures_cost_nothing_and_say_why(installation: Installation) -> None:
    caller = Caller(installation, "luma-unmade", "5")
    made = [caller.client.generations.create(model="ray-2", prompt=f"a fox\nmagic: {word}") for word in ("fail-task", "blocked-answer")]
    assert all(caller.ended(one.id or "").failure_reason for one in made)
    with pytest.raises(lumaai.BadRequestError):
        caller.client.generations.create(model="ray-2", prompt="a fox\nmagic: error-400")
    with pytest.raises(lumaai.InternalServerError):
        caller.client.generations.create(model="ray-2", prompt="a fox\nmagic: error-401")
    slow = caller.client.generations.create(model="ray-2", prompt="a fox\nmagic: slow-task")
    with pytest.raises(lumaai.BadRequestError, match="succeeded"):
        caller.client.generations.upscale(id=slow.id or "", resolution="1080p")
    caller.client.generations.delete(slow.id or "")
    assert caller.client.generations.get(slow.id or "").state == "failed"
    assert caller.balance() == 5.0


def test_tasks_of_others_are_not_there(installation: Installation, caller: Caller) -> None:
    other = Caller(installation, "luma-other", "5")
    theirs = other.client.generations.image.create(model="photon-flash-1", prompt="a fox")
    assert theirs.id is not None
    other.ended(theirs.id)
    with pytest.raises(lumaai.NotFoundError):
        caller.client.generations.get(theirs.id)
    with pytest.raises(lumaai.NotFoundError):
        caller.client.generations.upscale(id=theirs.id, resolution="1080p")
    with pytest.raises(lumaai.NotFoundError):
        caller.client.generations.create(model="ray-2", keyframes={"frame0": {"type": "generation", "id": theirs.id}})
    assert caller.send("POST", "/luma/tasks", {"ids": [theirs.id]}) == (200, [])
    assert caller.send("POST", f"/luma/generations/{theirs.id}/extend", {"user_prompt": "on"})[0] == 404
    assert theirs.id not in [one.id for one in caller.client.generations.list(limit=100).generations]
    with pytest.raises(lumaai.BadRequestError, match="no video"):
        other.client.generations.upscale(id=theirs.id, resolution="1080p")
    with pytest.raises(lumaai.AuthenticationError):
        caller.client.with_options(auth_token="sk-test-nothing").ping.check()

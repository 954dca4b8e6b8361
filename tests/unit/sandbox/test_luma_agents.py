"""The make-believe Luma Agents API."""

import io
from base64 import b64encode
from typing import Any

import av
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.luma import KEY as LUMA_SECRET
from modelgate.sandbox.luma import LumaRefused
from modelgate.sandbox.luma_agents import (
    FILE_LIFETIME_S,
    PREFIX,
    PROCESSING_S,
    QUEUED_S,
    VERSION,
    LumaAgentsSandbox,
    check_agents_key,
    check_agents_order,
)
from modelgate.sandbox.luma_agents import KEY as LUMA_AGENTS_SECRET
from modelgate.sandbox.pictures import draw_picture

URL = {"url": "https://example.com/fox.png"}


DATA = {"data": b64encode(draw_picture("a fox", ratio="1:1")).decode(), "media_type": "image/png"}


def check(**fields: Any) -> Any:
    return check_agents_order({"model": "ray-3.2", "type": "video", "prompt": "a fox", **fields})


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"video": {"start_frame": DATA, "end_frame": URL}},
        {"video": {"keyframes": [URL, DATA], "keyframe_indexes": [0, 240], "duration": "10s"}},
        {"video": {"loop": True, "hdr": False}},
        {"type": "video_edit", "source": {"generation_id": "one"}},
        {"model": "uni-1", "type": "image", "image_ref": [URL, {"file_id": "one"}], "user_id": "hash"},
    ],
)
def test_what_is_taken(fields: dict[str, Any]) -> None:
    check(**fields)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"size": "1:1"}, "size"),
        ({"type": "song"}, "type"),
        ({"model": "uni-1"}, "model"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 6001}, "prompt"),
        ({"aspect_ratio": "9:21"}, "aspect_ratio"),
        ({"user_id": 7}, "user_id"),
        ({"type": "video_reframe"}, "source"),
        ({"image_ref": [{}]}, "image_ref.0"),
        ({"model": "uni-1", "type": "image", "video": {}}, "video"),
        ({"video": {"size": 1}}, "video.size"),
        ({"video": {"resolution": "4k"}}, "video.resolution"),
        ({"video": {"duration": "9s"}}, "video.duration"),
        ({"video": {"start_frame": URL, "duration": "10s"}}, "video.duration"),
        ({"video": {"loop": True, "duration": "10s"}}, "video.loop"),
        ({"video": {"loop": True, "end_frame": URL}}, "video.loop"),
        ({"video": {"hdr": 1}}, "video.hdr"),
        ({"video": {"start_frame": {"url": "http://example.com/fox.png"}}}, "video.start_frame.url"),
        ({"video": {"start_frame": {**DATA, "data": "AAAA"}}}, "video.start_frame.data"),
        ({"video": {"start_frame": {**DATA, "media_type": "image/gif"}}}, "video.start_frame.media_type"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": [0], "start_frame": URL}}, "video.keyframes"),
        ({"video": {"keyframes": [URL] * 65, "keyframe_indexes": [0] * 65}}, "video.keyframes"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": []}}, "video.keyframe_indexes"),
        ({"video": {"keyframes": [URL], "keyframe_indexes": [121]}}, "video.keyframe_indexes"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], field: str) -> None:
    with pytest.raises(LumaRefused) as caught:
        check(**fields)
    assert (caught.value.status, caught.value.detail.partition(":")[0]) == (400, field)


def test_the_key() -> None:
    check_agents_key(f"Bearer {LUMA_AGENTS_SECRET}")
    with pytest.raises(LumaRefused):
        check_agents_key(f"Bearer {LUMA_SECRET}")


HEADERS = {"authorization": f"Bearer {LUMA_AGENTS_SECRET}"}


DONE_S = QUEUED_S + PROCESSING_S + 0.01


class Vendor:
    """The make-believe Agents API with a clock of its own."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        agents = LumaAgentsSandbox(counter=self.counter, clock=lambda: self.now)
        self.client = TestClient(Starlette(routes=list(agents.routes())), base_url="http://sandbox:81")

    def submit(self, *, status: int = 201, **fields: Any) -> Any:
        body = {"model": "ray-3.2", "type": "video", "prompt": "a fox", **fields}
        response = self.client.post(f"{PREFIX}/generations", json=body, headers=HEADERS)
        assert (response.status_code, response.headers["x-api-version"]) == (status, VERSION)
        return response.json()

    def fetch(self, made: str) -> Any:
        return self.client.get(f"{PREFIX}/generations/{made}", headers=HEADERS).json()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_generation_goes_its_way(vendor: Vendor) -> None:
    submitted = vendor.submit(aspect_ratio="3:4", video={"resolution": "360p", "duration": "10s"})
    assert (submitted["state"], submitted["output"], submitted["type"]) == ("queued", [], "video")
    vendor.now += QUEUED_S + 0.01
    assert vendor.fetch(submitted["id"])["state"] == "processing"
    vendor.now += PROCESSING_S
    (output,) = vendor.fetch(submitted["id"])["output"]
    with av.open(io.BytesIO(vendor.client.get(output["url"]).content), format="mov") as container:
        frames = list(container.decode(video=0))
        assert (frames[0].width, frames[0].height, len(frames)) == (360, 480, 240)
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.completion_tokens, entry.status, entry.finished) == ("luma_agents", 10, 201, True)


def test_an_address_is_good_for_an_hour(vendor: Vendor) -> None:
    made = vendor.submit(model="uni-1", type="image", aspect_ratio="1:1")["id"]
    vendor.now += DONE_S
    (output,) = vendor.fetch(made)["output"]
    assert Image.open(io.BytesIO(vendor.client.get(output["url"]).content)).size == (1536, 1536)
    vendor.now += FILE_LIFETIME_S + 1
    assert vendor.client.get(output["url"]).status_code == 403
    assert vendor.client.get(vendor.fetch(made)["output"][0]["url"]).status_code == 200


@pytest.mark.parametrize(("word", "code"), [("fail-task", "generation_failed"), ("blocked-prompt", "content_moderated")])
def test_magic_failures(vendor: Vendor, word: str, code: str) -> None:
    made = vendor.submit(prompt=f"a fox\nmagic: {word}")["id"]
    vendor.now += DONE_S
    failed = vendor.fetch(made)
    assert (failed["state"], failed["failure_code"], failed["output"]) == ("failed", code, [])


def test_a_video_goes_on_from_a_finished_one_only(vendor: Vendor) -> None:
    made = vendor.submit()["id"]
    video = {"start_frame": {"generation_id": made}}
    assert "not a completed generation" in vendor.submit(video=video, status=400)["detail"]
    vendor.now += DONE_S
    vendor.submit(video=video)


def test_refusals(vendor: Vendor) -> None:
    assert vendor.submit(status=429, prompt="magic: error-429") == {"detail": "Rate limit exceeded"}
    assert vendor.fetch("nothing") == {"detail": "Generation not found"}
    assert vendor.client.get(PREFIX + "/generations/x").status_code == 401
    assert vendor.client.get("/luma-agents/v2", headers=HEADERS).status_code == 404

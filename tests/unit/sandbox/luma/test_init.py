import io
from collections.abc import Sequence
from typing import Any

import av
import msgspec
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.luma import DREAMING_S, PREFIX, QUEUED_S, SLOW_TASK_S, LumaGeneration, LumaSandbox
from modelgate.sandbox.luma import KEY as LUMA_SECRET
from modelgate.sandbox.luma.schema import CONCEPTS

HEADERS = {"authorization": f"Bearer {LUMA_SECRET}", "x-request-id": "req_7"}
DONE_S = QUEUED_S + DREAMING_S + 0.01


class Vendor:
    """The make-believe Luma with a clock of its own."""

    def __init__(self, recalled: Sequence[LumaGeneration] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[LumaGeneration] = []
        luma = LumaSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(luma.routes())), base_url="http://sandbox:81")

    def remember(self, job: LumaGeneration) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=LumaGeneration))

    def submit(self, path: str = "/video", *, status: int = 201, **fields: Any) -> Any:
        body = {"model": "ray-2", "prompt": "a fox", **fields}
        response = self.client.post(f"{PREFIX}/generations{path}", json=body, headers=HEADERS)
        assert response.status_code == status, response.text
        return response.json()

    def fetch(self, made: str, *, status: int = 200) -> Any:
        response = self.client.get(f"{PREFIX}/generations/{made}", headers=HEADERS)
        assert response.status_code == status
        return response.json()

    def size_of(self, made: str) -> tuple[int, int, float, bool]:
        video = self.client.get(self.fetch(made)["assets"]["video"])
        assert video.headers["content-type"] == "video/mp4"
        with av.open(io.BytesIO(video.content), format="mov") as container:
            frames = list(container.decode(video=0))
            return frames[0].width, frames[0].height, len(frames) / 24, bool(container.streams.audio)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.mark.parametrize("path", ["", "/video"])
def test_a_generation_goes_its_way(vendor: Vendor, path: str) -> None:
    submitted = vendor.submit(path, resolution="540p", aspect_ratio="9:16")
    assert (submitted["state"], submitted["assets"], submitted["created_at"]) == ("queued", None, "2026-09-21T14:13:20Z")
    assert submitted["request"] == {
        "model": "ray-2",
        "prompt": "a fox",
        "resolution": "540p",
        "aspect_ratio": "9:16",
        "generation_type": "video",
    }
    vendor.now += QUEUED_S + 0.01
    assert vendor.fetch(submitted["id"])["state"] == "dreaming"
    vendor.now += DREAMING_S
    assert vendor.fetch(submitted["id"])["state"] == "completed"
    assert vendor.size_of(submitted["id"]) == (540, 960, 5, False)
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.request_id, entry.model, entry.completion_tokens, entry.status) == ("luma", "req_7", "ray-2", 5, 201)


def test_a_picture(vendor: Vendor) -> None:
    made = vendor.submit("/image", model="photon-1", aspect_ratio="3:4", format="png")["id"]
    vendor.now += DONE_S
    shown = vendor.fetch(made)
    assert (shown["generation_type"], shown["assets"]["video"]) == ("image", None)
    assert Image.open(io.BytesIO(vendor.client.get(shown["assets"]["image"]).content)).size == (1152, 1536)


def test_a_video_is_extended_enlarged_and_given_sound(vendor: Vendor) -> None:
    parent = vendor.submit(resolution="540p")["id"]
    extended = {"frame0": {"type": "generation", "id": parent}}
    assert "not a completed video" in vendor.submit(keyframes=extended, status=400)["detail"]
    assert "completed" in vendor.submit(f"/{parent}/upscale", status=400)["detail"]
    vendor.now += DONE_S
    vendor.submit(keyframes=extended)
    larger = vendor.submit(f"/{parent}/upscale", resolution="720p", status=200)["id"]
    sounding = vendor.submit(f"/{parent}/audio", prompt="wind", status=200)["id"]
    vendor.now += DONE_S
    assert "larger" in vendor.submit(f"/{larger}/upscale", resolution="540p", status=400)["detail"]
    assert vendor.size_of(larger) == (1280, 720, 5, False)
    assert vendor.size_of(sounding)[3]


def test_pages_and_deletion(vendor: Vendor) -> None:
    first, second, third = (vendor.submit()["id"] for _ in range(3))
    assert vendor.client.delete(f"{PREFIX}/generations/{second}", headers=HEADERS).status_code == 204
    vendor.fetch(second, status=404)
    page = vendor.client.get(f"{PREFIX}/generations", params={"limit": 1}, headers=HEADERS).json()
    assert ([each["id"] for each in page["generations"]], page["has_more"], page["count"]) == ([third], True, 2)
    page = vendor.client.get(f"{PREFIX}/generations", params={"limit": 1, "offset": 1}, headers=HEADERS).json()
    assert ([each["id"] for each in page["generations"]], page["has_more"]) == ([first], False)
    assert vendor.client.get(f"{PREFIX}/generations?limit=101", headers=HEADERS).status_code == 400
    again = Vendor(recalled=vendor.remembered)
    again.fetch(second, status=404)
    again.fetch(first)


@pytest.mark.parametrize("word", ["fail-task", "blocked-prompt", "blocked-answer"])
def test_magic_failures(vendor: Vendor, word: str) -> None:
    made = vendor.submit(prompt=f"a fox\nmagic: {word}")["id"]
    vendor.now += DONE_S
    failed = vendor.fetch(made)
    assert (failed["state"], failed["assets"], bool(failed["failure_reason"])) == ("failed", None, True)


@pytest.mark.parametrize(("word", "status"), [("400", 400), ("401", 401), ("429", 429), ("500", 500), ("529", 503)])
def test_magic_errors(vendor: Vendor, word: str, status: int) -> None:
    assert set(vendor.submit(status=status, prompt=f"magic: error-{word}")) == {"detail"}
    assert [entry.status for entry in vendor.counter.after(0)] == [status]


def test_a_slow_generation(vendor: Vendor) -> None:
    made = vendor.submit(model="sandbox-slow-task")["id"]
    vendor.now += DONE_S
    assert vendor.fetch(made)["state"] == "dreaming"
    vendor.now += SLOW_TASK_S
    assert vendor.fetch(made)["state"] == "completed"


def test_the_small_endpoints(vendor: Vendor) -> None:
    def read(path: str) -> Any:
        return vendor.client.get(PREFIX + path, headers=HEADERS).json()

    assert (read("/ping"), read("/credits")) == ({"message": "pong"}, {"credit_balance": 100000.0})
    assert read("/generations/concepts/list") == list(CONCEPTS)
    assert read("/nothing") == {"detail": "Not Found"}
    assert vendor.client.get(PREFIX + "/ping", headers={"authorization": "Bearer luma-other"}).status_code == 401

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
from modelgate.sandbox.runway import KEY as RUNWAY_SECRET
from modelgate.sandbox.runway import MAX_CONCURRENT, PENDING_S, RUNNING_S, SLOW_TASK_S, VERSION, RunwaySandbox, RunwayTask

HEADERS = {"authorization": f"Bearer {RUNWAY_SECRET}", "x-runway-version": VERSION, "x-request-id": "req_7"}
TEXT = {"model": "gen4.5", "promptText": "a fox", "ratio": "720:1280", "duration": 2}
DONE_S = PENDING_S + RUNNING_S + 0.01


class Vendor:
    """The make-believe Runway with a clock of its own."""

    def __init__(self, recalled: Sequence[RunwayTask] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[RunwayTask] = []
        runway = RunwaySandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(runway.routes())), base_url="http://sandbox:81")

    def remember(self, job: RunwayTask) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=RunwayTask))

    def submit(self, endpoint: str = "text_to_video", *, status: int = 200, **fields: Any) -> Any:
        body = {**(TEXT if endpoint == "text_to_video" else {}), **fields}
        response = self.client.post(f"/runway/v1/{endpoint}", json=body, headers=HEADERS)
        assert response.status_code == status, response.text
        return response.json()

    def fetch(self, task_id: str, *, status: int = 200) -> Any:
        response = self.client.get(f"/runway/v1/tasks/{task_id}", headers=HEADERS)
        assert response.status_code == status
        return response.json()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_task_goes_its_way(vendor: Vendor) -> None:
    task_id = vendor.submit()["id"]
    pending = vendor.fetch(task_id)
    assert (pending["status"], pending["createdAt"], pending["estimatedCost"]) == ("PENDING", "2026-09-21T14:13:20.000Z", {"credits": 24})
    vendor.now += PENDING_S + RUNNING_S / 2
    assert (vendor.fetch(task_id)["status"], vendor.fetch(task_id)["progress"]) == ("RUNNING", 0.5)
    vendor.now += RUNNING_S
    (url,) = vendor.fetch(task_id)["output"]
    video = vendor.client.get(url)
    assert (url.startswith("http://sandbox:81/runway/files/"), video.headers["content-type"]) == (True, "video/mp4")
    with av.open(io.BytesIO(video.content), format="mov") as container:
        frames = [frame for frame in container.decode(video=0)]
        assert (frames[0].width, frames[0].height, len(frames)) == (720, 1280, 48)
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.request_id, entry.model, entry.completion_tokens, entry.status) == ("runway", "req_7", "gen4.5", 2, 200)


def test_a_picture_has_the_pixels_of_its_ratio(vendor: Vendor) -> None:
    task_id = vendor.submit("text_to_image", model="gen4_image", promptText="a fox", ratio="960:720")["id"]
    vendor.now += DONE_S
    (url,) = vendor.fetch(task_id)["output"]
    assert Image.open(io.BytesIO(vendor.client.get(url).content)).size == (960, 720)


@pytest.mark.parametrize(
    ("word", "code"),
    [("fail-task", "INTERNAL.BAD_OUTPUT.CODE01"), ("blocked-prompt", "SAFETY.INPUT.TEXT"), ("blocked-answer", "SAFETY.OUTPUT.VIDEO")],
)
def test_magic_failures(vendor: Vendor, word: str, code: str) -> None:
    task_id = vendor.submit(promptText=f"a fox\nmagic: {word}")["id"]
    vendor.now += DONE_S
    failed = vendor.fetch(task_id)
    assert (failed["status"], failed["failureCode"], bool(failed["failure"])) == ("FAILED", code, True)
    assert failed["cost"] == {"credits": 24 if code.startswith("SAFETY") else 0}


@pytest.mark.parametrize(("word", "status"), [("400", 400), ("401", 401), ("429", 429), ("500", 500), ("529", 503)])
def test_magic_errors(vendor: Vendor, word: str, status: int) -> None:
    assert isinstance(vendor.submit(status=status, promptText=f"magic: error-{word}")["error"], str)
    assert [entry.status for entry in vendor.counter.after(0)] == [status]


def test_a_slow_task_and_magic_as_a_model(vendor: Vendor) -> None:
    task_id = vendor.submit(model="sandbox-slow-task")["id"]
    vendor.now += DONE_S
    assert vendor.fetch(task_id)["status"] == "RUNNING"
    vendor.now += SLOW_TASK_S
    assert vendor.fetch(task_id)["status"] == "SUCCEEDED"


def test_beyond_the_concurrency_limit_tasks_wait_throttled(vendor: Vendor) -> None:
    for _ in range(MAX_CONCURRENT):
        vendor.submit()
    waiting = vendor.submit()["id"]
    other = vendor.submit(model="veo3.1", duration=4)["id"]
    assert (vendor.fetch(waiting)["status"], vendor.fetch(other)["status"]) == ("THROTTLED", "PENDING")
    vendor.now += DONE_S
    assert vendor.fetch(waiting)["status"] == "PENDING"


def test_cancel_ends_a_live_task_and_deletes_a_finished_one(vendor: Vendor) -> None:
    live, finished = vendor.submit()["id"], vendor.submit()["id"]
    assert vendor.client.delete(f"/runway/v1/tasks/{live}", headers=HEADERS).status_code == 204
    assert vendor.fetch(live)["status"] == "CANCELLED"
    vendor.now += DONE_S
    (url,) = vendor.fetch(finished)["output"]
    assert vendor.client.delete(f"/runway/v1/tasks/{finished}", headers=HEADERS).status_code == 204
    assert vendor.fetch(finished, status=404)["error"] == "Task not found"
    assert vendor.client.get(url).status_code == 404
    again = Vendor(recalled=vendor.remembered)
    assert again.fetch(live)["status"] == "CANCELLED"
    again.fetch(finished, status=404)


def test_the_key_comes_before_the_version(vendor: Vendor) -> None:
    def told(headers: dict[str, str]) -> tuple[int, str]:
        response = vendor.client.get("/runway/v1/tasks/x", headers=headers)
        return response.status_code, response.json()["error"]

    assert told({})[0] == 401
    assert told({**HEADERS, "authorization": "Bearer key_other"})[0] == 401
    assert told({"authorization": HEADERS["authorization"]}) == (
        400,
        f"Validation of body failed: X-Runway-Version: The X-Runway-Version header must be {VERSION}",
    )
    assert told(HEADERS) == (404, "Task not found")


@pytest.mark.parametrize(
    ("method", "place", "status"),
    [("GET", "image_to_video", 405), ("PUT", "tasks/x", 405), ("POST", "organization", 405), ("POST", "video_upscales", 404)],
)
def test_another_method_is_not_another_place(vendor: Vendor, method: str, place: str, status: int) -> None:
    """It was 404, as if there were nothing."""
    assert vendor.client.request(method, f"/runway/v1/{place}", headers=HEADERS).status_code == status


def test_an_error_names_the_field(vendor: Vendor) -> None:
    refused = vendor.submit(status=400, ratio="16:9")
    assert refused["error"].startswith("Validation of body failed: ratio: ")
    assert refused["issues"][0]["path"] == ["ratio"]
    broken = vendor.client.post("/runway/v1/text_to_video", content=b"{", headers={**HEADERS, "content-type": "application/json"})
    assert (broken.status_code, broken.json()) == (400, {"error": "Request body is not valid JSON"})


def test_the_organization_counts_the_day(vendor: Vendor) -> None:
    vendor.submit()
    shown = vendor.client.get("/runway/v1/organization", headers=HEADERS).json()
    assert shown["usage"]["models"]["gen4.5"] == {"dailyGenerations": 1}
    assert shown["tier"]["models"]["gen4_turbo"]["maxConcurrentGenerations"] == MAX_CONCURRENT

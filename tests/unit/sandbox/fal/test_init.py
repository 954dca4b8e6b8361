import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import av
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.fal import KEY as FAL_SECRET
from modelgate.sandbox.fal import FalSandbox, failure_of, film, judge, log_line
from modelgate.sandbox.fal.schema import QUEUED_S, SLOW_TASK_S, WORKING_S, FalJob
from modelgate.sandbox.magic import read_magic

KEY = {"authorization": f"Key {FAL_SECRET}"}
TEXT = "/fal/fal-ai/pika/v2.2/text-to-video"
OVER_S = QUEUED_S + WORKING_S + 0.01  # past the rounding of times


class Vendor:
    """The make-believe vendor with a clock of its own."""

    def __init__(self, recalled: Sequence[FalJob] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[FalJob] = []
        sandbox = FalSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://sandbox:81")

    def remember(self, job: FalJob) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=FalJob))

    def submit(self, *, path: str = TEXT, status: int = 200, **fields: Any) -> Any:
        response = self.client.post(path, json={"prompt": "a fox", **fields}, headers=KEY)
        assert response.status_code == status, response.text
        return response.json()

    def get(self, url: str) -> Any:
        return self.client.get(url, headers=KEY)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_job_goes_its_way(vendor: Vendor) -> None:
    submitted = vendor.submit(aspect_ratio="1:1")
    assert urlsplit(submitted["status_url"]).path == f"/fal/fal-ai/pika/requests/{submitted['request_id']}/status"
    assert (submitted["status"], submitted["queue_position"]) == ("IN_QUEUE", 0)
    waiting = vendor.get(submitted["status_url"])
    assert (waiting.status_code, waiting.json()["status"], waiting.json()["queue_position"]) == (202, "IN_QUEUE", 0)
    assert vendor.get(submitted["response_url"]).status_code == 400

    vendor.now += QUEUED_S + 0.01
    running = vendor.get(submitted["status_url"] + "?logs=1")
    assert (running.status_code, running.json()["status"], len(running.json()["logs"])) == (202, "IN_PROGRESS", 1)

    vendor.now += WORKING_S
    over = vendor.get(submitted["status_url"])
    assert (over.status_code, over.json()["status"], over.json()["logs"]) == (200, "COMPLETED", None)
    video = vendor.get(submitted["response_url"]).json()["video"]
    file = vendor.client.get(video["url"])
    assert (file.headers["content-type"], len(file.content)) == ("video/mp4", video["file_size"])
    with av.open(io.BytesIO(file.content)) as opened:
        assert {(frame.width, frame.height) for frame in opened.decode(video=0)} == {(720, 720)}
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.status, entry.completion_tokens) == ("fal", "fal-ai/pika/v2.2/text-to-video", 200, 1)


def test_what_a_job_may_not_be_is_told_by_its_result(vendor: Vendor) -> None:
    submitted = vendor.submit(duration=7)
    vendor.now += OVER_S
    assert vendor.get(submitted["status_url"]).json()["status"] == "COMPLETED"
    result = vendor.get(submitted["response_url"])
    assert (result.status_code, result.json()["detail"][0]["loc"]) == (422, ["body", "duration"])
    assert vendor.client.get(f"/fal/media/{submitted['request_id']}.mp4").status_code == 404
    (entry,) = vendor.counter.after(0)
    assert entry.completion_tokens == 0


@pytest.mark.parametrize(
    ("word", "status", "told"),
    [("blocked-prompt", 422, None), ("blocked-answer", 422, None), ("fail-task", 500, "runner_server_error")],
)
def test_jobs_that_fail(vendor: Vendor, word: str, status: int, told: str | None) -> None:
    submitted = vendor.submit(prompt=f"magic: {word}")
    vendor.now += OVER_S
    assert vendor.get(submitted["status_url"]).json().get("error_type") == told
    result = vendor.get(submitted["response_url"])
    assert (result.status_code, result.headers.get("x-fal-error-type")) == (status, told)


@pytest.mark.parametrize(
    ("word", "status"), [("error-400", 400), ("error-401", 401), ("error-429", 429), ("error-500", 500), ("error-529", 503)]
)
def test_errors_by_magic(vendor: Vendor, word: str, status: int) -> None:
    assert "detail" in vendor.submit(prompt=f"magic: {word}", status=status)
    (entry,) = vendor.counter.after(0)
    assert (entry.status, vendor.remembered) == (status, [])


def test_a_slow_job(vendor: Vendor) -> None:
    submitted = vendor.submit(prompt="magic: slow-task")
    vendor.now += OVER_S
    assert vendor.get(submitted["status_url"]).json()["status"] == "IN_PROGRESS"
    vendor.now += SLOW_TASK_S
    assert vendor.get(submitted["status_url"]).json()["status"] == "COMPLETED"


def test_a_broken_answer_is_not_json(vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="control character"):
        vendor.submit(prompt="magic: malformed-chunk")
    assert len(vendor.remembered) == 1


def test_places_in_the_queue(vendor: Vendor) -> None:
    assert [vendor.submit()["queue_position"] for _ in range(3)] == [0, 1, 2]
    vendor.now += QUEUED_S + 0.01
    assert vendor.submit()["queue_position"] == 0


def test_cancel(vendor: Vendor) -> None:
    submitted = vendor.submit()
    first, second = (vendor.client.put(submitted["cancel_url"], headers=KEY) for _ in range(2))
    assert (first.status_code, first.json()) == (202, {"status": "CANCELLATION_REQUESTED"})
    assert (second.status_code, second.json()) == (400, {"status": "ALREADY_COMPLETED"})
    assert vendor.get(submitted["response_url"]).status_code == 499
    unknown = vendor.client.put("/fal/fal-ai/pika/requests/nothing/cancel", headers=KEY)
    assert (unknown.status_code, unknown.json()) == (404, {"status": "NOT_FOUND"})


def test_jobs_outlive_the_process(vendor: Vendor) -> None:
    kept, cancelled = vendor.submit(), vendor.submit()
    vendor.client.put(cancelled["cancel_url"], headers=KEY)
    other = Vendor(recalled=vendor.remembered)
    other.now += OVER_S
    assert other.get(kept["response_url"]).status_code == 200
    assert other.get(cancelled["response_url"]).status_code == 499


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/fal/fal-ai/pika/requests/nothing", 404),
        ("GET", "/fal/fal-ai/pika/requests/nothing/status", 404),
        ("GET", "/fal/fal-ai/other/requests/nothing", 404),
        ("POST", "/fal/fal-ai/other", 404),
        ("POST", "/fal/fal-ai/pikachu/x", 404),
        ("PUT", "/fal/anything", 404),
        ("POST", TEXT + "?fal_webhook=ftp://nowhere", 400),
    ],
)
def test_what_is_not_there(vendor: Vendor, method: str, path: str, status: int) -> None:
    response = vendor.client.request(method, path, json={"prompt": "a fox"} if method == "POST" else None, headers=KEY)
    assert response.status_code == status
    assert response.json()["detail"]


def test_odd_requests(vendor: Vendor) -> None:
    assert vendor.client.post(TEXT, content=b"{", headers=KEY).status_code == 400
    assert vendor.client.post(TEXT, json={"prompt": "a"}, headers={**KEY, "x-fal-queue-priority": "high"}).status_code == 400
    assert vendor.client.post(TEXT, json={"prompt": "a"}).status_code == 401
    submitted = vendor.client.post(TEXT, json=[1], headers=KEY).json()
    vendor.now += OVER_S
    assert vendor.get(submitted["response_url"]).status_code == 422


def test_a_cancelled_job_says_so() -> None:
    failure = failure_of(FalJob(id="1", created_at=10.0, working_s=1.0, cancelled_at=10.1))
    assert failure is not None
    assert failure.status == 499


def test_what_the_runner_refuses_is_an_outcome() -> None:
    order, failure = judge("v2.2/text-to-video", {"prompt": "a fox", "duration": 6}, read_magic("", "a fox"))
    assert order is None
    assert failure is not None
    assert (failure.status, failure.detail[0]["loc"]) == (422, ["body", "duration"])


def test_a_video_is_made_without_the_magic() -> None:
    plain, magic = ("a fox", "magic: slow-task\na fox")
    films = []
    for prompt in (plain, magic):
        order, failure = judge("v2.2/text-to-video", {"prompt": prompt}, read_magic("", prompt))
        assert failure is None
        films.append(film(FalJob(id="1", created_at=0.0, working_s=1.0, order=order)))
    assert films[0] == films[1]
    assert films[0][4:8] == b"ftyp"


@pytest.mark.parametrize(("word", "status"), [("401", 401), ("429", 429), ("529", 503), ("500", 500), ("400", 400)])
def test_provoked(vendor: Vendor, word: str, status: int) -> None:
    assert vendor.submit(prompt=f"magic: error-{word}", status=status)["detail"]


def test_a_log_line() -> None:
    assert log_line(FalJob(id="1", created_at=10.0, working_s=1.0))["level"] == "INFO"

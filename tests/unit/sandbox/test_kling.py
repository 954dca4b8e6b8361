import base64
import io
from collections.abc import Sequence
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.core.sandbox import KLING_SECRET
from modelgate.sandbox.count import Counter
from modelgate.sandbox.kling import MAX_ACTIVE_PICTURES, PATH, PROCESSING_S, SLOW_TASK_S, SUBMITTED_S, KlingSandbox, KlingTask

DONE_S = SUBMITTED_S + PROCESSING_S + 0.01


class Vendor:
    """The make-believe Kling with a clock of its own."""

    def __init__(self, recalled: Sequence[KlingTask] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[KlingTask] = []
        kling = KlingSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remembered.append)
        self.client = TestClient(Starlette(routes=list(kling.routes())), base_url="http://sandbox:81")

    def headers(self) -> dict[str, str]:
        access, _, secret = KLING_SECRET.partition("|")
        claims = {"iss": access, "exp": int(self.now) + 1800, "nbf": int(self.now) - 5}
        return {"authorization": "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(secret))}

    def submit(self, *, status: int = 200, **fields: Any) -> Any:
        response = self.client.post(PATH, json={"prompt": "a fox", **fields}, headers={**self.headers(), "x-request-id": "req_7"})
        assert response.status_code == status
        return response.json()

    def fetch(self, task_id: str) -> Any:
        return self.client.get(f"{PATH}/{task_id}", headers=self.headers()).json()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_vendor_that_is_started_again_knows_its_jobs(vendor: Vendor) -> None:
    task_id = vendor.submit(n=2, external_task_id="task_ours")["data"]["task_id"]
    again = Vendor(recalled=vendor.remembered)
    again.now += DONE_S
    assert again.fetch(task_id)["data"]["task_status"] == "succeed"
    assert again.fetch("task_ours")["data"]["task_id"] == task_id
    assert "already exists" in again.submit(status=400, external_task_id="task_ours")["message"]


def test_a_task_goes_its_way(vendor: Vendor) -> None:
    submitted = vendor.submit(n=2, aspect_ratio="1:1", external_task_id="task_ours")
    task_id = submitted["data"]["task_id"]
    assert (submitted["code"], submitted["message"], submitted["data"]["task_status"]) == (0, "SUCCEED", "submitted")
    assert submitted["data"]["created_at"] == int(vendor.now * 1000)
    assert submitted["request_id"] != task_id
    vendor.now += SUBMITTED_S + 0.01
    assert vendor.fetch(task_id)["data"]["task_status"] == "processing"
    assert "task_result" not in vendor.fetch(task_id)["data"]
    vendor.now += PROCESSING_S
    done = vendor.fetch("task_ours")["data"]
    assert (done["task_id"], done["task_status"], done["task_info"]) == (task_id, "succeed", {"external_task_id": "task_ours"})
    assert [image["index"] for image in done["task_result"]["images"]] == [0, 1]
    url = done["task_result"]["images"][1]["url"]
    assert url.startswith("http://sandbox:81/kling/files/")
    picture = vendor.client.get(url)
    assert picture.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(picture.content)).size == (1024, 1024)


def test_the_submit_is_counted(vendor: Vendor) -> None:
    vendor.submit(n=3)
    vendor.submit(status=400, n=30)
    counted = [(entry.request_id, entry.model, entry.completion_tokens, entry.finished, entry.status) for entry in vendor.counter.after(0)]
    assert counted == [("req_7", "kling-v1", 3, True, 200), ("req_7", "", 0, False, 400)]


def test_without_a_request_id_the_external_id_names_the_entry(vendor: Vendor) -> None:
    vendor.client.post(PATH, json={"prompt": "a fox", "external_task_id": "task_ours"}, headers=vendor.headers())
    assert [entry.request_id for entry in vendor.counter.after(0)] == ["task_ours"]


def test_magic_tasks(vendor: Vendor) -> None:
    failing = vendor.submit(prompt="a fox\nmagic: fail-task")["data"]["task_id"]
    slow = vendor.submit(model_name="sandbox-slow-task")["data"]["task_id"]
    vendor.now += DONE_S
    failed = vendor.fetch(failing)["data"]
    assert (failed["task_status"], bool(failed["task_status_msg"])) == ("failed", True)
    assert vendor.fetch(slow)["data"]["task_status"] == "processing"
    vendor.now += SLOW_TASK_S
    assert vendor.fetch(slow)["data"]["task_status"] == "succeed"


@pytest.mark.parametrize(
    ("word", "status", "code"), [("400", 400, 1301), ("401", 401, 1002), ("429", 429, 1302), ("500", 500, 5000), ("529", 529, 5001)]
)
def test_magic_errors(vendor: Vendor, word: str, status: int, code: int) -> None:
    refused = vendor.submit(status=status, prompt=f"magic: error-{word}")
    assert (refused["code"], set(refused)) == (code, {"code", "message", "request_id"})


def test_an_external_id_is_unique(vendor: Vendor) -> None:
    vendor.submit(external_task_id="task_1")
    assert vendor.submit(status=400, external_task_id="task_1")["code"] == 1201
    vendor.submit()
    vendor.submit()


def test_too_many_pictures_at_once(vendor: Vendor) -> None:
    for _ in range(MAX_ACTIVE_PICTURES // 9):
        vendor.submit(n=9)
    assert vendor.submit(status=429, n=9)["code"] == 1303
    vendor.now += DONE_S
    vendor.submit(n=9)


def test_a_reference_picture_is_shown(vendor: Vendor) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (400, 400), (255, 0, 0)).save(buffer, "PNG")
    task_id = vendor.submit(image=base64.b64encode(buffer.getvalue()).decode())["data"]["task_id"]
    vendor.now += DONE_S
    url = vendor.fetch(task_id)["data"]["task_result"]["images"][0]["url"]
    picture = Image.open(io.BytesIO(vendor.client.get(url).content))
    assert picture.getpixel((1024 - 60, 60)) == pytest.approx((255, 0, 0), abs=3)


def test_a_task_that_does_not_exist(vendor: Vendor) -> None:
    response = vendor.client.get(f"{PATH}/nothing", headers=vendor.headers())
    assert (response.status_code, response.json()["code"]) == (404, 1203)


def test_lists_and_unknown_paths(vendor: Vendor) -> None:
    ids = [vendor.submit()["data"]["task_id"] for _ in range(3)]
    listed = vendor.client.get(PATH, params={"pageNum": 1, "pageSize": 2}, headers=vendor.headers()).json()
    assert [task["task_id"] for task in listed["data"]] == [ids[2], ids[1]]
    assert vendor.client.get(PATH, params={"pageSize": 501}, headers=vendor.headers()).status_code == 400
    assert vendor.client.get("/kling/v1/nothing", headers=vendor.headers()).json()["code"] == 1202
    assert vendor.client.get("/kling/files/nothing-0.png").status_code == 404
    assert vendor.client.get(f"/kling/files/{ids[0]}-0.png").status_code == 404  # not made yet
    assert vendor.client.get(f"{PATH}/{ids[0]}").json()["code"] == 1001


def test_bodies_that_are_not_json(vendor: Vendor) -> None:
    for content, kind in ((b"{", "application/json"), (b"{}", "text/plain"), (b"[" * 100_000, "application/json")):
        response = vendor.client.post(PATH, content=content, headers={**vendor.headers(), "content-type": kind})
        assert (response.status_code, response.json()["code"]) == (400, 1200)

"""The make-believe Black Forest Labs."""

import base64
import io
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.bfl import (
    FILE_LIFETIME_S,
    MAX_ACTIVE,
    MODELS,
    SLOW_TASK_S,
    WORKING_S,
    BflJob,
    BflRefused,
    BflSandbox,
    check_key,
    check_order,
)
from modelgate.sandbox.bfl import KEY as BFL_SECRET
from modelgate.sandbox.count import Counter


def picture(width: int = 64, height: int = 64) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


@pytest.mark.parametrize("given", [None, "", "other", f"Bearer {BFL_SECRET}"])
def test_only_its_own_key_opens(given: str | None) -> None:
    with pytest.raises(BflRefused) as refused:
        check_key(given)
    assert refused.value.status == 403
    check_key(BFL_SECRET)


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        ("flux-pro-1.1", {"width": 1000}, "width"),
        ("flux-pro-1.1", {"height": 255}, "height"),
        ("flux-pro-1.1", {"width": 1472}, "width"),
        ("flux-pro-1.1", {"width": "1024"}, "width"),
        ("flux-dev", {"safety_tolerance": 7}, "safety_tolerance"),
        ("flux-dev", {"seed": True}, "seed"),
        ("flux-dev", {"seed": -1}, "seed"),
        ("flux-dev", {"output_format": "webp"}, "output_format"),
        ("flux-dev", {"prompt": 7}, "prompt"),
        ("flux-dev", {"prompt": " "}, "prompt"),
        ("flux-dev", {"prompt_upsampling": "yes"}, "prompt_upsampling"),
        ("flux-dev", {"prompt_upsampling": None}, "prompt_upsampling"),
        ("flux-2-pro", {"input_image_8": 7}, "input_image_8"),
        ("flux-dev", {"image_prompt": "no picture"}, "image_prompt"),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "3:1"}, "aspect_ratio"),
        ("flux-pro-1.1-ultra", {"aspect_ratio": "wide"}, "aspect_ratio"),
        ("flux-kontext-pro", {"aspect_ratio": "0:1"}, "aspect_ratio"),
        ("flux-kontext-pro", {"input_image_4": "?"}, "input_image_4"),
        ("flux-2-pro", {"width": 1000}, "width"),
        ("flux-2-pro", {"width": 4096, "height": 4096}, "width"),
        ("flux-2-pro", {"safety_tolerance": 6}, "safety_tolerance"),
    ],
)
def test_a_refusal_names_the_field(model: str, fields: dict[str, Any], field: str) -> None:
    with pytest.raises(BflRefused) as refused:
        check_order(model, {"prompt": "a fox", **fields})
    assert (refused.value.status, refused.value.detail[0]["loc"]) == (422, ["body", field])


def test_a_model_that_is_not_there_and_a_body_that_is_none() -> None:
    with pytest.raises(BflRefused, match="Not Found"):
        check_order("flux-schnell", {"prompt": "a fox"})
    with pytest.raises(BflRefused) as refused:
        check_order("flux-dev", [])
    assert refused.value.status == 422
    with pytest.raises(BflRefused, match="Field required"):
        check_order("flux-2-pro", {})


@pytest.mark.parametrize("model", MODELS)
def test_the_least_is_a_prompt(model: str) -> None:
    order = check_order(model, {"prompt": "a fox", "negative_prompt": "unknown fields are ignored"})
    assert order.width % 8 == order.height % 8 == 0
    assert order.reference is None


def test_sizes_and_pictures() -> None:
    wide = check_order("flux-pro-1.1-ultra", {"prompt": "a fox", "aspect_ratio": "42:18", "output_format": "png"})
    assert wide.width / wide.height == pytest.approx(21 / 9, rel=0.01)
    assert (wide.width, wide.format) == (2048, "png")
    asked = check_order("flux-pro-1.1", {"prompt": "", "image_prompt": "data:image/png;base64," + picture(), "width": 1440, "height": 256})
    assert (asked.width, asked.height, asked.format) == (1440, 256, "jpeg")
    assert asked.reference
    assert check_order("flux-dev", {"prompt": "a fox", "image_prompt": "", "seed": None, "output_format": ""}).reference is None
    assert check_order("flux-kontext-pro", {"prompt": "", "input_image": "https://pictures.example/a.png"}).reference is None


KEY = {"x-key": BFL_SECRET}


class Vendor:
    """The make-believe vendor with a clock of its own."""

    def __init__(self, recalled: Sequence[BflJob] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[BflJob] = []
        sandbox = BflSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remembered.append)
        self.client = TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://sandbox:81")

    def submit(self, model: str = "flux-pro-1.1", *, status: int = 200, **fields: Any) -> Any:
        response = self.client.post(f"/bfl/v1/{model}", json={"prompt": "a fox", **fields}, headers=KEY)
        assert response.status_code == status, response.text
        return response.json()

    def fetch(self, job: str) -> Any:
        return self.client.get("/bfl/v1/get_result", params={"id": job}, headers=KEY).json()


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_job_goes_its_way(vendor: Vendor) -> None:
    submitted = vendor.submit(width=1344, height=576, output_format="png")
    parts = urlsplit(submitted["polling_url"])
    assert (parts.path, parts.query) == ("/bfl/v1/get_result", f"id={submitted['id']}")
    assert vendor.fetch(submitted["id"])["status"] == "Pending"

    vendor.now += WORKING_S
    done = vendor.fetch(submitted["id"])
    picture = vendor.client.get(done["result"]["sample"])

    assert (done["status"], done["progress"]) == ("Ready", 1.0)
    assert picture.headers["content-type"] == "image/png"
    with Image.open(io.BytesIO(picture.content)) as image:
        assert (image.format, image.size) == ("PNG", (1344, 576))
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.status, entry.completion_tokens, entry.finished) == ("bfl", "flux-pro-1.1", 200, 1, True)


def test_a_picture_is_there_for_ten_minutes(vendor: Vendor) -> None:
    job = vendor.submit("flux-kontext-pro", aspect_ratio="9:21", output_format="jpeg")["id"]
    vendor.now += WORKING_S
    url = vendor.fetch(job)["result"]["sample"]
    with Image.open(io.BytesIO(vendor.client.get(url).content)) as image:
        assert image.format == "JPEG"
        assert image.width / image.height == pytest.approx(9 / 21, rel=0.02)
    vendor.now += FILE_LIFETIME_S
    assert vendor.client.get(url).status_code == 404


@pytest.mark.parametrize(
    ("word", "at_once", "later"),
    [
        ("blocked-prompt", "Request Moderated", "Request Moderated"),
        ("blocked-answer", "Pending", "Content Moderated"),
        ("fail-task", "Pending", "Error"),
        ("slow-task", "Pending", "Pending"),
    ],
)
def test_magic_words(vendor: Vendor, word: str, at_once: str, later: str) -> None:
    job = vendor.submit(prompt=f"a fox\nmagic: {word}")["id"]
    assert vendor.fetch(job)["status"] == at_once
    vendor.now += WORKING_S
    assert vendor.fetch(job)["status"] == later
    assert vendor.fetch(job)["result"] is None
    vendor.now += SLOW_TASK_S
    assert vendor.fetch(job)["status"] != "Pending"


@pytest.mark.parametrize(("word", "status"), [("400", 400), ("401", 403), ("429", 429), ("500", 500), ("529", 503)])
def test_provoked_errors(vendor: Vendor, word: str, status: int) -> None:
    assert vendor.submit(prompt=f"a fox\nmagic: error-{word}", status=status)["detail"]
    assert vendor.counter.after(0)[0].status == status


def test_what_it_does_not_know(vendor: Vendor) -> None:
    assert vendor.fetch("other")["status"] == "Task not found"
    assert vendor.client.get("/bfl/v1/get_result", headers=KEY).status_code == 422
    assert vendor.client.get("/bfl/v1/get_result?id=x").status_code == 403
    assert vendor.client.get("/bfl/v1/credits", headers=KEY).json()["credits"] > 0
    assert vendor.client.get("/bfl/v1/elsewhere/x", headers=KEY).status_code == 404
    assert vendor.client.post("/bfl/v1/flux-dev", content=b"{", headers={**KEY, "content-type": "application/json"}).status_code == 422
    assert vendor.client.post("/bfl/v1/flux-dev", content=b"{}", headers=KEY).status_code == 422
    assert vendor.client.get("/bfl/files/x/sample.png").status_code == 404


def test_an_account_has_so_many_jobs_at_once(vendor: Vendor) -> None:
    for _ in range(MAX_ACTIVE):
        vendor.submit()
    assert "active" in vendor.submit(status=429)["detail"]
    vendor.now += WORKING_S
    vendor.submit()


def test_a_vendor_that_is_started_again_knows_its_jobs(vendor: Vendor) -> None:
    job = vendor.submit()["id"]
    again = Vendor(recalled=vendor.remembered)
    again.now += WORKING_S
    assert again.fetch(job)["status"] == "Ready"

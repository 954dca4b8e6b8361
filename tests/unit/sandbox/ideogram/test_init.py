import io
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox import ideogram
from modelgate.sandbox.count import Counter
from modelgate.sandbox.ideogram import FILE_LIFETIME_S, MAX_INFLIGHT, IdeogramJob, IdeogramSandbox
from modelgate.sandbox.ideogram import KEY as IDEOGRAM_SECRET

KEY = {"Api-Key": IDEOGRAM_SECRET, "x-request-id": "req_9"}
GENERATE = "/ideogram/v1/ideogram-v3/generate"


class Vendor:
    """The make-believe vendor with a clock of its own."""

    def __init__(self, recalled: Sequence[IdeogramJob] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[IdeogramJob] = []
        self.sandbox = IdeogramSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(self.sandbox.routes())), base_url="http://sandbox:81")

    def remember(self, job: IdeogramJob) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=IdeogramJob))

    def generate(self, *, status: int = 200, **fields: Any) -> Any:
        parts = [(name, (None, str(value))) for name, value in {"prompt": "a fox", **fields}.items()]
        response = self.client.post(GENERATE, files=parts, headers=KEY)
        assert response.status_code == status, response.text
        return response.json()


@pytest.fixture
def vendor(monkeypatch: pytest.MonkeyPatch) -> Vendor:
    for name in ("WORKING_S", "SLOW_S", "SLOW_TASK_S"):
        monkeypatch.setattr(ideogram, name, 0)
    return Vendor()


def test_pictures_come_at_once_and_are_there_for_a_day(vendor: Vendor) -> None:
    answer = vendor.generate(num_images=2, seed=5, aspect_ratio="9x16", style_type="DESIGN")
    first, second = answer["data"]
    assert answer["created"] == "2026-09-21T14:13:20.000000+00:00"
    assert first.keys() == {"url", "prompt", "resolution", "is_image_safe", "seed", "style_type"}
    assert (first["seed"], second["seed"], first["resolution"], first["style_type"]) == (5, 6, "720x1280", "DESIGN")
    assert first["prompt"] != "a fox"
    assert "a fox" in first["prompt"]

    drawn = vendor.client.get(second["url"])
    with Image.open(io.BytesIO(drawn.content)) as picture:
        assert (picture.format, picture.size) == ("PNG", (720, 1280))
    assert drawn.content != vendor.client.get(first["url"]).content
    assert vendor.client.get(first["url"][:-1] + "!").status_code == 403
    assert Vendor(recalled=vendor.remembered).client.get(first["url"]).content == vendor.client.get(first["url"]).content
    vendor.now += FILE_LIFETIME_S
    assert vendor.client.get(first["url"]).status_code == 404

    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.request_id) == ("ideogram", "ideogram-v3/generate", "req_9")
    assert (entry.status, entry.completion_tokens, entry.finished) == (200, 2, True)


def test_a_withheld_picture_has_no_address_and_is_counted(vendor: Vendor) -> None:
    withheld, shown = vendor.generate(prompt="a fox\nmagic: blocked-answer", num_images=2, magic_prompt="OFF")["data"]
    assert (withheld["is_image_safe"], withheld["url"], shown["is_image_safe"], shown["prompt"]) == (False, None, True, "a fox")
    assert vendor.counter.after(0)[0].completion_tokens == 2
    assert vendor.client.get(shown["url"].replace("-1.png", "-0.png")).status_code == 404


@pytest.mark.parametrize(
    ("word", "status", "told"),
    [
        ("error-400", 400, None),
        ("error-401", 401, None),
        ("error-429", 429, "inflight_limit"),
        ("error-500", 500, None),
        ("error-529", 503, None),
        ("blocked-prompt", 422, None),
        ("fail-task", 422, None),
    ],
)
def test_provoked_errors(vendor: Vendor, word: str, status: int, told: str | None) -> None:
    answer = vendor.generate(prompt=f"a fox\nmagic: {word}", status=status)
    assert answer["error"]
    assert answer.get("reject_reason") == told
    assert (vendor.counter.after(0)[0].status, vendor.counter.after(0)[0].finished) == (status, False)


def test_an_account_has_so_many_pictures_at_once(vendor: Vendor) -> None:
    vendor.sandbox._inflight = MAX_INFLIGHT - 3
    assert vendor.generate(num_images=4, status=429)["max_inflight_requests"] == 10
    vendor.generate(num_images=3)
    vendor.generate(num_images=3, prompt="a fox\nmagic: slow-task")


def test_what_it_does_not_know_and_what_it_will_not_know_for_long(vendor: Vendor) -> None:
    assert vendor.client.post(GENERATE, json={"prompt": "a fox"}, headers=KEY).status_code == 400
    assert vendor.client.post(GENERATE, json={}).status_code == 401
    assert vendor.client.get("/ideogram/v1/elsewhere", headers=KEY).status_code == 404
    assert vendor.client.get("/ideogram/api/images/ephemeral/x-0.png").status_code == 404
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30)).save(buffer, "PNG")
    files: dict[str, Any] = {"prompt": (None, "a hat"), "image": ("a.png", buffer.getvalue()), "mask": ("m.png", buffer.getvalue())}
    old = vendor.client.post("/ideogram/v1/ideogram-v3/edit", files=files, headers=KEY)
    new = vendor.client.post("/ideogram/v1/ideogram-v3/inpaint", files=files, headers=KEY)
    assert old.json()["data"][0]["resolution"] == new.json()["data"][0]["resolution"] == "40x30"
    assert "deprecation" in old.headers
    assert "deprecation" not in new.headers

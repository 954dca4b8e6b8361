"""The Kling image task through a running gateway, by plain HTTP: from words to picture, rule by rule, cent by cent."""

import base64
import http.client
import io
import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, balance_usd, held_usd, prepaid, send

PATH = "/kling/v1/images/generations"
END_S = 120.0
"""Longest wait for the end of a task."""
RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3, "3:4": 3 / 4, "3:2": 3 / 2, "2:3": 2 / 3}


class Kling:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation, key: str = "") -> None:
        self.url = installation.base_url + PATH
        self.key = key or installation.test_key

    def submit(self, **fields: Any) -> Answer:
        return send(self.url, key=self.key, body=fields, method="POST")

    def submitted(self, **fields: Any) -> str:
        answer = self.submit(**fields)
        assert answer.status == 200, answer
        return str(answer.body["data"]["task_id"])

    def fetch(self, task_id: str) -> Answer:
        return send(f"{self.url}/{task_id}", key=self.key)

    def ended(self, task_id: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            data = dict(self.fetch(task_id).body["data"])
            if data["task_status"] in ("succeed", "failed") or time.monotonic() > ends:
                return data
            time.sleep(0.1)

    def urls(self, **fields: Any) -> list[str]:
        data = self.ended(self.submitted(**fields))
        assert data["task_status"] == "succeed", data
        return [image["url"] for image in data["task_result"]["images"]]


@pytest.fixture
def kling(installation: Installation) -> Kling:
    return Kling(installation)


@pytest.fixture(scope="module")
def picture_url(installation: Installation) -> str:
    (url,) = Kling(installation).urls(prompt="a fox")
    return url


def png(width: int, height: int, *, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def test_every_ratio_gives_its_picture(kling: Kling) -> None:
    def made(ratio: str) -> tuple[str, list[str]]:
        return ratio, kling.urls(prompt=f"a kite, {ratio}", aspect_ratio=ratio)

    with ThreadPoolExecutor(len(RATIOS)) as pool:
        for ratio, urls in pool.map(made, RATIOS):
            (url,) = urls
            answer = send(url)
            assert (answer.status, answer.headers["content-type"]) == (200, "image/png")
            with Image.open(io.BytesIO(answer.content)) as image:
                image.load()
                assert image.format == "PNG"
                assert image.width / image.height == pytest.approx(RATIOS[ratio], rel=0.02)


def test_the_envelopes(kling: Kling) -> None:
    taken = kling.submit(prompt="a kite", external_task_id="mine-7", callback_url="https://example.com/hook")
    body = taken.body
    assert (body["code"], body["request_id"]) == (0, taken.headers["x-request-id"])
    assert "SUCCEED" in body["message"]
    assert set(body["data"]) == {"task_id", "task_status", "created_at", "updated_at"}
    assert body["data"]["task_status"] in ("submitted", "processing")
    assert body["data"]["created_at"] > 1_700_000_000_000, "milliseconds"
    data = kling.ended(body["data"]["task_id"])
    assert (data["task_status"], data["task_status_msg"]) == ("succeed", "")
    assert data["task_info"] == {"external_task_id": "mine-7"}
    assert [image["index"] for image in data["task_result"]["images"]] == [0]
    assert data["updated_at"] > data["created_at"]


def test_nine_pictures(kling: Kling) -> None:
    urls = kling.urls(prompt="a flock", n=9, aspect_ratio="1:1")
    assert len(urls) == len(set(urls)) == 9
    assert len({send(url).content for url in urls}) == 9


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,"])
def test_a_picture_as_base64(kling: Kling, prefix: str) -> None:
    with_picture = kling.urls(prompt="like this", image=prefix + encoded(png(320, 300, kind="JPEG")), image_fidelity=0.5)
    plain = kling.urls(prompt="like this")
    assert send(with_picture[0]).content != send(plain[0]).content


def test_a_picture_of_our_own_by_address(kling: Kling, picture_url: str) -> None:
    assert kling.urls(prompt="again", image=picture_url)


LARGE = "A" * (10 * 1024 * 1024 * 4 // 3 + 8)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": "  "}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": "x" * 501}, "prompt"),
        ({"negative_prompt": "x" * 201}, "negative_prompt"),
        ({"negative_prompt": "ugly", "image": encoded(png(300, 300))}, "negative_prompt"),
        ({"image": "not base64!"}, "image"),
        ({"image": encoded(b"GIF89a" + b"\0" * 50)}, "image"),
        ({"image": encoded(png(300, 300, kind="GIF"))}, "image"),
        ({"image": encoded(png(300, 300)[:40])}, "image"),
        ({"image": encoded(png(299, 400))}, "image"),
        ({"image": encoded(png(400, 299))}, "image"),
        ({"image": encoded(png(300, 751))}, "image"),
        ({"image": encoded(png(751, 300))}, "image"),
        ({"image": LARGE}, "image"),
        ({"image": "http://127.0.0.1/cat.png"}, "image"),
        ({"image": "http://169.254.169.254/latest/meta-data"}, "image"),
        ({"image": "http://localhost:8080/cat.png"}, "image"),
        ({"image": "ftp://example.com/cat.png"}, "image"),
        ({"model_name": "kling-v1-5", "image": encoded(png(300, 300))}, "image_reference"),
        ({"image_reference": "pose"}, "image_reference"),
        ({"image_fidelity": 1.01}, "image_fidelity"),
        ({"image_fidelity": -0.1}, "image_fidelity"),
        ({"image_fidelity": "high"}, "image_fidelity"),
        ({"human_fidelity": 2}, "human_fidelity"),
        ({"n": 0}, "n"),
        ({"n": 10}, "n"),
        ({"n": 1.5}, "n"),
        ({"n": True}, "n"),
        ({"aspect_ratio": "5:4"}, "aspect_ratio"),
        ({"aspect_ratio": "21:9"}, "aspect_ratio"),
        ({"resolution": "4k"}, "resolution"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(f"{name}={str(one)[:12]}" for name, one in value.items()),
)
def test_rules_of_the_fields(kling: Kling, fields: dict[str, Any], param: str) -> None:
    answer = kling.submit(**{"prompt": "a kite", **fields})
    assert answer.status == 400, answer.content[:500]
    body = answer.body
    assert (body["code"], body["error"]["param"]) == (1200, param)
    assert param in body["message"]
    assert len(body["message"]) < 500


JUST_PASSES: tuple[dict[str, Any], ...] = (
    {"prompt": "é" * 500, "negative_prompt": "x" * 200},
    {"image": encoded(png(300, 750)), "image_fidelity": 0},
    {"image": encoded(png(750, 300)), "image_fidelity": 1},
    {"negative_prompt": "", "image": "", "aspect_ratio": "", "n": None, "model": "kling-v2"},
    {"model_name": "kling-v1-5", "image": encoded(png(300, 300)), "image_reference": "subject", "human_fidelity": 0.45},
)


def test_what_just_passes(kling: Kling) -> None:
    tasks = [kling.submitted(**{"prompt": "a kite", **fields}) for fields in JUST_PASSES]
    assert [kling.ended(task)["task_status"] for task in tasks] == ["succeed"] * len(tasks)


# Money.


def poor(installation: Installation, name: str, usd: str) -> tuple[Kling, str]:
    """Return a caller whose account has so much, and the account's name."""
    return Kling(installation, prepaid(installation, name, usd)), name


def test_a_failed_task_gives_the_money_back(installation: Installation) -> None:
    caller, name = poor(installation, "refunded", "1")
    before = balance_usd(installation, name)
    task_id = caller.submitted(prompt="a kite\nmagic: fail-task", n=2)
    assert held_usd(installation, task_id) > 0, "the price is set aside"
    data = caller.ended(task_id)
    assert data["task_status"] == "failed"
    assert data["task_status_msg"]
    assert "task_result" not in data
    assert balance_usd(installation, name) == before
    spent = caller.ended(caller.submitted(prompt="a kite", n=2))
    assert spent["task_status"] == "succeed"
    assert float(balance_usd(installation, name)) < float(before)


def kling_jobs(installation: Installation) -> int:
    """Return how many jobs the make-believe vendor has taken."""
    connection = http.client.HTTPConnection("sandbox", timeout=END_S)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(str(installation.data / "run" / "sandbox.sock"))
    connection.request("GET", "/sandbox/requests")
    entries = json.load(connection.getresponse())["requests"]
    connection.close()
    return sum(entry["vendor"] == "kling" and entry["status"] == 200 for entry in entries)


def test_a_submit_without_an_answer_makes_one_job(installation: Installation, kling: Kling) -> None:
    """The vendor took the job and its answer was lost: sending it again would be paid twice."""
    words = ("unknown-submit", "cut-stream", "malformed-chunk")
    kling.urls(prompt="the sandbox is awake")
    before = kling_jobs(installation)
    with ThreadPoolExecutor(len(words)) as pool:
        for data in pool.map(lambda word: kling.ended(kling.submitted(prompt=f"a kite\nmagic: {word}")), words):
            assert data["task_status"] == "succeed"
    assert kling_jobs(installation) == before + len(words)


@pytest.mark.parametrize(("word", "status", "code"), [("error-400", 400, 1301), ("error-401", 502, 5000)])
def test_a_refusal_comes_at_once(installation: Installation, word: str, status: int, code: int) -> None:
    caller, name = poor(installation, f"refused-{word}", "1")
    answer = caller.submit(prompt=f"a kite\nmagic: {word}")
    assert (answer.status, answer.body["code"]) == (status, code)
    assert float(balance_usd(installation, name)) == 1.0
    assert "sandbox" not in answer.body["message"]


# Privacy and files.


def test_a_foreign_task_is_absent(installation: Installation, kling: Kling) -> None:
    task_id = kling.submitted(prompt="mine")
    installation.run("accounts", "create", "--name", "stranger")
    stranger = Kling(installation, installation.key("--test", "--account", "stranger"))
    foreign, missing = stranger.fetch(task_id), stranger.fetch("task_4fK2mQpX7cVbN1sLr8YwZd")
    assert (foreign.status, foreign.body["code"]) == (missing.status, missing.body["code"]) == (404, 1203)
    strip = re.compile(r"req_\w+")
    assert strip.sub("", foreign.body["message"]) == strip.sub("", missing.body["message"])
    assert kling.fetch(task_id).status == 200


def test_ranges_of_a_file(picture_url: str) -> None:
    whole = send(picture_url)
    size = len(whole.content)
    assert whole.headers["accept-ranges"] == "bytes"
    part = send(picture_url, headers={"Range": "bytes=8-23"})
    assert (part.status, part.content) == (206, whole.content[8:24])
    assert part.headers["content-range"] == f"bytes 8-23/{size}"
    assert send(picture_url, headers={"Range": "bytes=-10"}).content == whole.content[-10:]
    assert send(picture_url, headers={"Range": f"bytes={size - 5}-"}).content == whole.content[-5:]
    beyond = send(picture_url, headers={"Range": f"bytes={size}-"})
    assert (beyond.status, beyond.headers["content-range"]) == (416, f"bytes */{size}")
    head = send(picture_url, method="HEAD")
    assert (head.status, head.content, int(head.headers["content-length"])) == (200, b"", size)
    assert send(picture_url, headers={"If-None-Match": whole.headers["etag"]}).status == 304


def test_a_tampered_address_opens_nothing(installation: Installation, picture_url: str) -> None:
    path, query = urlsplit(picture_url).path, urlsplit(picture_url).query
    expires, signature = (part.partition("=")[2] for part in query.split("&"))
    turned = ("0" if signature[0] != "0" else "1") + signature[1:]
    for tampered in (
        path,
        f"{path}?expires={expires}",
        f"{path}?expires={expires}&signature={turned}",
        f"{path}?expires={int(expires) + 1}&signature={signature}",
        f"{path.replace('task_', 'task_A')}?{query}",
        f"/files/../secret?{query}",
    ):
        answer = send(installation.base_url + tampered)
        assert answer.status in (403, 404), (tampered, answer)
        assert b"PNG" not in answer.content

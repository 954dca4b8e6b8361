"""Flux through a running gateway by the official OpenAI client: a call that waits for its tasks, and what each picture costs."""

import base64
import contextlib
import io
import json
import socket
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import look_up

RATIOS = {
    "21:9": 21 / 9,
    "16:9": 16 / 9,
    "4:3": 4 / 3,
    "3:2": 3 / 2,
    "1:1": 1.0,
    "2:3": 2 / 3,
    "3:4": 3 / 4,
    "9:16": 9 / 16,
    "9:21": 9 / 21,
}
SETTLED_S = 60.0
"""Longest wait for a task that nobody waits for."""
TRIES = 20


class Caller:
    """An account of its own with so much money."""

    def __init__(self, installation: Installation, name: str, usd: str) -> None:
        installation.run("accounts", "create", "--name", name)
        installation.run("accounts", "limit", name, "prepaid", "--test")
        installation.run("accounts", "credit", name, usd, "--test")
        self.installation, self.name = installation, name
        self.key = installation.key("--test", "--account", name)
        self.client = openai.OpenAI(api_key=self.key, base_url=f"{installation.base_url}/v1", max_retries=0, timeout=60)

    def __del__(self) -> None:
        self.client.close()  # left to the collector of cycles, its sockets may be told of as unclosed, in the middle of another test

    def balance(self) -> float:
        accounts = {account["name"]: account for account in self.installation.json("accounts", "list")}
        return round(float(accounts[self.name]["books"]["test"]["balance_usd"]), 6)

    def draw(self, prompt: str = "a fox", *, model: str = "flux-pro-1.1", **more: Any) -> list[Any]:
        data = self.client.images.generate(model=model, prompt=prompt, **more).data
        assert data is not None
        return data


@pytest.fixture(scope="module")
def client(installation: Installation) -> Any:
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1", max_retries=0, timeout=60) as made:
        yield made


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=60) as response:
        return bytes(response.read())


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("model", ["flux-pro-1.1", "flux-kontext-pro", "flux-2-pro"])
def test_every_ratio_gives_its_picture(client: openai.OpenAI, model: str) -> None:
    def made(ratio: str) -> tuple[str, Image.Image]:
        answer = client.images.generate(model=model, prompt=f"a kite, {ratio}", extra_body={"aspect_ratio": ratio})
        assert answer.data is not None
        return ratio, opened(fetched(str(answer.data[0].url)))

    with ThreadPoolExecutor(len(RATIOS)) as pool:
        for ratio, image in pool.map(made, RATIOS):
            assert image.width / image.height == pytest.approx(RATIOS[ratio], rel=0.02)


def test_pictures_and_their_price(installation: Installation) -> None:
    caller = Caller(installation, "flux-paid", "1")
    raw = caller.client.images.with_raw_response.generate(
        model="flux-kontext-max", prompt="a fox", quality="hd", style="vivid", extra_body={"aspect_ratio": "21:9"}
    )
    answer = raw.parse()
    assert answer.data is not None
    (picture,) = answer.data
    assert answer.created > 1_700_000_000
    assert picture.b64_json is None
    assert str(picture.url).startswith(installation.base_url + "/files/")
    assert raw.headers["modelgate-ignored"] == "quality, style"
    assert raw.headers["x-request-id"].startswith("req_")
    assert caller.balance() == 0.92

    first, second = caller.draw(n=2, size="1792x1024", response_format="b64_json", extra_body={"seed": 7, "output_format": "png"})
    assert (first.url, second.url) == (None, None)
    pictures = [base64.b64decode(one.b64_json) for one in (first, second)]
    assert pictures[0] != pictures[1], "the second has a seed of its own"
    for data in pictures:
        assert opened(data).format == "PNG"
        assert opened(data).width / opened(data).height == pytest.approx(16 / 9, rel=0.02)
    assert caller.balance() == 0.84


def test_a_picture_to_begin_with(installation: Installation) -> None:
    caller = Caller(installation, "flux-edits", "1")
    buffer = io.BytesIO()
    Image.new("RGB", (300, 300), (200, 30, 30)).save(buffer, "PNG")
    given = base64.b64encode(buffer.getvalue()).decode()
    (edited,) = caller.draw("make it blue", model="flux-2-pro", response_format="b64_json", extra_body={"image": given, "seed": 1})
    assert caller.balance() == 0.955, "a picture shown has a price of its own"
    (plain,) = caller.draw("make it blue", model="flux-2-pro", response_format="b64_json", extra_body={"seed": 1})
    assert edited.b64_json != plain.b64_json
    (again,) = caller.draw("again", model="flux-kontext-pro")
    assert caller.draw("and again", model="flux-kontext-pro", extra_body={"image": again.url})


REFUSALS: dict[str, tuple[int, str]] = {
    "fail-task": (502, "generation_failed"),
    "blocked-prompt": (400, "content_policy_violation"),
    "blocked-answer": (400, "content_policy_violation"),
    "error-400": (400, "invalid_request"),
    "error-401": (502, "generation_failed"),
    "unknown-submit": (502, "generation_failed"),
}


def test_what_was_not_made_costs_nothing(installation: Installation) -> None:
    caller = Caller(installation, "flux-unmade", "5")

    def refused(word: str) -> openai.APIStatusError:
        with pytest.raises(openai.APIStatusError) as error:
            caller.draw(f"a fox\nmagic: {word}", n=2)
        return error.value

    with ThreadPoolExecutor(len(REFUSALS)) as pool:
        errors = dict(zip(REFUSALS, pool.map(refused, REFUSALS), strict=True))
    assert {word: (error.status_code, error.code) for word, error in errors.items()} == REFUSALS
    assert not any("sandbox" in error.message for error in errors.values()), "upstreams are not named"
    assert caller.balance() == 5.0


def test_money_for_all_pictures_or_none(installation: Installation) -> None:
    caller = Caller(installation, "flux-poor", "0.1")
    with pytest.raises(openai.RateLimitError) as refused:
        caller.draw(n=3)
    assert refused.value.code == "insufficient_quota"
    assert caller.balance() == 0.1
    assert len(caller.draw(n=2)) == 2
    assert caller.balance() == 0.02


def test_a_client_that_leaves_pays_for_what_is_made(installation: Installation) -> None:
    caller = Caller(installation, "flux-left", "1")
    body = json.dumps({"model": "flux-pro-1.1", "prompt": "a fox"}).encode()
    head = f"POST /v1/images/generations HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {caller.key}\r\ncontent-length: {len(body)}\r\n\r\n"
    parts = urlsplit(installation.base_url)
    with socket.create_connection((str(parts.hostname), parts.port)) as connection:
        connection.sendall(head.encode() + body)
        ends = time.monotonic() + SETTLED_S
        query = "SELECT task.id FROM task JOIN account ON account.id = task.account WHERE account.name = ?"
        while not look_up(installation, query, caller.name):  # who leaves before that has asked for nothing
            assert time.monotonic() < ends
            time.sleep(0.02)
    ends = time.monotonic() + SETTLED_S
    query = "SELECT task_hold.state FROM task_hold JOIN account ON account.id = task_hold.account WHERE account.name = ?"
    while (held := look_up(installation, query, caller.name)) == [("open",)] and time.monotonic() < ends:
        time.sleep(0.2)
    assert (held, caller.balance()) == ([("captured",)], 0.96)


@pytest.mark.parametrize(
    ("fields", "status", "param"),
    [
        ({"prompt": "x" * 1001}, 400, "prompt"),
        ({"n": 11}, 400, "n"),
        ({"size": "large"}, 400, "size"),
        ({"extra_body": {"aspect_ratio": "5:4"}}, 400, "aspect_ratio"),
        ({"response_format": "jpeg"}, 400, "response_format"),
        ({"extra_body": {"image": "http://127.0.0.1/a.png"}}, 400, "image"),
        ({"extra_body": {"image": "bm8gcGljdHVyZQ=="}}, 400, "image"),
        ({"stream": True}, 400, "stream"),
        ({"model": "flux-nothing"}, 404, "model"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_rules_of_the_fields(client: openai.OpenAI, fields: dict[str, Any], status: int, param: str) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        client.images.generate(**{"model": "flux-dev", "prompt": "a fox", **fields})
    assert (refused.value.status_code, refused.value.param) == (status, param)


def test_any_vendor_of_pictures_is_served_in_this_shape(client: openai.OpenAI) -> None:
    answer = client.images.generate(model="kling-v1", prompt="a fox", n=2, size="1024x1792")
    assert answer.data is not None
    assert [opened(fetched(str(one.url))).height for one in answer.data] == [1024, 1024]
    listed = {model.id for model in client.models.list().data}
    assert {"flux-pro-1.1", "flux-kontext-pro", "kling-v1", "dall-e-3"} <= listed


def drawn_in_time(caller: Caller) -> list[Any]:
    """Return a picture that came within the time that the gateway waits: on a busy machine not each does."""
    for _ in range(TRIES):
        with contextlib.suppress(openai.InternalServerError):
            return caller.draw()
    raise AssertionError("no picture came in time")


def test_what_is_late_expires_and_costs_nothing(tmp_path: Path) -> None:
    running = Installation(tmp_path / "data", "--image-wait-s", "3")
    try:
        caller = Caller(running, "late", "1")
        started = time.monotonic()
        with pytest.raises(openai.InternalServerError) as refused:
            caller.draw("a fox\nmagic: slow-task", n=2)
        assert (refused.value.status_code, refused.value.code) == (504, "upstream_timeout")
        assert refused.value.response.headers["x-should-retry"] == "false"
        assert time.monotonic() - started >= 3  # and not twelve, after which the vendor would have made it
        assert caller.balance() == 1.0
        assert len(drawn_in_time(caller)) == 1
    finally:
        assert running.stop() == 0
    audit = running.json("audit")
    assert audit["balances"], audit
    assert audit["report"]["books"][0]["tasks_nanos"] == 0, audit

"""Ideogram 3.0 through a running gateway against the make-believe vendor: forms, masks, pictures, cents."""

import base64
import io
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation

PATH = "/ideogram/v1/ideogram-v3/"
CENT = 10_000_000


def png(width: int, height: int, *, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, kind)
    return buffer.getvalue()


class Ideogram:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation) -> None:
        self.data = installation.data
        self.client = httpx2.Client(base_url=installation.base_url, headers={"Api-Key": installation.test_key}, timeout=60)

    def form(self, operation: str, **fields: Any) -> httpx2.Response:
        """Post a form: bytes are files, lists are repeated parts."""
        parts: list[tuple[str, Any]] = []
        for name, value in fields.items():
            for one in value if isinstance(value, list) else [value]:
                parts.append((name, ("a.png", one, "image/png") if isinstance(one, bytes) else (None, str(one))))
        return self.client.post(PATH + operation, files=parts)

    def made(self, operation: str, **fields: Any) -> list[dict[str, Any]]:
        answer = self.form(operation, **fields)
        assert answer.status_code == 200, answer.text
        return list(answer.json()["data"])

    def size(self, url: str) -> tuple[int, int]:
        """Return the size of the picture at an address, which needs no key."""
        answer = httpx2.get(url, timeout=60)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
        with Image.open(io.BytesIO(answer.content)) as image:
            image.load()
            return image.size

    def charged_nanos(self) -> int:
        with closing(sqlite3.connect(f"file:{self.data / 'modelgate.db'}?mode=ro", uri=True)) as database:
            (row,) = database.execute("SELECT amount_nanos, state FROM task ORDER BY created_at DESC LIMIT 1").fetchall()
            assert row[1] in ("succeeded", "failed")
            return int(row[0])

    def error(self, operation: str, status: int, **fields: Any) -> dict[str, Any]:
        answer = self.form(operation, **fields)
        assert answer.status_code == status, answer.text
        error: dict[str, Any] = answer.json()["error"]
        assert set(error) == {"message", "type", "code", "param"}
        assert answer.headers["x-request-id"] in error["message"]
        return error


@pytest.fixture(scope="module")
def ideogram(installation: Installation) -> Iterator[Ideogram]:
    made = Ideogram(installation)
    with made.client:
        yield made


RATIOS = ("1x3", "3x1", "1x2", "2x1", "9x16", "16x9", "10x16", "16x10", "2x3", "3x2", "3x4", "4x3", "4x5", "5x4", "1x1")


def test_every_ratio_gives_its_picture(ideogram: Ideogram) -> None:
    def drawn(ratio: str) -> tuple[str, tuple[int, int]]:
        return ratio, ideogram.size(ideogram.made("generate", prompt="a kite", aspect_ratio=ratio)[0]["url"])

    with ThreadPoolExecutor(4) as pool:
        for ratio, (width, height) in pool.map(drawn, RATIOS):
            across, _, down = ratio.partition("x")
            assert width / height == pytest.approx(int(across) / int(down), rel=0.02)


def test_several_pictures_of_one_resolution(ideogram: Ideogram) -> None:
    pictures = ideogram.made(
        "generate", prompt="a flock", num_images=3, resolution="1536x640", seed=7, magic_prompt="OFF", style_type="DESIGN"
    )
    assert [one["seed"] for one in pictures] == [7, 8, 9]
    assert {(one["prompt"], one["resolution"], one["style_type"], one["is_image_safe"]) for one in pictures} == {
        ("a flock", "1536x640", "DESIGN", True)
    }
    assert {ideogram.size(one["url"]) for one in pictures} == {(1536, 640)}
    assert len({one["url"] for one in pictures}) == 3


def test_a_picture_goes_through_every_operation(ideogram: Ideogram) -> None:
    picture = png(320, 200, kind="WEBP")
    (edited,) = ideogram.made("edit", prompt="a hat", image=picture, mask=png(320, 200))
    assert ideogram.size(edited["url"]) == (320, 200)
    (remixed,) = ideogram.made("remix", prompt="in winter", image=edited["url"], image_weight=80, aspect_ratio="2x1")
    assert ideogram.size(remixed["url"]) == (1408, 704)
    (reframed,) = ideogram.made("reframe", image=remixed["url"], resolution="512x1536", style_reference_images=[picture, edited["url"]])
    assert ideogram.size(reframed["url"]) == (512, 1536)
    (moved,) = ideogram.made("replace-background", image=reframed["url"], prompt="a beach", style_codes=["00AAff11", "12345678"])
    assert ideogram.size(moved["url"]) == (512, 1536)


@pytest.mark.parametrize(
    "path",
    ["/v1/ideogram-v3/generate", "/ideogram/generate", "/ideogram/v1/ideogram-v3/generate/"],
)
def test_json_and_the_other_paths(ideogram: Ideogram, path: str) -> None:
    answer = ideogram.client.post(path, json={"prompt": "a fox", "color_palette": {"name": "EMBER"}})
    assert answer.status_code == 200
    assert answer.json()["data"][0]["url"]


@pytest.mark.parametrize("path", ["/v1/ideogram-v3/inpaint", "/ideogram/v1/ideogram-v3/inpaint", "/ideogram/edit"])
def test_the_newer_name_of_edit(ideogram: Ideogram, path: str) -> None:
    error = ideogram.client.post(path, json={"prompt": "a hat"})
    assert (error.status_code, error.json()["error"]["param"]) == (400, "image")


@pytest.mark.parametrize(
    ("fields", "cents"),
    [
        ({}, 6),
        ({"rendering_speed": "FLASH"}, 3),
        ({"rendering_speed": "TURBO", "num_images": 2}, 6),
        ({"rendering_speed": "DEFAULT"}, 6),
        ({"rendering_speed": "QUALITY"}, 9),
        ({"character_reference_images": png(40, 30)}, 15),
        ({"character_reference_images": png(40, 30), "rendering_speed": "TURBO"}, 10),
        (
            {
                "character_reference_images": png(40, 30),
                "character_reference_images_mask": png(40, 30),
                "rendering_speed": "QUALITY",
                "num_images": 2,
            },
            40,
        ),
    ],
)
def test_the_price_is_by_speed_and_character(ideogram: Ideogram, fields: dict[str, Any], cents: int) -> None:
    ideogram.made("generate", prompt="a person", **fields)
    assert ideogram.charged_nanos() == cents * CENT


def test_a_withheld_picture_has_no_address_and_is_charged(ideogram: Ideogram) -> None:
    withheld, shown = ideogram.made("generate", prompt="a crowd\nmagic: blocked-answer", num_images=2)
    assert (withheld["is_image_safe"], withheld["url"], shown["is_image_safe"]) == (False, None, True)
    assert ideogram.size(shown["url"]) == (1024, 1024)
    assert ideogram.charged_nanos() == 12 * CENT
    (alone,) = ideogram.made("generate", prompt="a crowd\nmagic: blocked-answer")
    assert (alone["is_image_safe"], alone["url"]) == (False, None)
    assert ideogram.charged_nanos() == 6 * CENT


@pytest.mark.parametrize(
    ("operation", "fields", "param"),
    [
        ("generate", {"seed": 1}, "prompt"),
        ("generate", {"prompt": "x", "num_images": 9}, "num_images"),
        ("generate", {"prompt": "x", "resolution": "1x1"}, "resolution"),
        ("edit", {"prompt": "x", "image": png(40, 30)}, "mask"),
        ("edit", {"prompt": "x", "image": png(40, 30), "mask": png(30, 40)}, "mask"),
        ("edit", {"prompt": "x", "image": b"GIF89a", "mask": png(30, 40)}, "image"),
        ("remix", {"prompt": "x", "image": "http://127.0.0.1/a.png"}, "image"),
        (
            "generate",
            {"prompt": "x", "character_reference_images": png(4, 3), "character_reference_images_mask": png(3, 4)},
            "character_reference_images_mask",
        ),
        ("reframe", {"image": png(40, 30), "resolution": "1x1"}, "resolution"),
    ],
)
def test_a_broken_rule_is_told_before_anybody_is_asked(ideogram: Ideogram, operation: str, fields: dict[str, Any], param: str) -> None:
    error = ideogram.error(operation, 400, **fields)
    assert error["param"] == param
    assert param in error["message"]


@pytest.mark.parametrize(
    ("word", "status", "code"),
    [
        ("blocked-prompt", 422, "content_policy_violation"),
        ("fail-task", 422, "content_policy_violation"),
        ("error-400", 400, "invalid_request"),
        ("error-401", 502, "generation_failed"),
        ("error-500", 502, "generation_failed"),
        ("unknown-submit", 502, "generation_failed"),
    ],
)
def test_what_the_vendor_refuses_or_loses_costs_nothing(ideogram: Ideogram, word: str, status: int, code: str) -> None:
    """The book is proved at the end of the session: what is not captured was given back."""
    assert ideogram.error("generate", status, prompt=f"a fox\nmagic: {word}")["code"] == code


def test_more_pictures_than_the_vendor_makes_at_once_wait_their_turn(ideogram: Ideogram) -> None:
    def count(number: int) -> int:
        return len(ideogram.made("generate", prompt=f"flock {number}", num_images=8))

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(count, range(3))) == [8, 8, 8]


def test_no_key(ideogram: Ideogram) -> None:
    answer = httpx2.post(f"{ideogram.client.base_url}{PATH}generate", json={"prompt": "x"}, timeout=60)
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "invalid_request_error")


def test_the_plain_way_and_openais_pictures_reach_the_same_model(ideogram: Ideogram) -> None:
    mask = "data:image/png;base64," + base64.b64encode(png(40, 30)).decode()
    asked = {"prompt": "a hat", "quality": "turbo", "n": 2, "inputs": [{"role": "image", "file": mask}, {"role": "mask", "file": mask}]}
    quote = ideogram.client.post("/v1/tasks/quote", json={"model": "ideogram-v3", "operation": "image.edit", "input": asked})
    assert (quote.status_code, quote.json()["amount_usd"]) == (200, "0.06")
    task = ideogram.client.post("/v1/tasks", json={"model": "ideogram-v3", "operation": "image.edit", "input": asked}).json()
    assert (task["state"], [ideogram.size(output["url"]) for output in task["outputs"]]) == ("succeeded", [(40, 30)] * 2)
    made = ideogram.client.post("/v1/images/generations", json={"model": "ideogram-v3", "prompt": "a fox", "size": "1536x1024"})
    assert ideogram.size(made.json()["data"][0]["url"]) == (1248, 832)


def test_a_picture_withheld_from_openais_clients_is_said_to_be_charged(ideogram: Ideogram) -> None:
    """The answer said "Nothing was charged", while the vendor bills what it made and withholds, and so do we."""
    body = {"model": "ideogram-v3", "prompt": "a crowd\nmagic: blocked-answer"}
    error = ideogram.client.post("/v1/images/generations", json=body)
    assert (error.status_code, error.json()["error"]["code"]) == (400, "content_policy_violation")
    assert "it was charged" in error.json()["error"]["message"]
    assert ideogram.charged_nanos() == 6 * CENT


def test_another_modelgate_can_be_the_upstream(tmp_path: Path) -> None:
    """Live calls go to this family's own paths, and from there to the make-believe vendor."""
    running = Installation(tmp_path / "data", "--drain-s", "2")
    try:
        running.run("upstreams", "add", "ideogram", "--base-url", f"{running.base_url}/ideogram", typed=running.test_key + "\n")
        live = Ideogram(running)
        live.client.headers["Api-Key"] = key = running.key()
        running.followed("ideogram-v3", "image", key)
        (made,) = live.made("generate", prompt="a kite", aspect_ratio="16x9", magic_prompt="OFF")
        assert (live.size(made["url"]), made["prompt"], made["resolution"]) == ((1280, 720), "a kite", "1280x720")
        (edited,) = live.made("edit", prompt="a hat", image=png(40, 30), mask=png(40, 30))
        assert live.size(edited["url"]) == (40, 30)
        assert live.error("generate", 422, prompt="a fox\nmagic: blocked-prompt")["code"] == "content_policy_violation"
        live.client.close()
    finally:
        assert running.stop() == 0

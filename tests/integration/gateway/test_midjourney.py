"""The Midjourney family through a running gateway, by plain HTTP: every call, every button, cent by cent."""

import base64
import io
import json
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation

END_S = 120.0
"""Longest wait for the end of a task."""


class Answer(NamedTuple):
    status: int
    headers: Any
    content: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.content)


def send(url: str, *, headers: dict[str, str], body: Any = None) -> Answer:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**headers, "content-type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return Answer(response.status, response.headers, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, error.read())


class Midjourney:
    """One key's view of the gateway."""

    def __init__(self, installation: Installation, key: str = "") -> None:
        self.url = installation.base_url
        self.key = key or installation.test_key

    def call(self, path: str, body: Any = None, *, prefix: str = "mj") -> Answer:
        return send(f"{self.url}/{prefix}/{path}", headers={"mj-api-secret": self.key}, body=body)

    def submit(self, path: str, *, code: int = 1, prefix: str = "mj", **fields: Any) -> Any:
        answer = self.call(path, fields, prefix=prefix)
        assert answer.status == 200, answer
        assert answer.body["code"] == code, answer
        return answer.body["result"]

    def fetch(self, task: str) -> dict[str, Any]:
        return dict(self.call(f"task/{task}/fetch").body)

    def ended(self, task: str) -> dict[str, Any]:
        ends = time.monotonic() + END_S
        while True:
            told = self.fetch(task)
            if told["status"] in ("SUCCESS", "FAILURE") or time.monotonic() > ends:
                return told
            time.sleep(0.1)

    def made(self, path: str, **fields: Any) -> dict[str, Any]:
        told = self.ended(self.submit(path, **fields))
        assert (told["status"], told["progress"]) == ("SUCCESS", "100%"), told
        return told

    def refused(self, path: str, **fields: Any) -> tuple[int, int, str]:
        answer = self.call(path, fields)
        assert answer.body["error"]["message"], answer
        return answer.status, answer.body["code"], answer.body["description"]


def button(told: dict[str, Any], label: str) -> str:
    return next(str(one["customId"]) for one in told["buttons"] if label in (one["label"], one["emoji"]))


def file(url: str) -> bytes:
    return send(url, headers={}).content


def size(url: str) -> tuple[int, int]:
    with Image.open(io.BytesIO(file(url))) as image:
        image.load()
        return image.size


def picture(width: int = 96, height: int = 64) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 200)).save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


@pytest.fixture
def midjourney(installation: Installation) -> Midjourney:
    return Midjourney(installation)


@pytest.fixture(scope="module")
def grid(installation: Installation) -> dict[str, Any]:
    return Midjourney(installation).made("submit/imagine", prompt="a red fox --ar 16:9", state="mine")


@pytest.fixture(scope="module")
def large(installation: Installation, grid: dict[str, Any]) -> dict[str, Any]:
    return Midjourney(installation).made("submit/change", taskId=grid["id"], action="UPSCALE", index=1)


def test_a_grid(midjourney: Midjourney, grid: dict[str, Any]) -> None:
    assert grid["id"].startswith("task_")
    assert (grid["action"], grid["state"], grid["prompt"], grid["botType"]) == ("IMAGINE", "mine", "a red fox --ar 16:9", "MID_JOURNEY")
    assert grid["description"] == "/imagine a red fox --ar 16:9"
    assert 1_700_000_000_000 < grid["submitTime"] <= grid["startTime"] <= grid["finishTime"]
    assert [one["label"] for one in grid["buttons"]] == ["U1", "U2", "U3", "U4", "", "V1", "V2", "V3", "V4"]
    assert size(grid["imageUrl"]) == (1024, 576)
    by_id = send(f"{midjourney.url}/mj/image/{grid['id']}", headers={})
    assert (by_id.status, by_id.headers["content-type"], by_id.content) == (200, "image/png", file(grid["imageUrl"]))
    seed = midjourney.call(f"task/{grid['id']}/image-seed").body
    assert (seed["code"], seed["result"].isdecimal()) == (1, True)


def test_a_preview_while_it_is_drawn(installation: Installation, midjourney: Midjourney) -> None:
    task = midjourney.submit("submit/imagine", prompt="a red fox\nmagic: slow-task")
    early = send(f"{midjourney.url}/mj/image/{task}", headers={})
    ends = time.monotonic() + END_S
    while not (told := midjourney.fetch(task))["imageUrl"] and time.monotonic() < ends:
        time.sleep(0.1)
    assert (told["status"], told["buttons"]) == ("IN_PROGRESS", [])
    assert told["imageUrl"].startswith(f"{midjourney.url}/mj/image/{task}?rand=")
    shown = send(told["imageUrl"], headers={})
    assert (shown.status, shown.headers["content-type"], shown.headers["cache-control"]) == (200, "image/png", "no-store")
    assert size(told["imageUrl"]) == (1024, 1024)
    assert early.status in (200, 400)
    plain_task = send(f"{midjourney.url}/v1/tasks/{task}", headers={"authorization": f"Bearer {midjourney.key}"}).body
    assert (plain_task["state"], plain_task["outputs"]) == ("running", [])
    assert midjourney.call(f"task/{task}/cancel", {}).body["code"] == 1
    assert midjourney.fetch(task)["imageUrl"] == ""
    gone = send(f"{midjourney.url}/mj/image/{task}", headers={})
    assert (gone.status, gone.body["error"]) == (400, "midjourney_task_not_found")


def test_change_and_simple_change(midjourney: Midjourney, grid: dict[str, Any], large: dict[str, Any]) -> None:
    assert (large["action"], large["prompt"]) == ("UPSCALE", grid["prompt"])
    assert size(large["imageUrl"]) == (1024, 576)
    varied = midjourney.submit("submit/simple-change", content=f"{grid['id']} v3")
    again = midjourney.submit("submit/change", taskId=grid["id"], action="REROLL")
    assert [midjourney.ended(one)["action"] for one in (varied, again)] == ["VARIATION", "REROLL"]


def test_the_same_upscale_again_ends_with_what_there_is(midjourney: Midjourney, grid: dict[str, Any], large: dict[str, Any]) -> None:
    again = midjourney.made("submit/simple-change", content=f"{grid['id']} U1")
    assert again["id"] != large["id"]
    assert file(again["imageUrl"]) == file(large["imageUrl"])


def test_every_button_of_a_large_picture(midjourney: Midjourney, large: dict[str, Any]) -> None:
    def press(custom_id: str) -> tuple[str, dict[str, Any]]:
        told = midjourney.ended(midjourney.submit("submit/action", taskId=large["id"], customId=custom_id))
        return told["action"], told

    plain = [
        one["customId"] for one in large["buttons"] if not any(word in one["customId"] for word in ("Inpaint", "CustomZoom", "BOOKMARK"))
    ]
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(press, plain))
    assert [told["status"] for _, told in made] == ["SUCCESS"] * len(plain), made
    assert {action for action, _ in made} == {"UPSCALE", "LOW_VARIATION", "HIGH_VARIATION", "ZOOM", "PAN", "VIDEO"}
    assert all(told["videoUrl"] for action, told in made if action == "VIDEO")
    refused = midjourney.refused(
        "submit/action", taskId=large["id"], customId=next(i["customId"] for i in large["buttons"] if "BOOKMARK" in i["customId"])
    )
    assert (refused[:2], "unknown_action" in refused[2]) == ((400, 4), True)


def test_a_dialog(midjourney: Midjourney, large: dict[str, Any]) -> None:
    opened = midjourney.submit("submit/action", taskId=large["id"], customId=button(large, "Vary (Region)"), code=21)
    assert midjourney.fetch(opened)["status"] == "MODAL"
    assert midjourney.refused("submit/modal", taskId=opened, prompt="a hat")[1] == 4
    filled = midjourney.made("submit/modal", taskId=opened, prompt="a hat", maskBase64=picture(1024, 576))
    assert (filled["action"], filled["prompt"]) == ("INPAINT", "a hat")
    zoom = midjourney.submit("submit/action", taskId=large["id"], customId=button(large, "Custom Zoom"), code=21)
    assert midjourney.made("submit/modal", taskId=zoom, prompt="a fox --zoom 1.8")["action"] == "CUSTOM_ZOOM"


def test_remix(midjourney: Midjourney, grid: dict[str, Any]) -> None:
    opened = midjourney.submit("submit/action", taskId=grid["id"], customId=button(grid, "V1"), enableRemix=True, code=21)
    assert midjourney.made("submit/modal", taskId=opened, prompt="a blue fox")["prompt"] == "a blue fox"
    assert midjourney.fetch(opened)["status"] == "FAILURE", "a dialog that is filled in is over"
    assert midjourney.refused("submit/modal", taskId=opened, prompt="a green fox")[:2] == (400, 4)


def test_words_about_pictures_and_prompts(midjourney: Midjourney) -> None:
    described = midjourney.made("submit/describe", base64=picture())
    assert described["properties"]["finalPrompt"].count("\n\n") == 3
    shortened = midjourney.made("submit/shorten", prompt="a very very red fox in the snow")
    assert shortened["properties"]["finalPrompt"].count("\n\n") == 4
    pressed = midjourney.made("submit/action", taskId=described["id"], customId="MJ::Job::PicReader::1")
    assert size(pressed["imageUrl"]) == (1024, 1024)


def test_pictures_in(midjourney: Midjourney, grid: dict[str, Any]) -> None:
    blended = midjourney.submit("submit/blend", base64Array=[picture(), grid["imageUrl"]], dimensions="PORTRAIT")
    swapped = midjourney.submit("insight-face/swap", sourceBase64=picture(), targetBase64=picture(300, 200))
    edited = midjourney.submit("submit/edits", prompt="at night --ar 2:3", image=grid["imageUrl"], maskBase64="")
    shown = midjourney.submit("submit/imagine", prompt="like this", base64Array=[picture().partition(",")[2]])
    urls = [midjourney.ended(task)["imageUrl"] for task in (blended, swapped, edited, shown)]
    assert [width / height for width, height in map(size, urls)] == pytest.approx([2 / 3, 1.5, 2 / 3, 1.0], rel=0.02)


def test_upload(midjourney: Midjourney) -> None:
    (url,) = midjourney.submit("submit/upload-discord-images", base64Array=[picture()])
    assert file(url) == base64.b64decode(picture().partition(",")[2])


def test_videos(midjourney: Midjourney) -> None:
    film = midjourney.made(
        "submit/video", prompt="it jumps", image=picture(), batchSize=2, motion="high", videoType="vid_1.1_i2v_480", endImage=""
    )
    assert (len(film["videoUrls"]), film["videoUrl"]) == (2, film["videoUrls"][0]["url"])
    assert file(film["videoUrl"])[4:8] == b"ftyp"
    longer = midjourney.made("submit/video", action="extend", taskId=film["id"], index=1, batchSize=1)
    assert (longer["action"], len(longer["videoUrls"])) == ("VIDEO_EXTEND", 1)
    assert "2 videos" in midjourney.refused("submit/video", action="extend", taskId=film["id"], index=3)[2]


def test_many_at_once(midjourney: Midjourney, grid: dict[str, Any], large: dict[str, Any]) -> None:
    listed = midjourney.call("task/list-by-condition", {"ids": [large["id"], "1320098173412546", grid["id"]]}).body
    assert [one["id"] for one in listed] == [large["id"], grid["id"]]
    assert midjourney.call("task/list-by-condition", {"ids": []}).body == []


@pytest.mark.parametrize(
    ("path", "fields", "said"),
    [
        ("submit/imagine", {}, "prompt_is_required"),
        ("submit/imagine", {"prompt": "  "}, "prompt_is_required"),
        ("submit/imagine", {"prompt": 7}, "prompt is 7"),
        ("submit/imagine", {"prompt": "x", "botType": "DALLE"}, "botType"),
        ("submit/imagine", {"prompt": "x", "notifyHook": "nowhere"}, "notifyHook"),
        ("submit/imagine", {"prompt": "x", "state": "s" * 256}, "state"),
        ("submit/imagine", {"prompt": "x", "accountFilter": {"modes": ["SLOW"]}}, "accountFilter.modes"),
        ("submit/imagine", {"prompt": "x", "base64Array": ["%"]}, "base64Array[0]"),
        ("submit/imagine", {"prompt": "x", "base64Array": ["aGVsbG8="]}, "base64Array"),
        ("submit/blend", {"base64Array": [picture()]}, "base64Array"),
        ("submit/blend", {"base64Array": [picture()] * 6}, "base64Array"),
        ("submit/blend", {"base64Array": [picture()] * 2, "dimensions": "ROUND"}, "dimensions"),
        ("submit/describe", {}, "base64"),
        ("submit/describe", {"link": "http://10.0.0.1/x.png"}, "The address in link"),
        ("submit/describe", {"base64": picture(), "link": 5}, "link is 5"),
        ("submit/describe", {"base64": "R0lGODlhAQABAAAAADs="}, "The picture in base64"),
        ("submit/shorten", {}, "prompt_is_required"),
        ("submit/change", {"action": "REROLL"}, "task_id_is_required"),
        ("submit/change", {"taskId": "x"}, "action_is_required"),
        ("submit/change", {"taskId": "x", "action": "UPSCALE"}, "index_is_required"),
        ("submit/change", {"taskId": "x", "action": "UPSCALE", "index": 5}, "index_parse_failed"),
        ("submit/change", {"taskId": "x", "action": "REROLL"}, "task_not_found"),
        ("submit/simple-change", {}, "content_is_required"),
        ("submit/simple-change", {"content": "x U5"}, "content_parse_failed"),
        ("submit/action", {"taskId": "x"}, "custom_id_is_required"),
        ("submit/action", {"taskId": "x", "customId": "MJ"}, "unknown_action:MJ"),
        ("submit/modal", {"prompt": "x"}, "task_id_is_required"),
        ("submit/edits", {"prompt": "x"}, "image"),
        ("submit/edits", {"prompt": "x", "image": picture(), "maskBase64": picture(64, 64)}, "maskBase64"),
        ("submit/video", {"prompt": "x"}, "image"),
        ("submit/video", {"image": picture(), "batchSize": 3}, "batchSize"),
        ("submit/video", {"image": picture(), "taskId": 5}, "taskId"),
        ("submit/video", {"image": picture(), "motion": "wild"}, "motion"),
        ("submit/video", {"image": picture(), "videoType": "vid_9"}, "videoType"),
        ("submit/upload-discord-images", {}, "base64Array"),
        ("insight-face/swap", {"sourceBase64": picture(), "targetUrl": "http://10.0.0.1/x.png"}, "The address in targetUrl"),
        ("insight-face/swap", {"sourceBase64": picture()}, "sour_base64_and_target_base64_is_required"),
    ],
)
def test_a_broken_rule_is_named(midjourney: Midjourney, path: str, fields: dict[str, Any], said: str) -> None:
    status, _, description = midjourney.refused(path, **fields)
    assert (status, said in description) == (400, True), description


def test_what_the_upstream_refuses_is_passed_on(midjourney: Midjourney) -> None:
    assert midjourney.refused("submit/imagine", prompt="a fox in gore")[:2] == (200, 24)
    assert midjourney.refused("submit/imagine", prompt="a fox --ar 99:1")[:2] == (200, 4)


def test_not_ready_and_not_changeable(midjourney: Midjourney, large: dict[str, Any]) -> None:
    running = midjourney.submit("submit/imagine", prompt="a fox\nmagic: slow-task")
    assert "task_status_not_success" in midjourney.refused("submit/change", taskId=running, action="REROLL")[2]
    assert midjourney.call(f"task/{running}/image-seed").status == 400
    assert "UPSCALE" in midjourney.refused("submit/change", taskId=large["id"], action="REROLL")[2]
    assert midjourney.call(f"task/{running}/cancel", {}).body["code"] == 1
    assert midjourney.fetch(running)["status"] == "FAILURE"
    assert midjourney.call(f"task/{running}/cancel", {}).status == 409


def test_a_foreign_task_is_absent(installation: Installation, grid: dict[str, Any]) -> None:
    installation.run("accounts", "create", "--name", "mj-stranger")
    stranger = Midjourney(installation, installation.key("--account", "mj-stranger", "--test"))
    for answer in (
        stranger.call(f"task/{grid['id']}/fetch"),
        stranger.call(f"task/{grid['id']}/image-seed"),
        stranger.call("task/x/fetch"),
    ):
        assert (answer.status, answer.body["code"]) == (400, 3)
    assert stranger.refused("submit/change", taskId=grid["id"], action="REROLL")[0] == 400
    assert stranger.call("task/list-by-condition", {"ids": [grid["id"]]}).body == []


def test_keys(installation: Installation, midjourney: Midjourney) -> None:
    nobody = send(f"{installation.base_url}/mj/submit/imagine", headers={}, body={"prompt": "x"})
    assert (nobody.status, nobody.body["error"]["type"]) == (401, "invalid_request_error")
    bearer = send(f"{midjourney.url}/mj/submit/imagine", headers={"authorization": f"Bearer {midjourney.key}"}, body={"prompt": "x"})
    assert bearer.body["code"] == 1


@pytest.mark.parametrize(("prefix", "speed"), [("mj-fast/mj", "FAST"), ("mj-relax/mj", "RELAX"), ("mj-turbo/mj", "TURBO")])
def test_speeds(midjourney: Midjourney, prefix: str, speed: str) -> None:
    task = midjourney.submit("submit/imagine", prompt="a fox --relax", prefix=prefix)
    told = json.loads(send(f"{midjourney.url}/{prefix}/task/{task}/fetch", headers={"mj-api-secret": midjourney.key}).content)
    assert told["prompt"] == "a fox", speed
    assert midjourney.ended(task)["status"] == "SUCCESS"


def test_a_failed_task(midjourney: Midjourney) -> None:
    told = midjourney.ended(midjourney.submit("submit/imagine", prompt="a fox\nmagic: fail-task"))
    assert (told["status"], told["progress"], bool(told["failReason"]), told["imageUrl"]) == ("FAILURE", "100%", True, "")


def test_money(installation: Installation) -> None:
    installation.run("accounts", "create", "--name", "mj-payer")
    installation.run("accounts", "limit", "mj-payer", "prepaid", "--test")
    installation.run("accounts", "credit", "mj-payer", "1", "--test")
    payer = Midjourney(installation, installation.key("--account", "mj-payer", "--test"))

    def left() -> float:
        accounts = {account["name"]: account for account in installation.json("accounts", "list")}
        return float(accounts["mj-payer"]["books"]["test"]["balance_usd"])

    grid = payer.made("submit/imagine", prompt="a fox")
    assert left() == pytest.approx(0.9)
    large = payer.made("submit/change", taskId=grid["id"], action="UPSCALE", index=1)
    assert left() == pytest.approx(0.85)
    payer.ended(payer.submit("submit/imagine", prompt="a fox\nmagic: fail-task"))
    assert left() == pytest.approx(0.85), "a failed task is free"
    payer.ended(payer.submit("submit/imagine", prompt="a fox", prefix="mj-turbo/mj"))
    assert left() == pytest.approx(0.65)
    opened = payer.submit("submit/action", taskId=large["id"], customId=button(large, "Custom Zoom"), code=21)
    assert left() == pytest.approx(0.65), "a dialog is free"
    remix = payer.submit("submit/action", taskId=grid["id"], customId=button(grid, "V1"), enableRemix=True, code=21)
    assert left() == pytest.approx(0.55), "that of a priced button holds its price"
    payer.ended(payer.submit("submit/modal", taskId=remix, prompt="a fox\nmagic: fail-task"))
    assert left() == pytest.approx(0.65), "and gives it back when it is filled in"
    payer.made("submit/modal", taskId=opened, prompt="a fox --zoom 1.5")
    assert left() == pytest.approx(0.55)
    # A dialog that was opened at turbo could be filled in at relax: the upstream went on at turbo, for a quarter of its price.
    opened = payer.submit("submit/action", taskId=large["id"], customId=button(large, "Custom Zoom"), code=21, prefix="mj-turbo/mj")
    dodged = payer.call("submit/modal", {"taskId": opened, "prompt": "a fox --zoom 1.5"}, prefix="mj-relax/mj")
    assert (dodged.status, dodged.body["error"]["param"]) == (400, "mode")
    assert (
        plain(payer, model="mj_modal", input={"parent": {"task": opened}, "quality": "relax", "prompt": "a fox --zoom 1.5"}).status == 400
    )
    payer.made("submit/modal", taskId=opened, prompt="a fox --zoom 1.5")
    assert left() == pytest.approx(0.35)
    assert payer.refused("submit/video", image=picture())[0] == 400
    assert "quota_not_enough" in payer.refused("submit/video", image=picture())[2]
    assert left() == pytest.approx(0.35)


def plain(midjourney: Midjourney, **body: Any) -> Answer:
    return send(f"{midjourney.url}/v1/tasks", headers={"authorization": f"Bearer {midjourney.key}"}, body=body)


def test_the_plain_way_and_this_one_see_the_same_tasks(midjourney: Midjourney, grid: dict[str, Any]) -> None:
    made = plain(midjourney, model="mj_imagine", input={"prompt": "a fox", "aspect_ratio": "3:2", "quality": "turbo"}).body["id"]
    told = midjourney.ended(made)
    assert (told["action"], told["status"], size(told["imageUrl"])) == ("IMAGINE", "SUCCESS", (1008, 672))
    assert send(f"{midjourney.url}/mj/image/{made}", headers={}).status == 400, (
        "who asked the plain way was promised signed addresses alone"
    )
    parent, options = {"task": grid["id"]}, {"midjourney_custom_id": button(grid, "U3")}
    pressed = plain(midjourney, model="mj_upscale", operation="image.action", input={"parent": parent, "options": options}).body["id"]
    assert midjourney.ended(pressed)["status"] == "SUCCESS"
    film = plain(midjourney, model="mj_video", input={"prompt": "it jumps", "image": picture(), "resolution": "480p"}).body["id"]
    assert len(midjourney.ended(film)["videoUrls"]) == 4


def test_the_plain_way_pays_for_what_is_done(midjourney: Midjourney, grid: dict[str, Any]) -> None:
    wanted = {"parent": {"task": grid["id"]}, "options": {"midjourney_custom_id": button(grid, "U3")}}
    dodged = plain(midjourney, model="mj_inpaint", operation="image.action", input=wanted)
    assert (dodged.status, "mj_upscale" in dodged.body["error"]["message"]) == (400, True)
    assert plain(midjourney, model="mj_imagine", input={"prompt": "a fox --turbo"}).status == 400


def test_another_modelgate_can_be_the_upstream(tmp_path: Path) -> None:
    """Live calls go to this family's own paths, and from there to the make-believe proxy."""
    running = Installation(tmp_path / "data", "--drain-s", "2")
    try:
        running.run("upstreams", "add", "midjourney", "--base-url", running.base_url, typed=running.test_key + "\n")
        key = running.key()
        running.followed("mj_imagine", "image", key)
        live = Midjourney(running, key)
        grid = live.made("submit/imagine", prompt="a red fox --ar 3:2", base64Array=[picture()])
        assert size(grid["imageUrl"]) == (1008, 672)
        turbo = live.ended(live.submit("submit/imagine", prompt="a fox", prefix="mj-turbo/mj"))
        assert turbo["status"] == "SUCCESS"
        large = live.made("submit/action", taskId=grid["id"], customId=button(grid, "U2"))
        zoom = live.submit("submit/action", taskId=large["id"], customId=button(large, "Custom Zoom"), code=21)
        assert live.made("submit/modal", taskId=zoom, prompt="a fox --zoom 1.8")["action"] == "CUSTOM_ZOOM"
        assert live.made("submit/describe", base64=picture())["properties"]["finalPrompt"].count("\n\n") == 3
        assert len(live.made("submit/video", image=picture(), batchSize=1)["videoUrls"]) == 1
        assert len(live.submit("submit/upload-discord-images", base64Array=[picture()])) == 1
        assert live.refused("submit/imagine", prompt="a fox in gore")[:2] == (200, 24)
    finally:
        assert running.stop() == 0

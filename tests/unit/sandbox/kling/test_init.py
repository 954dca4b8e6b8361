import base64
import io
import json
from collections.abc import Sequence
from typing import Any

import av
import msgspec
import pytest
from joserfc import jws, jwt
from joserfc.jwk import OctKey
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.kling import API_KEY as KLING_API_KEY
from modelgate.sandbox.kling import CHECKS, PATH, KlingSandbox, check_token, has_file, make_file
from modelgate.sandbox.kling import KEY as KLING_SECRET
from modelgate.sandbox.kling.jobs import MAX_ACTIVE, PROCESSING_S, SLOW_TASK_S, SUBMITTED_S, KlingTask
from modelgate.sandbox.kling.schema import KlingOrder, KlingRefused
from modelgate.sandbox.videos import frame_of

DONE_S = SUBMITTED_S + PROCESSING_S + 0.01


class Vendor:
    """The make-believe Kling with a clock of its own."""

    def __init__(self, recalled: Sequence[KlingTask] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[KlingTask] = []
        kling = KlingSandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remember)
        self.client = TestClient(Starlette(routes=list(kling.routes())), base_url="http://sandbox:81")

    def remember(self, job: KlingTask) -> None:
        """Keep it as it comes back from the disk."""
        self.remembered.append(msgspec.json.decode(msgspec.json.encode(job), type=KlingTask))

    def headers(self) -> dict[str, str]:
        access, _, secret = KLING_SECRET.partition("|")
        claims = {"iss": access, "exp": int(self.now) + 1800, "nbf": int(self.now) - 5}
        return {"authorization": "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, OctKey.import_key(secret))}

    def submit(self, *, status: int = 200, **fields: Any) -> Any:
        response = self.client.post(PATH, json={"prompt": "a fox", **fields}, headers={**self.headers(), "x-request-id": "req_7"})
        assert response.status_code == status
        return response.json()

    def make(self, kind: str, *, status: int = 200, **fields: Any) -> Any:
        """Submit a video."""
        response = self.client.post(f"/kling/v1/videos/{kind}", json=fields, headers={"authorization": f"Bearer {KLING_API_KEY}"})
        assert response.status_code == status, response.text
        return response.json()

    def made(self, kind: str, task_id: str) -> Any:
        """Return a video of a task that is done."""
        answer = self.client.get(f"/kling/v1/videos/{kind}/{task_id}", headers=self.headers()).json()
        assert answer["data"]["task_status"] == "succeed", answer
        return answer["data"]["task_result"]["videos"][0]

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
    for _ in range(MAX_ACTIVE // 9):
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
    for content, kind in (
        (b"{", "application/json"),
        (b'["prompt"]', "application/json"),
        (b"{}", "text/plain"),
        (b"[" * 100_000, "application/json"),
    ):
        response = vendor.client.post(PATH, content=content, headers={**vendor.headers(), "content-type": kind})
        assert (response.status_code, response.json()["code"]) == (400, 1200)


def _seen(video: bytes) -> tuple[int, float, tuple[int, int], int]:
    opened: Any = av.open(io.BytesIO(video))
    with opened as container:
        frames = sum(1 for _ in container.decode(video=0))
        stream = container.streams.video[0]
        return frames, container.duration / 1_000_000, (stream.width, stream.height), len(container.streams.audio)


def test_a_video_is_made_extended_and_spoken_to(vendor: Vendor) -> None:
    task_id = vendor.make("text2video", prompt="a fox runs", aspect_ratio="9:16", external_task_id="ours")["data"]["task_id"]
    assert vendor.make("video-extend", status=404, video_id="nothing")["code"] == 1203
    vendor.now += DONE_S
    video = vendor.made("text2video", "ours")
    assert (video["duration"], set(video)) == ("5.0", {"id", "url", "duration"})
    file = vendor.client.get(video["url"])
    assert file.headers["content-type"] == "video/mp4"
    assert _seen(file.content) == (120, 5.0, (720, 1280), 0)

    longer = vendor.make("video-extend", video_id=video["id"], prompt="and jumps")["data"]["task_id"]
    spoken = {"video_id": video["id"], "mode": "text2video", "text": "hello", "voice_id": "v1"}
    talking = vendor.make("lip-sync", input=spoken)["data"]["task_id"]
    vendor.now += DONE_S
    assert vendor.made("video-extend", longer)["duration"] == "10.0"
    heard = vendor.client.get(vendor.made("lip-sync", talking)["url"]).content
    assert _seen(heard) == (120, pytest.approx(5.0, abs=0.1), (720, 1280), 1)
    shown = vendor.client.get(f"/kling/v1/videos/lip-sync/{talking}", headers=vendor.headers()).json()["data"]
    assert shown["task_info"]["parent_video"] == {"id": video["id"], "url": video["url"]}
    assert (
        vendor.client.get(f"/kling/v1/videos/text2video/{task_id}", headers=vendor.headers()).json()["data"]["final_unit_deduction"] == "1"
    )


def test_a_watermark_has_a_file_of_its_own(vendor: Vendor) -> None:
    task_id = vendor.make("text2video", prompt="a fox", watermark_info={"enabled": True})["data"]["task_id"]
    vendor.now += DONE_S
    video = vendor.made("text2video", task_id)
    assert vendor.client.get(video["watermark_url"]).content != vendor.client.get(video["url"]).content
    assert vendor.client.get(video["watermark_url"].replace("-1.mp4", "-2.mp4")).status_code == 404


def test_a_task_is_found_under_its_own_kind_only(vendor: Vendor) -> None:
    task_id = vendor.make("text2video", prompt="a fox")["data"]["task_id"]
    for path in CHECKS:
        response = vendor.client.get(f"{path}/{task_id}", headers=vendor.headers())
        assert response.status_code == (200 if path.endswith("/text2video") else 404), path
        listed = vendor.client.get(path, headers=vendor.headers()).json()["data"]
        assert len(listed) == path.endswith("/text2video")


def test_videos_fail_as_asked(vendor: Vendor) -> None:
    task_id = vendor.make("text2video", prompt="a fox\nmagic: fail-task")["data"]["task_id"]
    vendor.now += DONE_S
    data = vendor.client.get(f"/kling/v1/videos/text2video/{task_id}", headers=vendor.headers()).json()["data"]
    assert (data["task_status"], bool(data["task_status_msg"])) == ("failed", True)
    assert vendor.make("text2video", status=400, prompt="magic: error-400")["code"] == 1301
    assert vendor.make("lip-sync", status=400)["code"] == 1200


VIDEO = KlingOrder(kind="text2video", model="kling-v1", prompt="a fox", seconds=1, width=320, height=180)
PICTURES = KlingOrder(model="kling-v1", prompt="a fox\nmagic: slow-task", n=2, ratio="3:2")


def test_which_files_there_are() -> None:
    assert [has_file(PICTURES, index=index, kind="png") for index in range(3)] == [True, True, False]
    assert not has_file(PICTURES, index=0, kind="mp4")
    assert [has_file(VIDEO, index=index, kind="mp4") for index in range(2)] == [True, False]
    assert not has_file(VIDEO, index=0, kind="png")


def test_pictures_and_videos_have_their_shape() -> None:
    assert Image.open(io.BytesIO(make_file(PICTURES, index=1))).size == (1008, 672)
    assert Image.open(io.BytesIO(frame_of(make_file(VIDEO, index=0)))).size == (320, 180)


NOW = 1_000_000
ACCESS, _, SECRET = KLING_SECRET.partition("|")


def _token(*, secret: str = SECRET, **claims: Any) -> str:
    given = {"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5, **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return "Bearer " + jwt.encode({"alg": "HS256", "typ": "JWT"}, kept, OctKey.import_key(secret))


def _without_typ() -> str:
    claims = json.dumps({"iss": ACCESS, "exp": NOW + 1800, "nbf": NOW - 5})
    return "Bearer " + jws.serialize_compact({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def test_a_good_token_passes_and_so_does_the_plain_key() -> None:
    check_token(_token(), now=NOW)
    check_token(f"Bearer {KLING_API_KEY}", now=NOW)


@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Bearer nonsense", 1002),
        (f"Bearer {KLING_API_KEY}x", 1002),
        (f"Token {KLING_API_KEY}", 1002),
        ("Bearer a.b.c", 1002),
        ("Bearer ä.b.c", 1002),
        (_token().replace("Bearer ", "Token "), 1002),
        (_token(secret="another secret of sufficient length"), 1002),
        (_token(iss="somebody else"), 1002),
        (_without_typ(), 1000),
        (_token(exp=None), 1000),
        (_token(nbf=None), 1000),
        (_token(exp=str(NOW + 5)), 1000),
        (_token(nbf=NOW + 60), 1003),
        (_token(exp=NOW - 1), 1004),
    ],
)
def test_bad_tokens_are_refused(authorization: str | None, code: int) -> None:
    with pytest.raises(KlingRefused) as caught:
        check_token(authorization, now=NOW)
    assert (caught.value.code, caught.value.status) == (code, 401)

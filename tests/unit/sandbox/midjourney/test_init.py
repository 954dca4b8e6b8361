import io
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter
from modelgate.sandbox.midjourney import MidjourneySandbox
from modelgate.sandbox.midjourney.checks import KEY as MIDJOURNEY_SECRET
from modelgate.sandbox.midjourney.jobs import MidjourneyJob
from modelgate.sandbox.pictures import draw_picture

KEY = {"mj-api-secret": MIDJOURNEY_SECRET}
PICTURE = "data:image/png;base64," + b64encode(draw_picture("a hat", ratio="3:2")).decode()
DONE_S = 2.0


class Vendor:
    """The make-believe proxy with a clock of its own."""

    def __init__(self, recalled: Sequence[MidjourneyJob] = ()) -> None:
        self.now = 1_790_000_000.0
        self.counter = Counter()
        self.remembered: list[MidjourneyJob] = []
        sandbox = MidjourneySandbox(counter=self.counter, clock=lambda: self.now, recalled=recalled, remember=self.remembered.append)
        self.client = TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://sandbox:81")

    def submit(self, path: str = "submit/imagine", *, code: int = 1, prefix: str = "mj", **fields: Any) -> Any:
        response = self.client.post(f"/midjourney/{prefix}/{path}", json=fields, headers=KEY)
        assert response.status_code == 200, response.text
        assert response.json()["code"] == code, response.text
        return response.json()

    def imagine(self, prompt: str = "a fox", **fields: Any) -> str:
        return str(self.submit(prompt=prompt, **fields)["result"])

    def made(self, prompt: str = "a fox", **fields: Any) -> str:
        job = self.imagine(prompt, **fields)
        self.now += DONE_S
        return job

    def fetch(self, job: str) -> Any:
        return self.client.get(f"/midjourney/mj/task/{job}/fetch", headers=KEY).json()

    def button(self, job: str, label: str) -> str:
        return next(str(button["customId"]) for button in self.fetch(job)["buttons"] if label in (button["label"], button["emoji"]))

    def picture(self, job: str) -> Image.Image:
        return Image.open(io.BytesIO(self.client.get(self.fetch(job)["imageUrl"]).content))


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


def test_a_prompt_becomes_a_grid_of_the_asked_ratio(vendor: Vendor) -> None:
    job = vendor.imagine("a fox --ar 16:9 --v 7", state="mine")
    assert job.isdecimal()
    assert len(job) == 16
    assert (vendor.fetch(job)["status"], vendor.fetch(job)["progress"]) == ("SUBMITTED", "0%")
    vendor.now += 0.7
    assert (vendor.fetch(job)["status"], vendor.fetch(job)["progress"]) == ("IN_PROGRESS", "50%")
    assert vendor.picture(job).size == (1024, 576)

    vendor.now += DONE_S
    done = vendor.fetch(job)

    assert (done["status"], done["progress"], done["state"], done["action"]) == ("SUCCESS", "100%", "mine", "IMAGINE")
    assert [button["label"] for button in done["buttons"]] == ["U1", "U2", "U3", "U4", "", "V1", "V2", "V3", "V4"]
    assert done["finishTime"] - done["submitTime"] == 1_200
    assert vendor.picture(job).size == (1024, 576)
    (entry,) = vendor.counter.after(0)
    assert (entry.vendor, entry.model, entry.status, entry.completion_tokens, entry.finished) == ("midjourney", "imagine", 200, 1, True)


def test_one_of_four_is_made_large_once(vendor: Vendor) -> None:
    job = vendor.made()
    large = vendor.submit("submit/change", taskId=job, action="UPSCALE", index=2)["result"]
    vendor.now += DONE_S
    again = vendor.submit("submit/simple-change", content=f"{job} u2", code=21)
    assert (again["result"], again["properties"]["status"]) == (large, "SUCCESS")
    assert vendor.submit("submit/change", taskId=job, action="REROLL")["result"] != large
    assert "Upscale (Subtle)" in [button["label"] for button in vendor.fetch(large)["buttons"]]


def test_a_dialog_waits_to_be_filled_in(vendor: Vendor) -> None:
    large = vendor.submit("submit/change", taskId=vendor.made(), action="UPSCALE", index=1)["result"]
    vendor.now += DONE_S
    opened = vendor.submit("submit/action", taskId=large, customId=vendor.button(large, "Vary (Region)"), code=21)
    assert opened["properties"] == {"finalPrompt": "a fox", "remix": True}
    assert vendor.fetch(opened["result"])["status"] == "MODAL"
    mask = "data:image/png;base64," + b64encode(draw_picture("mask", ratio="1:1")).decode()
    vendor.submit("submit/modal", taskId=opened["result"], prompt="a hat", maskBase64=PICTURE, code=4)
    filled = vendor.submit("submit/modal", taskId=opened["result"], prompt="a hat", maskBase64=mask)
    assert filled["result"] == opened["result"]
    vendor.now += DONE_S
    done = vendor.fetch(filled["result"])
    assert (done["status"], done["action"], done["prompt"]) == ("SUCCESS", "INPAINT", "a hat")
    vendor.submit("submit/modal", taskId=opened["result"], prompt="a hat", maskBase64=mask, code=4)


def test_custom_zoom_wants_its_factor(vendor: Vendor) -> None:
    large = vendor.submit("submit/change", taskId=vendor.made(), action="UPSCALE", index=1)["result"]
    vendor.now += DONE_S
    opened = vendor.submit("submit/action", taskId=large, customId=vendor.button(large, "Custom Zoom"), code=21)
    vendor.submit("submit/modal", taskId=opened["result"], prompt="a fox", code=4)
    vendor.submit("submit/modal", taskId=opened["result"], prompt="a fox --zoom 3", code=4)
    vendor.submit("submit/modal", taskId=opened["result"], prompt="a fox --zoom 1.8")


def test_words_about_pictures_and_prompts(vendor: Vendor) -> None:
    described = vendor.submit("submit/describe", base64=PICTURE)["result"]
    shortened = vendor.submit("submit/shorten", prompt="a very very red fox in the snow")["result"]
    vendor.now += DONE_S
    prompts = vendor.fetch(described)["properties"]["finalPrompt"].split("\n\n")
    assert [prompt[0] for prompt in prompts] == ["1", "2", "3", "4"]
    assert len(vendor.fetch(shortened)["properties"]["finalPrompt"].split("\n\n")) == 5
    made = vendor.submit("submit/action", taskId=described, customId="MJ::Job::PicReader::2")["result"]
    assert vendor.fetch(made)["prompt"] == prompts[1].partition(" ")[2]


def test_pictures_in(vendor: Vendor) -> None:
    merged = vendor.submit("submit/blend", base64Array=[PICTURE, PICTURE], dimensions="PORTRAIT")["result"]
    swapped = vendor.submit("insight-face/swap", sourceBase64=PICTURE, targetBase64=PICTURE)["result"]
    edited = vendor.submit("submit/edits", prompt="at night --ar 2:3", image=PICTURE)["result"]
    vendor.now += DONE_S
    assert vendor.picture(merged).width / vendor.picture(merged).height == pytest.approx(2 / 3)
    assert vendor.fetch(swapped)["action"] == "SWAP_FACE"
    assert vendor.picture(swapped).width / vendor.picture(swapped).height == pytest.approx(1.5, rel=0.01)
    assert vendor.picture(edited).height > vendor.picture(edited).width


def test_uploads_come_back_as_they_were(vendor: Vendor) -> None:
    urls = vendor.submit("submit/upload-discord-images", base64Array=[PICTURE])["result"]
    kept = vendor.client.get(urls[0])
    assert kept.content == draw_picture("a hat", ratio="3:2")
    assert kept.headers["content-type"] == "image/png"


def test_videos(vendor: Vendor) -> None:
    job = vendor.submit("submit/video", prompt="it jumps", image=PICTURE, batchSize=2, videoType="vid_1.1_i2v_480")["result"]
    vendor.now += DONE_S
    done = vendor.fetch(job)
    assert len(done["videoUrls"]) == 2
    assert done["videoUrl"] == done["videoUrls"][0]["url"]
    film = vendor.client.get(done["videoUrl"])
    assert (film.headers["content-type"], film.content[4:8]) == ("video/mp4", b"ftyp")
    longer = vendor.submit("submit/video", action="extend", taskId=job, index=1)["result"]
    assert vendor.fetch(longer)["action"] == "VIDEO_EXTEND"
    vendor.submit("submit/video", action="extend", taskId=job, index=3, code=4)


def test_speeds(vendor: Vendor) -> None:
    assert vendor.fetch(vendor.imagine(prefix="mj-relax/mj"))["mode"] == "RELAX"
    assert vendor.fetch(vendor.imagine(accountFilter={"modes": ["TURBO"]}))["mode"] == "TURBO"
    assert vendor.fetch(vendor.imagine("a fox --turbo", prefix="mj-fast/mj"))["mode"] == "FAST"
    assert vendor.fetch(vendor.imagine("a fox --relax"))["mode"] == "RELAX"


def test_many_at_once_own_order_and_what_is_missing(vendor: Vendor) -> None:
    first, second = vendor.imagine("one"), vendor.imagine("two")
    response = vendor.client.post("/midjourney/mj/task/list-by-condition", json={"ids": [second, "7", first]}, headers=KEY)
    assert [job["id"] for job in response.json()] == [second, first]
    assert vendor.client.get("/midjourney/mj/task/7/fetch", headers=KEY).content == b""


def test_the_seed_of_a_finished_job(vendor: Vendor) -> None:
    job = vendor.imagine()
    assert vendor.client.get(f"/midjourney/mj/task/{job}/image-seed", headers=KEY).json()["code"] == 4
    vendor.now += DONE_S
    assert vendor.client.get(f"/midjourney/mj/task/{job}/image-seed", headers=KEY).json()["result"].isdecimal()


def test_cancel(vendor: Vendor) -> None:
    job = vendor.imagine()
    assert vendor.client.post(f"/midjourney/mj/task/{job}/cancel", headers=KEY).json()["code"] == 1
    assert vendor.fetch(job)["status"] == "CANCEL"
    assert vendor.client.post(f"/midjourney/mj/task/{job}/cancel", headers=KEY).json()["code"] == 9


def test_a_wrong_secret_is_told_nothing(vendor: Vendor) -> None:
    for headers in ({}, {"mj-api-secret": "x"}, {"authorization": "Bearer x"}):
        refused = vendor.client.post("/midjourney/mj/submit/imagine", json={"prompt": "a fox"}, headers=headers)
        assert (refused.status_code, refused.content) == (401, b"")
    bearer = {"authorization": f"Bearer {MIDJOURNEY_SECRET}"}
    assert vendor.client.post("/midjourney/mj/submit/imagine", json={"prompt": "a fox"}, headers=bearer).json()["code"] == 1


@pytest.mark.parametrize(
    ("word", "status", "code"), [("error-400", 200, 4), ("error-429", 429, 30), ("error-500", 500, 9), ("blocked-prompt", 200, 24)]
)
def test_magic_refusals(vendor: Vendor, word: str, status: int, code: int) -> None:
    response = vendor.client.post("/midjourney/mj/submit/imagine", json={"prompt": f"a fox\nmagic: {word}"}, headers=KEY)
    assert (response.status_code, response.json()["code"], response.json()["result"]) == (status, code, None)


def test_magic_ends(vendor: Vendor) -> None:
    job = vendor.made("a fox\nmagic: fail-task")
    assert (vendor.fetch(job)["status"], bool(vendor.fetch(job)["failReason"])) == ("FAILURE", True)
    slow = vendor.made("a fox\nmagic: slow-task")
    assert vendor.fetch(slow)["status"] == "IN_PROGRESS"


def test_jobs_of_an_earlier_life(vendor: Vendor) -> None:
    job = vendor.imagine()
    later = Vendor(recalled=vendor.remembered)
    later.now = vendor.now + DONE_S
    assert later.fetch(job)["status"] == "SUCCESS"

"""OpenAI's form of videos through a running gateway: from words and a picture to an MP4, by both paths."""

import io
import time
from typing import Any

import av
import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.gateway.plain_http import Answer, send

END_S = 120.0
MODEL = "gen4.5"


def post(installation: Installation, path: str, **body: Any) -> Answer:
    return send(installation.base_url + path, key=installation.test_key, body=body, method="POST")


def get(installation: Installation, path: str) -> Answer:
    return send(installation.base_url + path, key=installation.test_key)


def ended(installation: Installation, task_id: str) -> dict[str, Any]:
    ends = time.monotonic() + END_S
    while True:
        video = get(installation, f"/v1/videos/{task_id}").body
        if video["status"] in ("completed", "failed") or time.monotonic() > ends:
            return video
        time.sleep(0.1)


def test_a_video_from_words_is_real_and_can_be_made_again(installation: Installation) -> None:
    started = post(installation, "/v1/videos", model=MODEL, prompt="a paper boat", seconds="4", size="1280x720")
    assert started.status == 200, started
    assert (started.body["object"], started.body["seconds"]) == ("video", "4")
    early = get(installation, f"/v1/videos/{started.body['id']}/content")
    video = ended(installation, started.body["id"])
    assert video["status"] == "completed", video
    assert early.status in (200, 400)
    content = get(installation, f"/v1/videos/{started.body['id']}/content")
    assert (content.status, content.headers["content-type"]) == (200, "video/mp4")
    with av.open(io.BytesIO(content.content)) as opened:
        stream = opened.streams.video[0]
        frames = sum(1 for _ in opened.decode(stream))
        seconds = float(opened.duration or 0) / 1_000_000
        assert frames > 0
        assert abs(seconds - 4) <= 0.1
        assert abs(stream.width / stream.height - 16 / 9) < 0.02
    part = send(video["metadata"]["url"], headers={"Range": "bytes=0-99"})
    assert (part.status, len(part.content)) == (206, 100)

    again = post(installation, f"/v1/videos/{started.body['id']}/remix", prompt="a paper ship")
    assert (again.status, again.body["prompt"], again.body["seconds"]) == (200, "a paper ship", "4"), again
    assert ended(installation, again.body["id"])["status"] == "completed"
    older = get(installation, f"/v1/video/generations/{started.body['id']}").body
    assert (older["data"]["status"], older["data"]["format"]) == ("SUCCESS", "mp4")
    listed = get(installation, "/v1/videos?limit=100").body
    assert {started.body["id"], again.body["id"]} <= {one["id"] for one in listed["data"]}
    plain = get(installation, f"/v1/tasks/{started.body['id']}").body
    assert (plain["state"], plain["operation"]) == ("succeeded", "video")


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")  # OpenAI's own service ends; the form lives on here
def test_the_official_client_makes_a_video_from_a_picture(installation: Installation) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (1280, 720), "teal").save(picture, "PNG")
    with openai.OpenAI(api_key=installation.test_key, base_url=installation.base_url + "/v1", max_retries=0) as client:
        video = client.videos.create(
            model=MODEL, prompt="waves", seconds="5", size="1280x720", input_reference=("sea.png", picture.getvalue(), "image/png")
        )  # type: ignore[arg-type]  # any length
        done = client.videos.poll(video.id, poll_interval_ms=200)
        assert done.status == "completed", done
        assert client.videos.download_content(video.id).read()[4:8] == b"ftyp"


def test_what_a_model_cannot_is_said_in_this_dialects_words(installation: Installation) -> None:
    for body, status, param in (
        ({"model": MODEL, "prompt": "x", "size": "wide"}, 400, "size"),
        ({"model": MODEL, "prompt": "x", "seconds": "99"}, 400, "seconds"),
        ({"model": MODEL, "prompt": "x", "size": "300x1000"}, 400, "size"),
        ({"model": MODEL, "prompt": "x", "mode": "pro"}, 400, "mode"),
        ({"model": "nobody", "prompt": "x"}, 404, "model"),
    ):
        answer = post(installation, "/v1/videos", **body)
        assert (answer.status, answer.body["error"]["param"]) == (status, param), (body, answer)
    assert get(installation, "/v1/videos/task_absent/content").status == 404
    assert post(installation, "/v1/videos/task_absent/remix", prompt="x").status == 404

"""Runway's official client, unmodified, against the sandbox: every call that the sandbox serves."""

import io
from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import av
import httpx
import pytest
import runwayml
from PIL import Image
from runwayml import RunwayML
from runwayml.lib import polling

from modelgate.sandbox.pictures import draw_picture

PICTURE = "data:image/png;base64," + b64encode(draw_picture("a fox", ratio="16:9")).decode()
URL = "https://example.com/fox.mp4"
MAX_WAIT_S = 120


@pytest.fixture
def client(base_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunwayML]:
    monkeypatch.setattr(polling, "POLL_TIME", 0.5)
    monkeypatch.setattr(polling, "POLL_JITTER", 0.0)
    with RunwayML(base_url=f"{base_url}/runway", api_key="key_sandbox", max_retries=0, timeout=60) as made:
        yield made


def video_of(task: Any) -> tuple[int, int, float]:
    with av.open(io.BytesIO(httpx.get(task.output[0], timeout=60).content), format="mov") as container:
        frames = list(container.decode(video=0))
        return frames[0].width, frames[0].height, len(frames) / 24


def test_image_to_video(client: RunwayML) -> None:
    created = client.image_to_video.create(
        model="gen4_turbo", prompt_image=PICTURE, prompt_text="it runs", ratio="832:1104", duration=3, seed=7
    )
    task = created.wait_for_task_output(timeout=MAX_WAIT_S)
    assert (task.status, video_of(task)) == ("SUCCEEDED", (832, 1104, 3))
    assert task.status == "SUCCEEDED"
    assert task.cost.credits == 15


def test_text_to_video(client: RunwayML) -> None:
    created = client.text_to_video.create(model="gen4.5", prompt_text="a fox", ratio="1280:720", duration=2)
    assert video_of(created.wait_for_task_output(timeout=MAX_WAIT_S)) == (1280, 720, 2)


def test_text_to_image(client: RunwayML) -> None:
    created = client.text_to_image.create(
        model="gen4_image", prompt_text="a fox", ratio="720:960", reference_images=[{"uri": PICTURE, "tag": "fox"}]
    )
    task = created.wait_for_task_output(timeout=MAX_WAIT_S)
    assert task.status == "SUCCEEDED"
    assert Image.open(io.BytesIO(httpx.get(task.output[0], timeout=60).content)).size == (720, 960)


def test_video_to_video_and_character_performance(client: RunwayML) -> None:
    edited = client.video_to_video.create(model="aleph2", video_uri=URL, prompt_text="at night", target_aspect_ratio="1:1")
    acted = client.character_performance.create(
        model="act_two", character={"type": "image", "uri": PICTURE}, reference={"type": "video", "uri": URL}, ratio="720:1280"
    )
    assert video_of(edited.wait_for_task_output(timeout=MAX_WAIT_S)) == (960, 960, 5)
    assert video_of(acted.wait_for_task_output(timeout=MAX_WAIT_S)) == (720, 1280, 5)


def test_a_failed_task_and_a_cancelled_one(client: RunwayML) -> None:
    failing = client.text_to_video.create(model="gen4.5", prompt_text="magic: blocked-prompt", ratio="1280:720", duration=2)
    with pytest.raises(runwayml.TaskFailedError) as caught:
        failing.wait_for_task_output(timeout=MAX_WAIT_S)
    assert caught.value.task_details.status == "FAILED"
    assert caught.value.task_details.failure_code == "SAFETY.INPUT.TEXT"
    slow = client.text_to_video.create(model="gen4.5", prompt_text="magic: slow-task", ratio="1280:720", duration=2)
    client.tasks.delete(slow.id)
    assert client.tasks.retrieve(slow.id).status == "CANCELLED"


def test_the_organization(client: RunwayML) -> None:
    shown = client.organization.retrieve()
    assert (shown.credit_balance, shown.tier.models["gen4_turbo"].max_concurrent_generations) == (100_000, 20)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400", runwayml.BadRequestError),
        ("401", runwayml.AuthenticationError),
        ("429", runwayml.RateLimitError),
        ("500", runwayml.InternalServerError),
        ("529", runwayml.InternalServerError),
    ],
)
def test_errors_are_the_clients_own(client: RunwayML, status: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        client.text_to_video.create(model="gen4.5", prompt_text=f"magic: error-{status}", ratio="1280:720", duration=2)


def test_what_the_vendor_refuses(client: RunwayML, base_url: str) -> None:
    with pytest.raises(runwayml.BadRequestError, match="ratio"):
        client.text_to_video.create(model="gen4.5", prompt_text="a fox", ratio="16:9", duration=2)  # type: ignore[call-overload]  # wrong
    with pytest.raises(runwayml.NotFoundError):
        client.tasks.retrieve("nothing")
    with pytest.raises(runwayml.AuthenticationError):
        client.with_options(api_key="key_other").tasks.retrieve("nothing")
    with pytest.raises(runwayml.BadRequestError, match="X-Runway-Version"):
        client.with_options(default_headers={"X-Runway-Version": "2023-01-01"}).tasks.retrieve("nothing")


@pytest.mark.anyio
async def test_the_async_client(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polling, "POLL_TIME", 0.5)
    monkeypatch.setattr(polling, "POLL_JITTER", 0.0)
    async with runwayml.AsyncRunwayML(base_url=f"{base_url}/runway", api_key="key_sandbox", max_retries=0) as client:
        created = await client.text_to_image.create(model="gen4_image", prompt_text="a fox", ratio="720:720")
        assert (await created.wait_for_task_output(timeout=MAX_WAIT_S)).status == "SUCCEEDED"

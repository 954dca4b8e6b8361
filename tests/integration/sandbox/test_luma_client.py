"""Luma's official client, unmodified, against the sandbox: every call of it."""

import io
import time
from collections.abc import Iterator

import av
import httpx
import lumaai
import pytest
from lumaai import LumaAI
from lumaai.types import Generation
from PIL import Image

MAX_WAIT_S = 120
URL = "https://example.com/fox.png"


@pytest.fixture
def client(base_url: str) -> Iterator[LumaAI]:
    with LumaAI(base_url=f"{base_url}/luma/dream-machine/v1", auth_token="luma-sandbox", max_retries=0, timeout=60) as made:
        yield made


def wait(client: LumaAI, made: Generation) -> Generation:
    assert made.id is not None
    until = time.monotonic() + MAX_WAIT_S
    while made.state not in ("completed", "failed") and time.monotonic() < until:
        time.sleep(0.2)
        made = client.generations.get(made.id or "")
    return made


def video_of(made: Generation) -> tuple[int, int, float]:
    assert made.assets is not None
    assert made.assets.video is not None
    with av.open(io.BytesIO(httpx.get(made.assets.video, timeout=60).content), format="mov") as container:
        frames = list(container.decode(video=0))
        return frames[0].width, frames[0].height, len(frames) / 24


def test_a_video_and_what_is_made_of_it(client: LumaAI) -> None:
    created = client.generations.create(
        model="ray-2",
        prompt="a fox",
        aspect_ratio="9:16",
        resolution="540p",
        duration="5s",
        loop=False,
        concepts=[{"key": "dolly_zoom"}],
        keyframes={"frame0": {"type": "image", "url": URL}},
    )
    assert created.state == "queued"
    done = wait(client, created)
    assert (done.state, video_of(done)) == ("completed", (540, 960, 5))
    assert done.id is not None
    extended = client.generations.video.create(
        model="ray-flash-2", prompt="on", keyframes={"frame0": {"type": "generation", "id": done.id}}, resolution="540p", duration="9s"
    )
    larger = client.generations.upscale(id=done.id, resolution="720p")
    sounding = client.generations.audio(id=done.id, prompt="wind")
    assert video_of(wait(client, extended)) == (960, 540, 9)
    assert video_of(wait(client, larger)) == (720, 1280, 5)
    assert video_of(wait(client, sounding)) == (540, 960, 5)


def test_pictures(client: LumaAI) -> None:
    created = client.generations.image.create(
        model="photon-1", prompt="a fox", aspect_ratio="1:1", format="png", style_ref=[{"url": URL, "weight": 0.5}]
    )
    done = wait(client, created)
    assert done.assets is not None
    assert done.assets.image is not None
    assert Image.open(io.BytesIO(httpx.get(done.assets.image, timeout=60).content)).size == (1536, 1536)
    at_once = client.generations.image.create(model="photon-flash-1", prompt="a fox", sync=True)
    assert at_once.state == "completed"
    reframed = client.generations.image.reframe(model="photon-1", media={"url": URL}, aspect_ratio="9:16", generation_type="reframe_image")
    assert reframed.state == "queued"


def test_modify_and_reframe(client: LumaAI) -> None:
    modified = client.generations.video.modify(model="ray-2", media={"url": URL}, mode="flex_1", generation_type="modify_video")
    reframed = client.generations.video.reframe(model="ray-2", media={"url": URL}, aspect_ratio="1:1", generation_type="reframe_video")
    assert (wait(client, modified).state, video_of(wait(client, reframed))) == ("completed", (720, 720, 5))


def test_list_and_delete(client: LumaAI) -> None:
    made = client.generations.create(model="ray-2", prompt="to be deleted")
    assert made.id is not None
    assert made.id in [each.id for each in client.generations.list(limit=5, offset=0).generations]
    client.generations.delete(made.id)
    with pytest.raises(lumaai.NotFoundError):
        client.generations.get(made.id)


def test_the_small_calls(client: LumaAI) -> None:
    assert client.ping.check().message == "pong"
    assert client.credits.get().credit_balance == 100_000
    assert "dolly_zoom" in client.generations.concepts.list()


def test_a_failed_generation(client: LumaAI) -> None:
    failed = wait(client, client.generations.create(model="ray-2", prompt="magic: fail-task"))
    assert (failed.state, bool(failed.failure_reason), failed.assets) == ("failed", True, None)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("400", lumaai.BadRequestError),
        ("401", lumaai.AuthenticationError),
        ("429", lumaai.RateLimitError),
        ("500", lumaai.InternalServerError),
        ("529", lumaai.InternalServerError),
    ],
)
def test_errors_are_the_clients_own(client: LumaAI, status: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        client.generations.create(model="ray-2", prompt=f"magic: error-{status}")


def test_what_the_vendor_refuses(client: LumaAI) -> None:
    with pytest.raises(lumaai.BadRequestError, match="frame0"):
        client.generations.create(model="ray-2", prompt="a fox", keyframes={"frame0": {"type": "image", "url": "data:image/png;base64,AA"}})
    with pytest.raises(lumaai.AuthenticationError):
        client.with_options(auth_token="luma-other").ping.check()


@pytest.mark.anyio
async def test_the_async_client(base_url: str) -> None:
    async with lumaai.AsyncLumaAI(base_url=f"{base_url}/luma/dream-machine/v1", auth_token="luma-sandbox", max_retries=0) as client:
        assert (await client.generations.create(model="ray-2", prompt="a fox")).state == "queued"

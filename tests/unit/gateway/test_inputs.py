"""The caller's input pictures on their way into the blob store."""

import io
from typing import Any

import msgspec
import pytest
from PIL import Image

from modelgate.core.blobs import BlobNotFound, BlobStoreFailed
from modelgate.core.errors import InvalidRequest, Overloaded
from modelgate.formats.media.family import InputRules
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest
from modelgate.gateway.inputs import Inputs
from modelgate.sandbox.videos import make_video
from modelgate.transport.errors import BodyTooLong, ConnectFailed
from modelgate.transport.guard import Fetched, UrlRefused

RULES = InputRules(field="image", content_types=("image/jpeg", "image/png"), max_bytes=100_000, min_side_pixels=300, max_ratio=2.5)
OWN = "https://gateway.example/files/task_12345678-0.png?signed"
URL = "https://pictures.example/a.png"


def picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 300), "teal").save(out, "PNG")
    return out.getvalue()


class Blobs:
    def __init__(self, *, fails: bool = False) -> None:
        self.kept: dict[str, bytes] = {}
        self.fails = fails

    async def put(self, key: str, data: bytes) -> None:
        self._check()
        self.kept[key] = data

    async def get(self, key: str) -> bytes:
        self._check()
        if key not in self.kept:
            raise BlobNotFound(key)
        return self.kept[key]

    async def delete(self, key: str) -> None:
        self._check()
        self.kept.pop(key, None)

    def _check(self) -> None:
        if self.fails:
            raise BlobStoreFailed("full")


class Fetcher:
    def __init__(self, outcome: bytes | Exception) -> None:
        self.outcome = outcome
        self.asked: list[dict[str, Any]] = []

    async def fetch(self, url: str, **about: Any) -> Fetched:
        self.asked.append({"url": url, **about})
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return Fetched(body=self.outcome, content_type="text/html", final_url=url)


def inputs(blobs: Blobs, outcome: bytes | Exception = b"") -> Inputs:
    return Inputs(blobs=blobs, fetcher=Fetcher(outcome), own_file=lambda url: "task_12345678-0.png" if url == OWN else None)


def request(item: MediaInput) -> ImageRequest:
    return ImageRequest(model="m", prompt="p", inputs=(item,))


STORED = MediaInput(blob="task_87654321-in0.png", content_type="image/png")


@pytest.mark.anyio
async def test_inline_bytes_become_a_blob() -> None:
    blobs = Blobs()
    stored = await inputs(blobs).store(request(MediaInput(data=picture())), rules={"image": RULES}, task_id="task_87654321")
    assert stored == request(STORED)
    assert blobs.kept == {"task_87654321-in0.png": picture()}


@pytest.mark.anyio
async def test_an_address_is_fetched_once_bounded_and_without_exemptions() -> None:
    blobs, fetcher = Blobs(), Fetcher(picture())
    made = Inputs(blobs=blobs, fetcher=fetcher, own_file=lambda _: None)
    assert await made.store(request(MediaInput(url=URL)), rules={"image": RULES}, task_id="task_87654321") == request(STORED)
    assert fetcher.asked == [{"url": URL, "max_bytes": 100_000, "timeout_s": 20.0, "content_types": None, "exempt": {}}]


@pytest.mark.anyio
async def test_our_own_file_is_read_from_the_store() -> None:
    blobs = Blobs()
    blobs.kept["task_12345678-0.png"] = picture()
    stored = await inputs(blobs, AssertionError("fetched")).store(
        request(MediaInput(url=OWN)), rules={"image": RULES}, task_id="task_87654321"
    )
    assert stored == request(STORED)


@pytest.mark.anyio
async def test_our_own_file_that_is_gone_is_said() -> None:
    with pytest.raises(InvalidRequest, match="no longer kept"):
        await inputs(Blobs()).store(request(MediaInput(url=OWN)), rules={"image": RULES}, task_id="task_87654321")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("outcome", "code"),
    [
        (UrlRefused("port 22 may not be fetched from"), "invalid_url"),
        (ConnectFailed("https://pictures.example: 10.0.0.7 refused"), "image_not_fetched"),
        (BodyTooLong("https://pictures.example: more than 100000 bytes"), "invalid_image"),
        (b"<html>", "invalid_image"),
    ],
)
async def test_what_cannot_be_fetched_is_the_callers_to_mend(outcome: bytes | Exception, code: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await inputs(Blobs(), outcome).store(request(MediaInput(url=URL)), rules={"image": RULES}, task_id="task_87654321")
    assert (caught.value.code, caught.value.param) == (code, "image")
    assert "10.0.0.7" not in caught.value.message


@pytest.mark.anyio
async def test_a_store_in_trouble_is_503() -> None:
    with pytest.raises(Overloaded):
        await inputs(Blobs(fails=True)).store(request(MediaInput(data=picture())), rules={"image": RULES}, task_id="task_87654321")


@pytest.mark.anyio
async def test_what_became_no_task_is_removed_and_trouble_with_that_is_silent() -> None:
    blobs = Blobs()
    made = inputs(blobs)
    stored = await made.store(request(MediaInput(data=picture())), rules={"image": RULES}, task_id="task_87654321")
    blobs.fails = True
    await made.discard(stored.inputs)
    blobs.fails = False
    await made.discard(stored.inputs)
    assert blobs.kept == {}


@pytest.mark.anyio
async def test_a_request_without_inputs_needs_no_rules() -> None:
    plain = ImageRequest(model="m", prompt="p")
    assert await inputs(Blobs()).store(plain, rules=None, task_id="task_87654321") is plain


@pytest.mark.anyio
async def test_a_picture_may_have_to_be_as_large_as_another() -> None:
    """A mask of another size shows the vendor other places than were meant."""
    rules = {"image": RULES, "mask": msgspec.structs.replace(RULES, field="mask", same_size_as="image")}
    out = io.BytesIO()
    Image.new("L", (300, 310)).save(out, "PNG")
    image = MediaInput(data=picture())
    blobs = Blobs()
    masked = ImageRequest(model="m", inputs=(MediaInput(data=out.getvalue(), role="mask"), image))
    with pytest.raises(InvalidRequest, match="in mask cannot be used: it must have the size of image, 300x300; it is 300x310") as refused:
        await inputs(blobs).store(masked, rules=rules, task_id="task_87654321")
    assert (refused.value.param, blobs.kept) == ("mask", {})
    fitting = ImageRequest(model="m", inputs=(image, MediaInput(data=picture(), role="mask")))
    stored = await inputs(blobs).store(fitting, rules=rules, task_id="task_87654321")
    assert [item.role for item in stored.inputs] == ["image", "mask"]


@pytest.mark.anyio
async def test_a_picture_may_have_to_have_the_shape_of_another() -> None:
    """Every mask of a motion brush lies over the one picture: the vendor refused another shape only after money was held."""
    anything = msgspec.structs.replace(RULES, min_side_pixels=1)
    rules = {"image": anything, "mask": msgspec.structs.replace(anything, field="dynamic_masks", same_ratio_as="image")}

    def sized(width: int, height: int, role: str) -> MediaInput:
        out = io.BytesIO()
        Image.new("RGB", (width, height)).save(out, "PNG")
        return MediaInput(data=out.getvalue(), role=role)

    image = sized(600, 400, "image")
    near = ImageRequest(model="m", inputs=(image, sized(300, 200, "mask"), sized(603, 400, "mask")))
    assert len((await inputs(Blobs()).store(near, rules=rules, task_id="task_87654321")).inputs) == 3
    off = ImageRequest(model="m", inputs=(image, sized(300, 200, "mask"), sized(400, 600, "mask")))
    with pytest.raises(InvalidRequest, match="it must have the shape of image, 600x400; it is 400x600") as refused:
        await inputs(Blobs()).store(off, rules=rules, task_id="task_87654321")
    assert refused.value.param == "dynamic_masks"


@pytest.mark.anyio
@pytest.mark.parametrize(("seconds", "told"), [(1, "it lasts 1.0"), (2, ""), (3, ""), (4, "it lasts 4.0")])
async def test_a_clip_at_an_address_lasts_as_long_as_it_may(seconds: int, told: str) -> None:
    """Its length was looked at only where it came inside the body: the vendor refused it, when the task stood already."""
    clip = InputRules(field="video_url", content_types=("video/mp4",), max_bytes=10_000_000).within(
        InputRules(field="video", content_types=("video/mp4",), max_bytes=10_000_000, shortest_s=2, longest_s=3)
    )
    store = inputs(Blobs(), make_video("x", width=64, height=64, seconds=seconds))
    asked = VideoRequest(model="m", inputs=(MediaInput(url="https://clips.example/a.mp4", role="video"),))
    if not told:
        await store.store(asked, rules={"video": clip}, task_id="task_12345678")
        return
    with pytest.raises(InvalidRequest, match="video_url cannot be used: it must last 2 to 3 seconds") as refused:
        await store.store(asked, rules={"video": clip}, task_id="task_12345678")
    assert refused.value.param == "video_url"
    assert told in refused.value.message

"""Runway: what its models can do, calls and answers, by the files of testdata/runway."""

from pathlib import Path

import msgspec
import pytest
from tests.unit.providers.golden import body_of, inputs, name_of, output_of, told

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import TaskOutput
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest
from modelgate.metering.price_list import read_shipped_prices
from modelgate.providers.runway import MODERATION, PROVIDER, VERSION_HEADER
from modelgate.sandbox.videos import make_video

VIDEO, IMAGE = PROVIDER.media["video"], PROVIDER.media["image"]


FIRST, LAST = MediaInput(data=b"1", role="first_frame"), MediaInput(data=b"2", role="last_frame")


CLIP = make_video("a fox", width=64, height=64, seconds=4)


SHORT = make_video("a fox", width=64, height=64, seconds=1)


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (VideoRequest(model="gen4_turbo", prompt="a fox"), "first_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST, LAST)), "last_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST, FIRST)), "first_frame"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), aspect_ratio="2:3"), "aspect_ratio"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), resolution="1080p"), "resolution"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), seconds=11), "seconds"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), sound=True), "sound"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), negative_prompt="rain"), "negative_prompt"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), seed=2**32), "seed"),
        (VideoRequest(model="gen4_turbo", inputs=(FIRST,), prompt="🦊" * 501), "prompt"),
        (VideoRequest(model="gen4.5", inputs=(FIRST,)), "prompt"),
        (VideoRequest(model="gen3a_turbo", inputs=(FIRST,), prompt="p", seconds=7), "seconds"),
        (VideoRequest(model="veo3.1", prompt="p", seed=1), "seed"),
        (VideoRequest(model="veo3.1", prompt="p", inputs=(LAST,)), "last_frame"),
        # The vendor refused it, when the task stood already, without a word for the field in ours.
        (VideoRequest(model="veo3.1", prompt="p", options={MODERATION: "low"}), MODERATION),
    ],
)
def test_what_a_model_of_videos_cannot_do(request_: VideoRequest, param: str) -> None:
    assert VIDEO.check is not None
    with pytest.raises(InvalidRequest) as caught:
        VIDEO.check(request_, request_.model)
    assert caught.value.param == param
    assert param in caught.value.message


@pytest.mark.parametrize(
    ("request_", "param"),
    [
        (ImageRequest(model="gen4_image"), "prompt"),
        (ImageRequest(model="gen4_image", prompt="p", size="1x1"), "size"),
        (ImageRequest(model="gen4_image", prompt="p", aspect_ratio="5:4"), "aspect_ratio"),
        (ImageRequest(model="gen4_image", prompt="p", inputs=(FIRST,) * 4), "reference"),
        (ImageRequest(model="gen4_image_turbo", prompt="p"), "reference"),
        *(
            (ImageRequest(model="gen4_image", prompt="p", options={"runway_tags": tags}), "runway_tags")
            for tags in (["ab"], ["1abc"], ["a-b"], ["a" * 17], [7], [None], "fox")
        ),
    ],
)
def test_what_a_model_of_pictures_cannot_do(request_: ImageRequest, param: str) -> None:
    assert IMAGE.check is not None
    with pytest.raises(InvalidRequest) as caught:
        IMAGE.check(request_, request_.model)
    assert caught.value.param == param


def test_tags_of_pictures() -> None:
    assert IMAGE.check is not None
    IMAGE.check(ImageRequest(model="gen4_image", prompt="p", options={"runway_tags": ["fox", "", "a" * 16, "a_1"]}), "gen4_image")


def test_the_length_is_the_models_own() -> None:
    assert VIDEO.complete is not None
    assert VIDEO.complete(VideoRequest(model="gen4_turbo"), "gen4_turbo").seconds == 5
    assert VIDEO.complete(VideoRequest(model="veo3.1"), "veo3.1").seconds == 8
    assert VIDEO.complete(VideoRequest(model="veo3.1", seconds=4), "veo3.1").seconds == 4


@pytest.mark.parametrize(
    ("operation", "request_", "param"),
    [
        ("video.edit", VideoRequest(model="aleph2"), "video"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=SHORT, role="video"),)), "video"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=CLIP, role="video"),), aspect_ratio="5:4"), "aspect_ratio"),
        ("video.edit", VideoRequest(model="aleph2", inputs=(MediaInput(data=CLIP, role="video"),), seconds=3), "seconds"),
        ("video.performance", VideoRequest(model="act_two", inputs=(MediaInput(data=CLIP, role="video"),)), "character"),
        (
            "video.performance",
            VideoRequest(
                model="act_two",
                inputs=(MediaInput(data=CLIP, role="video"), MediaInput(data=b"1", role="character")),
                options={"runway_expression_intensity": 9},
            ),
            "runway_expression_intensity",
        ),
    ],
)
def test_what_cannot_be_done_with_a_clip(operation: str, request_: VideoRequest, param: str) -> None:
    check = PROVIDER.media[operation].check
    assert check is not None
    with pytest.raises(InvalidRequest) as caught:
        check(request_, request_.model)
    assert caught.value.param == param


def test_a_clip_is_charged_by_its_length() -> None:
    complete = PROVIDER.media["video.performance"].complete
    assert complete is not None

    def seconds(clip: MediaInput) -> int:
        return int(complete(VideoRequest(model="act_two", inputs=(clip,)), "act_two").seconds)

    assert seconds(MediaInput(data=CLIP, role="video")) == 4
    assert seconds(MediaInput(data=SHORT, role="video")) == 3
    assert seconds(MediaInput(url="https://pictures.example/a.mp4", role="video")) == 30


def test_of_a_clip_at_an_address_the_length_that_was_made_counts() -> None:
    measure = PROVIDER.media["video.performance"].measure
    assert measure is not None

    def seconds(held: int, made_ms: int) -> int:
        outputs = (TaskOutput(kind="image"), TaskOutput(kind="video", duration_ms=made_ms))
        return int(measure(VideoRequest(model="act_two", seconds=held), outputs).seconds)

    assert [seconds(30, made_ms) for made_ms in (4_000, 4_020, 4_100, 1_000, 29_970, 99_000)] == [4, 4, 5, 3, 30, 30]
    assert seconds(30, 0) == 30, "what cannot be told is charged as held"
    assert seconds(4, 9_000) == 4, "what was known before is not asked again"
    assert PROVIDER.media["video"].measure is None


def test_the_length_that_another_gateway_worked_out_is_taken() -> None:
    operation = PROVIDER.media["video.edit"]
    assert operation.check is not None
    assert operation.complete is not None
    for clip in (MediaInput(data=CLIP, role="video"), MediaInput(url="https://pictures.example/a.mp4", role="video")):
        operation.check(operation.complete(VideoRequest(model="aleph2", inputs=(clip,)), "aleph2"), "aleph2")
    unseen = VideoRequest(model="aleph2", inputs=(MediaInput(data=CLIP, role="video"),), seconds=30)
    operation.check(unseen, "aleph2")
    assert operation.complete(unseen, "aleph2").seconds == 4


def test_files_keep_to_the_bounds_of_data_uris_in_every_dialect() -> None:
    """A picture of 6 MB was taken by the plain way and by `/v1/videos`, and refused by the vendor when the task stood already."""
    for operation, role, most, lengths in (
        ("video", "first_frame", 5, (0, 0)), ("image", "reference", 5, (0, 0)), ("video.edit", "video", 16, (2, 30)), ("video.performance", "video", 16, (3, 30)),
        ("video.performance", "character", 5, (0, 0)), ("video.performance", "character_video", 16, (0, 0)),
    ):  # fmt: skip
        rules = PROVIDER.media[operation].inputs[role]
        assert (rules.max_bytes, (rules.shortest_s, rules.longest_s)) == (most * 1024 * 1024, lengths)


def test_its_models_are_priced() -> None:
    priced = {entry.model: entry for entry in read_shipped_prices() if entry.provider == PROVIDER.name}
    assert set(priced) == {
        "gen4_turbo",
        "gen3a_turbo",
        "gen4.5",
        "veo3.1",
        "veo3.1_fast",
        "veo3",
        "gen4_image",
        "gen4_image_turbo",
        "aleph2",
        "act_two",
    }
    assert {tuple(entry.serves) for entry in priced.values()} == {("video",), ("image",), ("video.edit",), ("video.performance",)}


@pytest.mark.parametrize("path", inputs("runway", "encode"), ids=name_of)
def test_request_beside_call(path: Path) -> None:
    operation = PROVIDER.media[path.name.partition("-")[0]]
    request = msgspec.json.decode(path.read_bytes(), type=ImageRequest if operation is IMAGE else VideoRequest)
    assert operation.check is not None
    operation.check(request, request.model)

    call = operation.encode_submit(request, "task_ours", request.model)

    told = {"method": call.method, "path": call.path, "headers": dict(call.headers), "body": msgspec.json.decode(call.body)}
    assert told == output_of(path)


def test_every_call_says_the_version() -> None:
    assert VIDEO.encode_poll is not None
    assert VIDEO.encode_cancel is not None
    poll, cancel = VIDEO.encode_poll("a/b"), VIDEO.encode_cancel("a/b")
    assert (poll.method, cancel.method) == ("GET", "DELETE")
    assert poll.path == cancel.path == "/v1/tasks/a%2Fb"
    assert poll.headers == cancel.headers == PROVIDER.probe_headers == (VERSION_HEADER,)


def test_an_input_that_is_still_stored_cannot_be_sent() -> None:
    with pytest.raises(ValueError, match="neither"):
        VIDEO.encode_submit(VideoRequest(model="gen4_turbo", inputs=(MediaInput(blob="a.png"),)), "task_ours", "gen4_turbo")


@pytest.mark.parametrize("path", inputs("runway", "vendor"), ids=name_of)
def test_answer_beside_meaning(path: Path) -> None:
    answer = msgspec.json.decode(path.read_bytes())
    body = body_of(answer)
    parse = VIDEO.parse_submit if path.name.startswith("submit") else VIDEO.parse_poll
    assert parse is not None

    state = parse(answer["status"], body)

    assert told(state) == output_of(path)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"id": 7}', b'{"status": null}', b'{"status": 1}'])
def test_a_garbled_answer_is_ambiguous(body: bytes) -> None:
    """A job that may exist is never sent again, and one that runs is not ended by a broken answer."""
    assert VIDEO.parse_poll is not None
    submitted, polled = VIDEO.parse_submit(200, body), VIDEO.parse_poll(200, body)
    assert (submitted.state, submitted.refused, polled.state, polled.refused) == (None, False, None, False)


def test_only_a_good_answer_cancels() -> None:
    assert VIDEO.parse_cancel is not None
    assert [VIDEO.parse_cancel(status, b"").state for status in (204, 404, 500)] == ["canceled", None, None]

"""Bodies of video jobs, as JSON and as forms: what they mean, and how they are refused."""

import base64
from typing import Any

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Task
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent, VideoRequest, encode_request
from modelgate.formats.openai_videos import schema
from modelgate.formats.openai_videos.request import Facts, check_variant, decode_facts, decode_remix, decode_video, page_of, remix_of

PICTURE = base64.b64encode(b"picture").decode()


def decode(**fields: Any) -> VideoRequest:
    ask = decode_video(MediaCall(body=msgspec.json.encode({"model": "m", "prompt": "p", **fields}), content_type="application/json"))
    assert ask.operation == "video"
    assert isinstance(ask.request, VideoRequest)
    return ask.request


def form(*parts: tuple[str, str | bytes]) -> Ask:
    body = b""
    for name, value in parts:
        file = b'; filename="a.png"\r\ncontent-type: image/png' if isinstance(value, bytes) else b""
        content = value if isinstance(value, bytes) else value.encode()
        body += b'--edge\r\ncontent-disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (name.encode(), file, content)
    return decode_video(MediaCall(body=body + b"--edge--\r\n", content_type="multipart/form-data; boundary=edge"))


def test_everything_as_json() -> None:
    assert decode(seconds="8", duration=4, size="1280x720", mode="pro", image=PICTURE, metadata={"kling_cfg_scale": 0.5, "model": "cheaper"}) == VideoRequest(
        model="m", prompt="p", seconds=8, aspect_ratio="16:9", quality="pro",
        inputs=(MediaInput(data=b"picture", role="first_frame"),), options={"kling_cfg_scale": 0.5},
    )  # fmt: skip


def test_everything_as_a_form() -> None:
    ask = form(("model", "m"), ("prompt", "p"), ("seconds", "4"), ("size", "720x1280"), ("kling_cfg_scale", "0.5"), ("loop", "true"), ("style", "ink"), ("metadata", '{"a": 1}'), ("input_reference", b"picture"))  # fmt: skip
    assert ask.request == VideoRequest(
        model="m", prompt="p", seconds=4, aspect_ratio="9:16", inputs=(MediaInput(data=b"picture", role="first_frame"),),
        options={"a": 1, "kling_cfg_scale": 0.5, "loop": True, "style": "ink"},
    )  # fmt: skip


def test_a_form_as_the_official_client_writes_it() -> None:
    """It names what is inside an object in brackets: such options were refused, and of several pictures only the last was taken."""
    uri = "data:image/png;base64," + PICTURE
    ask = form(("model", "m"), ("prompt", "p"), ("metadata[kling_cfg_scale]", "0.5"), ("images[]", uri), ("images[]", uri))
    assert isinstance(ask.request, VideoRequest)
    assert ask.request.options == {"kling_cfg_scale": 0.5}
    assert [item.role for item in ask.request.inputs] == ["first_frame", "last_frame"]
    one = (MediaInput(data=b"picture", role="first_frame"),)
    for name, text in (("input_reference[image_url]", uri), ("input_reference", f'{{"image_url": "{uri}"}}'), ("images", f'["{uri}"]')):
        assert form(("model", "m"), ("prompt", "p"), (name, text)).request.inputs == one
    assert form(("model", "m"), ("prompt", "p"), ("metadata", ""), ("images", "")).request.inputs == ()


def test_metadata_speaks_the_vendors_own_words_and_counts_above_the_fields() -> None:
    """What clients of other gateways send as `metadata` was refused as not understood, but for options with our prefix."""
    metadata = {
        "negative_prompt": "fog", "aspect_ratio": "9:16", "seed": 7, "sound": "on", "image_tail": PICTURE, "duration": 10, "mode": "pro", "image": "https://a.example/b",
        "cfg_scale": 0.5, "prompt": "", "model": "cheaper",
    }  # fmt: skip
    assert decode(seconds="5", size="1280x720", mode="std", input_reference=PICTURE, metadata=metadata) == VideoRequest(
        model="m", prompt="p", negative_prompt="fog", seconds=10, aspect_ratio="9:16", quality="pro", sound=True, seed=7,
        inputs=(MediaInput(url="https://a.example/b", role="first_frame"), MediaInput(data=b"picture", role="last_frame")), options={"cfg_scale": 0.5},
    )  # fmt: skip
    assert decode(metadata={"sound": "off", "seed": "", "negative_prompt": "", "image_tail": ""}) == VideoRequest(model="m", prompt="p")
    sent = form(
        ("model", "m"), ("prompt", "p"), ("negative_prompt", "fog"), ("fps", "24"), ("n", "1"), ("user", "u"), ("response_format", "url")
    )
    assert sent.request == VideoRequest(model="m", prompt="p", negative_prompt="fog")


@pytest.mark.parametrize(
    ("name", "value"), [("seed", -1), ("sound", "loud"), ("aspect_ratio", 1.7), ("image_tail", "!"), ("negative_prompt", 3)]
)
def test_what_metadata_cannot_say_is_refused_by_its_whole_path(name: str, value: Any) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode(metadata={name: value})
    assert refused.value.param == f"metadata.{name}"


@pytest.mark.parametrize("text", ["[" * 100_000, "NaN", "Infinity", "1e999", "9" * 5000, "", "[1]"])
def test_options_of_a_form_that_are_no_numbers_are_texts(text: str) -> None:
    """A hundred thousand brackets were a fault of the gateway's, and NaN a number that is none."""
    ask = form(("model", "m"), ("prompt", "p"), ("kling_cfg_scale", text))
    assert isinstance(ask.request, VideoRequest)
    assert ask.request.options == {"kling_cfg_scale": text}


@pytest.mark.parametrize(
    ("parts", "param"),
    [
        ((("prompt", "p"), ("prompt", "q")), "prompt"),
        ((("prompt", b"p"),), "prompt"),
        ((("prompt", "p"), ("notes", b"p")), "notes"),
        ((("prompt", "p"), ("metadata", "{")), "metadata"),
        ((("prompt", "p"), ("metadata", "[1]")), "metadata"),
        ((("prompt", "p"), ("images", "[")), "images"),
        ((("prompt", "p"), ("images", "[1]")), "images[0]"),
        ((("prompt", "p"), ("input_reference", "{")), "input_reference"),
    ],
)
def test_what_a_form_cannot_say_is_refused_by_name(parts: tuple[tuple[str, str | bytes], ...], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        form(("model", "m"), *parts)
    assert refused.value.param == param


def test_a_text_of_a_form_that_is_none() -> None:
    body = b'--edge\r\ncontent-disposition: form-data; name="prompt"\r\n\r\n\xe9\r\n--edge--\r\n'
    with pytest.raises(InvalidRequest, match="UTF-8") as refused:
        decode_video(MediaCall(body=body, content_type="multipart/form-data; boundary=edge"))
    assert refused.value.param == "prompt"


def test_the_size_asked_for_is_remembered() -> None:
    ask = decode_video(MediaCall(body=b'{"model": "m", "prompt": "p", "size": "1280x720"}'))
    assert decode_facts(ask.facts) == Facts(size="1280x720")
    assert ask.written == {"aspect_ratio": "1280x720"}


def test_no_picture_of_a_video_is_kept() -> None:
    """A `variant` was ignored: who asked for the thumbnail got the whole film."""
    check_variant(MediaCall(query={"variant": "video"}))
    check_variant(MediaCall())
    with pytest.raises(InvalidRequest, match='variant is "thumbnail"'):
        check_variant(MediaCall(query={"variant": "thumbnail"}))


@pytest.mark.parametrize(
    ("size", "ratio"),
    [("1280x720", "16:9"), ("1920x1080", "16:9"), ("1792x1024", "16:9"), ("1024x1792", "9:16"), ("512x512", "1:1"), ("", "")],
)
def test_a_size_chooses_the_ratio(size: str, ratio: str) -> None:
    assert decode(size=size).aspect_ratio == ratio


def test_pictures_by_every_name() -> None:
    one = (MediaInput(data=b"picture", role="first_frame"),)
    assert decode(input_reference=PICTURE).inputs == decode(image=PICTURE).inputs == decode(images=[PICTURE]).inputs == one
    assert decode(input_reference={"image_url": "https://a.example/b"}).inputs == (
        MediaInput(url="https://a.example/b", role="first_frame"),
    )
    assert decode(input_reference=PICTURE, image="https://a.example/b").inputs == one, "the newest name wins"
    assert [item.role for item in decode(images=[PICTURE, PICTURE]).inputs] == ["first_frame", "last_frame"]
    assert decode(image="", images=[]).inputs == ()


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": " "}, "prompt"),
        ({"prompt": "x" * (schema.MAX_PROMPT_CHARACTERS + 1)}, "prompt"),
        ({"model": ""}, "model"),
        ({"seconds": "0"}, "seconds"),
        ({"seconds": "3601"}, "seconds"),
        ({"duration": 1.5}, "duration"),
        ({"size": "wide"}, "size"),
        ({"size": "9999x1"}, "size"),
        ({"image": "!"}, "image"),
        ({"images": [PICTURE] * 5}, "images"),
        ({"images": [3]}, "images[0]"),
        ({"input_reference": {"file_id": "file_1"}}, "input_reference.file_id"),
        ({"input_reference": {}}, "input_reference.image_url"),
        ({"metadata": [1]}, "metadata"),
        ({"metadata": {str(number): 1 for number in range(33)}}, "metadata"),
    ],
)
def test_what_cannot_be_is_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode(**fields)
    assert refused.value.param == param


@pytest.mark.parametrize(
    "parts", [(("model", "m"), ("prompt", "p"), ("image", b"")), (("model", "m"), ("prompt", "p"), *[("images", b"x")] * 5)]
)
def test_files_of_forms_are_bounded(parts: tuple[tuple[str, str | bytes], ...]) -> None:
    with pytest.raises(InvalidRequest):
        form(*parts)


def test_a_remix_is_the_earlier_video_with_other_words() -> None:
    ask = decode_remix(MediaCall(body=b'{"prompt": "new"}', values={"task_id": "task_1"}))
    assert ask.request.parent == Parent(task="task_1")
    earlier = VideoRequest(model="m", prompt="old", seconds=5, inputs=(MediaInput(blob="b.png", role="first_frame"),))
    task = Task(
        id="task_1",
        account="a",
        key="k",
        book="test",
        family="f",
        operation="video",
        model="m",
        state="succeeded",
        request=encode_request(earlier),
    )
    remix = remix_of(ask, task)
    assert remix.request == msgspec.structs.replace(earlier, prompt="new")
    assert decode_facts(remix.facts) == Facts(remixed_from="task_1")
    own = msgspec.structs.replace(task, family=schema.NAME, facts=msgspec.json.encode(Facts(size="1280x720", remixed_from="task_0")))
    assert decode_facts(remix_of(ask, own).facts) == Facts(size="1280x720", remixed_from="task_1")
    picture = msgspec.structs.replace(task, operation="image", request=encode_request(ImageRequest(model="m")))
    with pytest.raises(InvalidRequest, match="Only a video"):
        remix_of(ask, picture)
    with pytest.raises(InvalidRequest, match="prompt is required"):
        decode_remix(MediaCall(body=b"{}", values={"task_id": "task_1"}))


def test_pages() -> None:
    assert page_of(MediaCall(query={"limit": "3", "after": "task_1", "order": "desc"})).after == "task_1"
    with pytest.raises(InvalidRequest, match="order"):
        page_of(MediaCall(query={"order": "asc"}))

import msgspec
import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.formats.anthropic_messages.blocks import RAW_KEY, decode_blocks, encode_file, encode_image, encode_input, pack_thinking
from modelgate.formats.anthropic_messages.schema import Block
from modelgate.formats.chat.request import File, Image, Thinking


def blocks(*given: object) -> list[Block]:
    return msgspec.json.decode(msgspec.json.encode(given), type=list[Block])


@pytest.mark.parametrize(
    ("block", "param"),
    [
        ({"type": "new_block"}, "at.0"),
        ({"type": "text"}, "at.0.text"),
        ({"type": "image"}, "at.0.source"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "at.0.source"),
        ({"type": "image", "source": {"type": "base64", "data": "%%%%"}}, "at.0.source.data"),
        ({"type": "image", "source": {"type": "url"}}, "at.0.source.url"),
        ({"type": "image", "source": "https://example.com"}, "at.0.source"),
        ({"type": "document", "source": {"type": "new"}}, "at.0.source"),
        ({"type": "tool_use", "name": "f"}, "at.0.id"),
        ({"type": "tool_use", "id": "x"}, "at.0.name"),
        ({"type": "tool_result"}, "at.0.tool_use_id"),
        ({"type": "tool_result", "tool_use_id": "x", "content": 7}, "at.0.content"),
        ({"type": "redacted_thinking"}, "at.0.data"),
    ],
)
def test_a_block_that_is_not_what_it_says_is_refused_by_its_place(block: dict[str, object], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        decode_blocks(blocks(block), at="at", ignored=[])
    assert refused.value.param == param
    assert refused.value.message.startswith(param) or param.split(".")[-1] in refused.value.message


def test_thoughts_of_another_vendor_come_back_whole() -> None:
    thought = Thinking(text="hm", signature="s", sealed="t", format="gemini_content")
    said = {"type": "thinking", "thinking": "hm", "signature": pack_thinking(thought)}
    assert decode_blocks(blocks(said), at="at", ignored=[]) == [thought]


def test_thoughts_too_large_to_carry_still_tell_that_they_are_foreign() -> None:
    sealed = "".join(chr(33 + (n * n * 7919) % 50_000) for n in range(200_000))
    signature = pack_thinking(Thinking(sealed=sealed, format="f"))
    assert 0 < len(signature) < 100
    assert decode_blocks(blocks({"type": "thinking", "thinking": "hm", "signature": signature}), at="", ignored=[]) == [Thinking(text="hm")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", {}),
        (" ", {}),
        ('{"a": [1.0, 12345678901234567890]}', {"a": [1.0, 12345678901234567890]}),
        ("[1]", {RAW_KEY: "[1]"}),
        ("null", {RAW_KEY: "null"}),
        ('{"a":', {RAW_KEY: '{"a":'}),
        ("\ud800", {RAW_KEY: "?"}),
    ],
)
def test_arguments_become_an_object_and_are_never_dropped(arguments: str, said: object) -> None:
    encoded = encode_input(arguments)
    if arguments == "\ud800":
        encoded = {RAW_KEY: encoded[RAW_KEY].encode("utf-8", "replace").decode()}
    assert msgspec.json.decode(msgspec.json.encode(encoded)) == said


@pytest.mark.parametrize("file", [File(vendor_id="file-1"), File(data="AAAA"), File(data="UEsDBA==", media_type="application/zip"), File()])
def test_a_file_the_model_cannot_read_is_refused(file: File) -> None:
    with pytest.raises(InvalidRequest, match="PDF and text") as refused:
        encode_file(file)
    assert refused.value.param == "messages"


def test_a_text_file_must_be_text() -> None:
    with pytest.raises(InvalidRequest, match="UTF-8"):
        encode_file(File(data="//79", media_type="text/plain"))


def test_a_picture_of_another_kind_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="image/bmp"):
        encode_image(Image(data="Qk0=", media_type="image/bmp"))

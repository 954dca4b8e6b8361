import base64
import io
from typing import Any

import pytest
from PIL import Image

from modelgate.sandbox.anthropic import block_checks
from modelgate.sandbox.anthropic.block_checks import check_block, check_mark, check_texts
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.thinking import redact_thought, sign_thought


def _picture(kind: str = "PNG", *, declared: str = "image/png", size: tuple[int, int] = (4, 4)) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind)
    return {"type": "base64", "media_type": declared, "data": base64.b64encode(buffer.getvalue()).decode()}


PDF = {"type": "base64", "media_type": "application/pdf", "data": base64.b64encode(b"%PDF-1.4").decode()}
TEXT = {"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
GOOD = {
    "text": TEXT,
    "picture": {"type": "image", "source": _picture(), "cache_control": None},
    "picture by URL": {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    "webp": {"type": "image", "source": _picture("WEBP", declared="image/webp")},
    "pdf": {"type": "document", "source": PDF, "title": "T", "context": "C", "citations": {"enabled": True}},
    "plain": {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
    "document of blocks": {"type": "document", "source": {"type": "content", "content": [TEXT]}},
    "document of text": {"type": "document", "source": {"type": "content", "content": "words"}},
    "search result": {"type": "search_result", "source": "s", "title": "t", "content": [TEXT]},
    "result": {"type": "tool_result", "tool_use_id": "toolu_1", "is_error": True},
    "result of blocks": {"type": "tool_result", "tool_use_id": "toolu_1", "content": [TEXT, {"type": "image", "source": _picture()}]},
}
GOOD_OF_ASSISTANT = {
    "call": {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
    "thought": {"type": "thinking", "thinking": "Hm.", "signature": sign_thought("Hm.", thought="Hm.")},
    "redacted": {"type": "redacted_thinking", "data": redact_thought("Hm.")},
    "vendor's": {"type": "server_tool_use", "whatever": 1},
    "vendor's result": {"type": "web_search_tool_result", "content": []},
}


@pytest.mark.parametrize("block", GOOD.values(), ids=GOOD)
def test_good_blocks_of_the_user(block: Any) -> None:
    check_block(block, where="messages.0.content.0", role="user")


@pytest.mark.parametrize("block", GOOD_OF_ASSISTANT.values(), ids=GOOD_OF_ASSISTANT)
def test_good_blocks_of_the_assistant(block: Any) -> None:
    check_block(block, where="messages.0.content.0", role="assistant")


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("Hi", "messages.0.content.0: Input should be a valid dictionary"),
        ({"type": "video"}, "messages.0.content.0: Input tag 'video' found"),
        ({"type": "text"}, "messages.0.content.0.text.text: Field required"),
        ({"type": "text", "text": ""}, "messages: text content blocks must be non-empty"),
        ({"type": "text", "text": " \n"}, "messages: text content blocks must contain non-whitespace text"),
        ({"type": "text", "text": "a", "name": "b"}, "messages.0.content.0.text.name: Extra inputs are not permitted"),
        ({"type": "text", "text": "a", "cache_control": {"type": "long"}}, "messages.0.content.0.text.cache_control: Input tag 'long'"),
        ({"type": "image", "source": "data:"}, "messages.0.content.0.image.source: Input should be a valid dictionary"),
        ({"type": "image", "source": _picture("JPEG")}, "using the image/png media type, but the image appears to be a image/jpeg image"),
        (
            {"type": "image", "source": _picture(declared="image/jpg")},
            "source.base64.media_type: Input should be 'image/jpeg', 'image/png'",
        ),
        ({"type": "image", "source": {**_picture(), "data": "data:image/png;base64,AAAA"}}, "source.base64.data: Invalid base64 data"),
        ({"type": "image", "source": {**_picture(), "data": "AAAA\n"}}, "source.base64.data: Invalid base64 data"),
        ({"type": "image", "source": {**_picture(), "data": "AAAA"}}, "source.base64: Could not process image"),
        ({"type": "image", "source": {"type": "url", "url": "http://example.com"}}, "source.url.url: Only HTTPS URLs are supported."),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "source.file.file_id: File not found: file_1"),
        ({"type": "image", "source": _picture(size=(8001, 1))}, "exceed max allowed size: 8000 pixels"),
        ({"type": "document", "source": {**PDF, "data": "AAAA"}}, "document.source.base64: The PDF specified was not valid."),
        ({"type": "document", "source": {**PDF, "media_type": "text/plain"}}, "media_type: Input should be 'application/pdf'"),
        ({"type": "document", "source": {"type": "content", "content": [{"type": "document"}]}}, "content.content.0: Input tag 'document'"),
        ({"type": "tool_result", "tool_use_id": "a b"}, "tool_use_id: String should match pattern"),
        ({"type": "tool_result", "tool_use_id": "a", "content": {}}, "tool_result.content: Input should be a valid list"),
        ({"type": "tool_result", "tool_use_id": "a", "content": [{"type": "thinking"}]}, "tool_result.content.0: Input tag 'thinking'"),
        ({"type": "tool_use", "id": "a", "name": "f", "input": {}}, "`tool_use` blocks can only be in `assistant` messages"),
    ],
)
def test_bad_blocks_of_the_user(block: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check_block(block, where="messages.0.content.0", role="user")
    assert message in caught.value.message


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ({"type": "image", "source": _picture()}, "`image` blocks can only be in `user` messages"),
        ({"type": "tool_use", "id": "a.b", "name": "f", "input": {}}, "tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"),
        ({"type": "tool_use", "id": "a", "name": "f", "input": "{}"}, "tool_use.input: Input should be a valid dictionary"),
        ({"type": "thinking", "thinking": "Hm."}, "thinking.signature: Field required"),
        ({**GOOD_OF_ASSISTANT["thought"], "thinking": "Ah."}, "messages.1.content.0: Invalid `signature` in `thinking` block"),
        ({"type": "redacted_thinking", "data": "AAAA"}, "messages.1.content.0: Invalid `data` in `redacted_thinking` block"),
        (
            {**GOOD_OF_ASSISTANT["thought"], "cache_control": {"type": "ephemeral"}},
            "thinking.cache_control: Extra inputs are not permitted",
        ),
    ],
)
def test_bad_blocks_of_the_assistant(block: Any, message: str) -> None:
    with pytest.raises(Refused) as caught:
        check_block(block, where="messages.1.content.0", role="assistant")
    assert message in caught.value.message


def test_pictures_of_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(block_checks, "MAX_PICTURE_BYTES", 10)
    with pytest.raises(Refused, match="image exceeds 5 MB maximum"):
        check_block(GOOD["picture"], where="messages.0.content.0", role="user")


def test_texts_of_the_system() -> None:
    check_texts([TEXT], where="system")
    with pytest.raises(Refused, match="system: text content blocks must be non-empty"):
        check_texts([{"type": "text", "text": ""}], where="system")
    with pytest.raises(Refused, match=r"system\.1: Input tag 'image'"):
        check_texts([TEXT, {"type": "image"}], where="system")


def test_marks() -> None:
    check_mark({"cache_control": {"type": "ephemeral", "ttl": "5m"}})
    with pytest.raises(Refused, match=r"tools\.0\.cache_control\.ephemeral\.ttl: Input should be '5m' or '1h'"):
        check_mark({"cache_control": {"type": "ephemeral", "ttl": "2h"}}, where="tools.0.")

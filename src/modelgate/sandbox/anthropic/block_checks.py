"""What Anthropic refuses about a block of content: its kind, its fields, its picture or document, its signature."""

import re
from base64 import b64decode

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.fields import Check, must_be, one_of, only, optional, required, tagged
from modelgate.sandbox.anthropic.thinking import is_redacted, is_signed
from modelgate.sandbox.vision import NotAPicture, open_whole

MAX_PICTURE_BYTES = 5 * 1024 * 1024
"""Of its base64 text, as the vendor counts."""
MAX_PICTURE_PX = 8_000
MEDIA_TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp")
PDF = "application/pdf"
CALL_ID = re.compile(r"^[a-zA-Z0-9_-]+$")
_PICTURE_SOURCES = ("base64", "url", "file")
_DOCUMENT_SOURCES = ("base64", "text", "url", "content", "file")
_ECHOED = re.compile(r"^(server_tool_use|container_upload|[a-z_]+_tool_result)$")


def check_block(block: Json, *, where: str, role: str) -> None:
    """Check one block of a message. Raises Refused."""
    must_be(block, dict, where=where)
    if isinstance(block.get("type"), str) and _ECHOED.match(block["type"]):
        check_mark(block, where=f"{where}.{block['type']}.")
        return  # what the vendor's own tools said, coming back
    kind = tagged(block, _CHECKS, where=where)
    if kind not in _ROLES[role]:
        other = "assistant" if role == "user" else "user"
        raise Refused(f"{where}: `{kind}` blocks can only be in `{other}` messages")
    _check(block, kind, where)


def check_texts(blocks: Json, *, where: str) -> None:
    """Check a list of text blocks, such as `system`. Raises Refused."""
    for index, block in enumerate(blocks):
        _check(block, tagged(block, ("text",), where=f"{where}.{index}"), f"{where}.{index}")


def check_mark(holder: dict[str, Json], *, where: str = "") -> None:
    """Check the `cache_control` of an object; `where` ends in a dot. Raises Refused."""
    mark = optional(holder, "cache_control", dict, where=where)
    if mark is None:
        return
    tagged(mark, ("ephemeral",), where=f"{where}cache_control")
    only(mark, ("type", "ttl"), where=f"{where}cache_control.ephemeral.")
    if mark.get("ttl") is not None:
        one_of(mark["ttl"], ("5m", "1h"), where=f"{where}cache_control.ephemeral.ttl")


def _check(block: dict[str, Json], kind: str, where: str) -> None:
    check, fields = _CHECKS[kind]
    only(block, ("type", *fields), where=f"{where}.{kind}.")
    if "cache_control" in fields:
        check_mark(block, where=f"{where}.{kind}.")
    check(block, f"{where}.{kind}.")


def _text(block: dict[str, Json], where: str) -> None:
    text = required(block, "text", str, where=where)
    place = where.partition(".")[0]
    if not text:
        raise Refused(f"{place}: text content blocks must be non-empty")
    if not text.strip():
        raise Refused(f"{place}: text content blocks must contain non-whitespace text")


def _picture(block: dict[str, Json], where: str) -> None:
    source = required(block, "source", dict, where=where)
    kind = tagged(source, _PICTURE_SOURCES, where=f"{where}source")
    within = f"{where}source.{kind}."
    if kind != "base64":
        _check_remote(source, kind, within)
        return
    only(source, ("type", "media_type", "data"), where=within)
    required(source, "media_type", str, where=within)
    one_of(source["media_type"], MEDIA_TYPES, where=within + "media_type")
    data = required(source, "data", str, where=within)
    if len(data) > MAX_PICTURE_BYTES:
        raise Refused(f"{within[:-1]}: image exceeds 5 MB maximum: {len(data)} bytes > {MAX_PICTURE_BYTES} bytes")
    try:
        picture = open_whole(_decoded(data, where=within))
    except NotAPicture:
        raise Refused(f"{within[:-1]}: Could not process image") from None
    real = f"image/{(picture.format or 'unknown').lower()}"
    if real != source["media_type"]:
        raise Refused(
            f"{within[:-1]}: The image was specified using the {source['media_type']} media type, "
            f"but the image appears to be a {real} image"
        )
    if max(picture.size) > MAX_PICTURE_PX:
        raise Refused(f"{within[:-1]}: At least one of the image dimensions exceed max allowed size: {MAX_PICTURE_PX} pixels")


def _check_remote(source: dict[str, Json], kind: str, where: str) -> None:
    name = "url" if kind == "url" else "file_id"
    only(source, ("type", name), where=where)
    value = required(source, name, str, where=where)
    if kind == "url" and not value.startswith("https://"):
        raise Refused(f"{where}url: Only HTTPS URLs are supported.")
    if kind == "file":
        raise Refused(f"{where}file_id: File not found: {value[:80]}")


def _decoded(data: str, *, where: str) -> bytes:
    try:
        return b64decode(data, validate=True)
    except ValueError:
        raise Refused(f"{where}data: Invalid base64 data") from None


def _document(block: dict[str, Json], where: str) -> None:
    source = required(block, "source", dict, where=where)
    kind = tagged(source, _DOCUMENT_SOURCES, where=f"{where}source")
    within = f"{where}source.{kind}."
    for name in ("title", "context"):
        optional(block, name, str, where=where)
    optional(block, "citations", dict, where=where)
    if kind in ("url", "file"):
        _check_remote(source, kind, within)
    elif kind == "content":
        content = source.get("content")
        if not isinstance(content, str):
            _inner(required(source, "content", list, where=within), ("text", "image"), within + "content")
    else:
        only(source, ("type", "media_type", "data"), where=within)
        required(source, "media_type", str, where=within)
        one_of(source["media_type"], (PDF,) if kind == "base64" else ("text/plain",), where=within + "media_type")
        data = required(source, "data", str, where=within)
        if kind == "base64" and not _decoded(data, where=within).startswith(b"%PDF-"):
            raise Refused(f"{within[:-1]}: The PDF specified was not valid.")


def _search_result(block: dict[str, Json], where: str) -> None:
    for name in ("source", "title"):
        required(block, name, str, where=where)
    _inner(required(block, "content", list, where=where), ("text",), where + "content")


def _call(block: dict[str, Json], where: str) -> None:
    if not CALL_ID.match(required(block, "id", str, where=where)):
        raise Refused(f"{where}id: String should match pattern '{CALL_ID.pattern}'")
    required(block, "name", str, where=where)
    required(block, "input", dict, where=where)


def _result(block: dict[str, Json], where: str) -> None:
    if not CALL_ID.match(required(block, "tool_use_id", str, where=where)):
        raise Refused(f"{where}tool_use_id: String should match pattern '{CALL_ID.pattern}'")
    optional(block, "is_error", bool, where=where)
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    must_be(content, list, where=where + "content")
    _inner(content, ("text", "image", "document", "search_result"), where + "content")


def _inner(blocks: list[Json], kinds: tuple[str, ...], where: str) -> None:
    for index, block in enumerate(blocks):
        _check(block, tagged(block, kinds, where=f"{where}.{index}"), f"{where}.{index}")


def _thinking(block: dict[str, Json], where: str) -> None:
    thinking = required(block, "thinking", str, where=where)
    if not is_signed(thinking, required(block, "signature", str, where=where)):
        raise Refused(f"{where.removesuffix('.thinking.')}: Invalid `signature` in `thinking` block")


def _redacted(block: dict[str, Json], where: str) -> None:
    if not is_redacted(required(block, "data", str, where=where)):
        raise Refused(f"{where.removesuffix('.redacted_thinking.')}: Invalid `data` in `redacted_thinking` block")


_CHECKS: dict[str, tuple[Check, tuple[str, ...]]] = {
    "text": (_text, ("text", "cache_control", "citations")),
    "image": (_picture, ("source", "cache_control", "transformations")),
    "document": (_document, ("source", "title", "context", "citations", "cache_control")),
    "search_result": (_search_result, ("source", "title", "content", "citations", "cache_control")),
    "tool_use": (_call, ("id", "name", "input", "caller", "toolset_name", "cache_control")),
    "tool_result": (_result, ("tool_use_id", "content", "is_error", "toolset_name", "cache_control")),
    "thinking": (_thinking, ("thinking", "signature")),
    "redacted_thinking": (_redacted, ("data",)),
}
"""Each kind of block with its check and the fields it may have besides `type`."""

_ROLES = {
    "user": frozenset(("text", "image", "document", "search_result", "tool_result")),
    "assistant": frozenset(("text", "tool_use", "thinking", "redacted_thinking")),
}

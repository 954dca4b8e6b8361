"""One content block of a request as a neutral part, and back."""

import base64
import binascii
import re
from typing import TypeVar

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.request import say
from modelgate.formats.anthropic_messages.schema import NAME, Block, CacheControl, Source
from modelgate.formats.chat.carried import MARK, Carried, pack_id, unpack_id
from modelgate.formats.chat.media_type import normal_media_type, read_base64, sniff_base64
from modelgate.formats.chat.request import CacheMark, File, Image, Part, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.json_fields import MISSING, UNREADABLE, decode_fields

IMAGE_TYPES = frozenset(("image/jpeg", "image/png", "image/gif", "image/webp"))
RAW_KEY = "_raw"
"""Arguments that are no JSON object travel as the one string of an object."""
_TEXT_TYPES = re.compile(r"text/|application/(?:json|xml|x-yaml|javascript|x-ndjson)$")

T = TypeVar("T")

_source = msgspec.json.Decoder(Source)
_blocks = msgspec.json.Decoder(str | list[Block])
_as_text = msgspec.json.Decoder(str)
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_blocks(content: str | list[Block], *, at: str, ignored: list[str]) -> list[Part]:
    """Return the parts of a turn, of instructions, or of a tool's result. `at` is its path; what has no word here is named in `ignored`.

    Raises:
        InvalidRequest: a block that is not known, or lacks what it needs.
    """
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    parts: list[Part] = []
    for index, block in enumerate(content):
        parts += _decode_block(block, at=f"{at}.{index}", ignored=ignored)
    return parts


def _decode_block(block: Block, *, at: str, ignored: list[str]) -> list[Part]:
    cache = decode_cache(block.cache_control)
    match block.type:
        case "text":
            text = _needed(block.text, f"{at}.text")
            return [Text(text=text, cache=cache)] if text else []
        case "image":
            return [_image(_read(_source, block.source, f"{at}.source"), cache, at=f"{at}.source")]
        case "document":
            ignored += [f"{at}.{name}" for name, said in (("context", block.context), ("citations", block.citations)) if said]
            return _document(block, cache, at=at, ignored=ignored)
        case "search_result":
            return [_search_result(block, cache, at=at, ignored=ignored)]
        case "thinking":
            return _thinking(block)
        case "redacted_thinking":
            return _redacted(_needed(block.data, f"{at}.data"))
        case "tool_use":
            return _tool_use(block, cache, at=at)
        case "tool_result":
            return [_tool_result(block, cache, at=at, ignored=ignored)]
        case kind if kind == "server_tool_use" or kind.endswith("_tool_result") or kind == "container_upload":
            ignored.append(at)  # what the vendor's own tools did; other models read the text that came of it
            return []
        case kind:
            raise InvalidRequest(f"{at}: a content block of type '{kind[:64]}' is not known here.", param=at, code="invalid_value")


def decode_cache(control: CacheControl | None) -> CacheMark | None:
    """Return a mark of the cache, None for none."""
    return None if control is None else CacheMark(ttl=control.ttl or "")


def encode_cache(mark: CacheMark | None) -> dict[str, Json]:
    """Return the field that marks the cache, no field for none."""
    if mark is None:
        return {}
    return {"cache_control": {"type": "ephemeral", "ttl": mark.ttl} if mark.ttl in ("5m", "1h") else {"type": "ephemeral"}}


def _needed(value: str | None, at: str) -> str:
    if value is None:
        raise InvalidRequest(say(at, MISSING), param=at, code="missing_required_parameter")
    return value


def _read(decoder: "msgspec.json.Decoder[T]", raw: msgspec.Raw, at: str) -> T:
    """Return a field that means different things by its block's type."""
    if not bytes(raw):
        raise InvalidRequest(say(at, MISSING), param=at, code="missing_required_parameter")
    try:
        return decode_fields(decoder, bytes(raw), say=lambda param, reason: say(f"{at}.{param}" if param else at, reason))
    except InvalidRequest as error:
        error.param = at
        raise


def _image(source: Source, cache: CacheMark | None, *, at: str) -> Image:
    if source.type == "url":
        return Image(url=_needed(source.url, f"{at}.url"), cache=cache)
    if source.type != "base64":
        raise _unknown_source(source, at)
    media_type, data = read_base64(_needed(source.data, f"{at}.data"), declared=source.media_type or "", param=f"{at}.data")
    return Image(data=data, media_type=media_type, cache=cache)


def _document(block: Block, cache: CacheMark | None, *, at: str, ignored: list[str]) -> list[Part]:
    """Numbered cases: 1. base64; 2. an address; 3. text; 4. blocks of its own, its pictures beside it; 5. an id at the vendor."""
    source = _read(_source, block.source, f"{at}.source")
    name = block.title or ""
    match source.type:
        case "base64":
            media_type, data = read_base64(
                _needed(source.data, f"{at}.source.data"), declared=source.media_type or "", param=f"{at}.source.data"
            )
            return [File(name=name, media_type=media_type, data=data, cache=cache)]
        case "url":
            return [File(name=name, url=_needed(source.url, f"{at}.source.url"), cache=cache)]
        case "text":
            text = _needed(source.data, f"{at}.source.data")
            return [File(name=name, media_type=source.media_type or "text/plain", text=text, cache=cache)]
        case "content":
            inside = decode_blocks(source.content or "", at=f"{at}.source.content", ignored=ignored)
            words = "\n".join(part.text for part in inside if isinstance(part, Text))
            pictures = [part for part in inside if isinstance(part, Image)]
            return [File(name=name, media_type="text/plain", text=words, cache=cache), *pictures]
        case "file":
            return [File(name=name, vendor_id=_needed(source.file_id, f"{at}.source.file_id"), cache=cache)]
        case _:
            raise _unknown_source(source, f"{at}.source")


def _unknown_source(source: Source, at: str) -> InvalidRequest:
    return InvalidRequest(f"{at}: a source of type '{source.type[:64]}' is not supported here.", param=at, code="invalid_value")


def _search_result(block: Block, cache: CacheMark | None, *, at: str, ignored: list[str]) -> Text:
    """What a search of the caller's own found is text to other models."""
    inside = decode_blocks(_read(_blocks, block.content, f"{at}.content"), at=f"{at}.content", ignored=ignored)
    heading = [block.title or "", _read(_as_text, block.source, f"{at}.source")]
    return Text(text="\n".join([*filter(None, heading), *(part.text for part in inside if isinstance(part, Text))]), cache=cache)


def _thinking(block: Block) -> list[Part]:
    """Thoughts of another vendor's model carry in our signature what that vendor wants back."""
    text, signature = block.thinking or "", block.signature or ""
    if not signature.startswith(MARK):
        return [Thinking(text=text, signature=signature, format=NAME if signature else "")] if text or signature else []
    carried = unpack_id(signature).thinking
    proof = carried[0] if carried else Thinking()
    thought = Thinking(text=text, signature=proof.signature, sealed=proof.sealed, format=proof.format)
    return [thought] if thought != Thinking(format=proof.format) else []


def _redacted(data: str) -> list[Part]:
    return [Thinking(sealed=data, format=NAME)] if data else []


def pack_thinking(thought: Thinking) -> str:
    """Return a signature for thoughts that are not this vendor's: what their maker wants back, without the text."""
    bare = Thinking(signature=thought.signature, sealed=thought.sealed)
    return pack_id(Carried("", thought.format, "", (bare,))) or pack_id(Carried("", "", "", (Thinking(),)))


def _tool_use(block: Block, cache: CacheMark | None, *, at: str) -> list[Part]:
    carried = unpack_id(_needed(block.id, f"{at}.id"))
    arguments = bytes(block.input).decode()
    call = ToolCall(
        id=carried.id,
        name=_needed(block.name, f"{at}.name"),
        arguments=arguments if arguments not in ("", "null") else "{}",
        signature=carried.signature,
        format=carried.format if carried.signature else "",
        cache=cache,
    )
    return [*(thought for thought in carried.thinking if thought != Thinking(format=carried.format)), call]


def _tool_result(block: Block, cache: CacheMark | None, *, at: str, ignored: list[str]) -> ToolResult:
    parts: list[Part] = []
    if bytes(block.content) not in (b"", b"null"):
        parts = decode_blocks(_read(_blocks, block.content, f"{at}.content"), at=f"{at}.content", ignored=ignored)
    return ToolResult(
        call_id=unpack_id(_needed(block.tool_use_id, f"{at}.tool_use_id")).id,
        parts=tuple(part for part in parts if isinstance(part, Text | Image | File)),
        is_error=bool(block.is_error),
        cache=cache,
    )


def encode_text(text: Text) -> Json:
    """Return the block of a text that is not empty."""
    return {"type": "text", "text": text.text, **encode_cache(text.cache)}


def encode_image(image: Image) -> Json:
    """Return the block of a picture. Raises InvalidRequest: of a kind the API does not take."""
    if image.url:
        return {"type": "image", "source": {"type": "url", "url": image.url}, **encode_cache(image.cache)}
    media_type = normal_media_type(image.media_type) or _sniffed(image.data)
    if media_type not in IMAGE_TYPES:
        message = f"A picture of type '{media_type or 'unknown'}' cannot be read by this model: {', '.join(sorted(IMAGE_TYPES))} can."
        raise InvalidRequest(message, param="messages", code="invalid_image_format")
    source = {"type": "base64", "media_type": media_type, "data": image.data}
    return {"type": "image", "source": source, **encode_cache(image.cache)}


def encode_file(file: File) -> Json:
    """Return the block of a document. Raises InvalidRequest: of a kind the API does not take, or kept at another vendor."""
    source: dict[str, Json]
    media_type = normal_media_type(file.media_type) or _sniffed(file.data)
    if file.text:
        source = {"type": "text", "media_type": "text/plain", "data": file.text}
    elif file.url:
        source = {"type": "url", "url": file.url}
    elif file.data and media_type == "application/pdf":
        source = {"type": "base64", "media_type": media_type, "data": file.data}
    elif file.data and media_type in IMAGE_TYPES:
        return encode_image(Image(data=file.data, media_type=media_type, cache=file.cache))
    elif file.data and _TEXT_TYPES.match(media_type):
        source = {"type": "text", "media_type": "text/plain", "data": _plain_text(file.data)}
    else:
        what = f"of type '{media_type or 'unknown'}'" if file.data else "by its id at another vendor"
        raise InvalidRequest(
            f"A file {what} cannot be read by this model: PDF and text can.", param="messages", code="unsupported_parameter"
        )
    return {"type": "document", "source": source, **({"title": file.name} if file.name else {}), **encode_cache(file.cache)}


def _plain_text(data: str) -> str:
    try:
        return base64.b64decode(data).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidRequest("A text file is not valid UTF-8 in base64.", param="messages", code="invalid_value") from None


def _sniffed(data: str) -> str:
    try:
        return sniff_base64(data)
    except ValueError:
        return ""


def encode_input(arguments: str) -> Json:
    """Return the arguments of a call as the object the API wants; what is none is wrapped, never dropped."""
    if not arguments.strip():
        return {}
    encoded = arguments.encode("utf-8", "replace")
    try:
        _object.decode(encoded)
        return msgspec.Raw(encoded.strip())
    except UNREADABLE:
        return {RAW_KEY: arguments}


def encode_result(result: ToolResult, call_id: str) -> Json:
    """Return the block of a tool's result."""
    block: dict[str, Json] = {"type": "tool_result", "tool_use_id": call_id}
    said = [part for part in result.parts if not isinstance(part, Text) or part.text.strip()]
    if len(said) == 1 and isinstance(said[0], Text) and said[0].cache is None:
        block["content"] = said[0].text
    elif said:
        block["content"] = [_inside(part) for part in said]
    if result.is_error:
        block["is_error"] = True
    return {**block, **encode_cache(result.cache)}


def _inside(part: Text | Image | File) -> Json:
    match part:
        case Text():
            return encode_text(part)
        case Image():
            return encode_image(part)
        case File():
            return encode_file(part)


def encode_thinking(thought: Thinking) -> Json | None:
    """Return the block of thoughts that the vendor signed; None for all others, which it would refuse."""
    if thought.format != NAME:
        return None
    if thought.sealed:
        return {"type": "redacted_thinking", "data": thought.sealed}
    return {"type": "thinking", "thinking": thought.text, "signature": thought.signature} if thought.signature else None

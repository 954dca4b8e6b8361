"""A conversation as the contents of a request: what the vendor's servers insist on is put right here.

Turns alternate and begin with the user's, results follow their calls in the calls' order, every result says its function's name, calls
come last in their turn, and newest models want each step's first call signed.
"""

from collections.abc import Iterable
from typing import assert_never

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.markdown_images import split_markdown_images
from modelgate.formats.chat.media_type import normal_media_type
from modelgate.formats.chat.request import Audio, File, Image, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.model_facts import ModelFacts
from modelgate.formats.gemini_content.parts import audio_media_type, file_data, inline_data, is_vendors_file, keeps_address
from modelgate.formats.gemini_content.signatures import SKIP

PLACEHOLDER = "Begin."
"""The user's words where there are none: a conversation must start with some."""
GENERATED_ID = "call_g0_"
"""Ids made here for calls that came without begin so: they are not told to the vendor."""

_json_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, UnicodeEncodeError, RecursionError)


def encode_contents(messages: tuple[Message, ...], facts: ModelFacts, *, preface: str = "") -> list[Json]:
    """Return a conversation's contents; `preface` goes before the first words of the user.

    Raises:
        InvalidRequest: a part that Gemini has no word for, or a result without its call; `param` is `messages`.
    """
    groups = _grouped(messages)
    asked_last = max((at for at, (role, parts) in enumerate(groups) if role == "user" and not _only_results(parts)), default=-1)
    calls = {part.id: part.name for _, parts in groups for part in parts if isinstance(part, ToolCall)}
    order = {call_id: position for position, call_id in enumerate(calls)}
    contents: list[dict[str, Json]] = []
    for at, (role, parts) in enumerate(groups):
        if role == "user":
            results = sorted((part for part in parts if isinstance(part, ToolResult)), key=lambda result: order.get(result.call_id, -1))
            said = [part for part in parts if not isinstance(part, ToolResult)]
            made = [shown for result in results for shown in _result(result, calls, facts)] + _parts(said)
            _append(contents, "user", made)
        else:
            _append(contents, "model", _answer(parts, signs=facts.signs_calls and at > asked_last))
    if not contents or contents[0]["role"] == "model":
        contents.insert(0, {"role": "user", "parts": [{"text": PLACEHOLDER}] if not preface else []})
    if preface:
        first = contents[0]["parts"]
        words = next((place for place, part in enumerate(first) if "text" in part), None)
        if words is None:
            first.insert(0, {"text": preface})
        else:
            first[words] = {"text": f"{preface}\n{first[words]['text']}"}
    return list(contents)


def _grouped(messages: tuple[Message, ...]) -> list[tuple[str, list[Part]]]:
    groups: list[tuple[str, list[Part]]] = []
    for message in messages:
        if groups and groups[-1][0] == message.role:
            groups[-1][1].extend(message.parts)
        else:
            groups.append((message.role, list(message.parts)))
    return groups


def _only_results(parts: Iterable[Part]) -> bool:
    return all(isinstance(part, ToolResult) for part in parts)


def _append(contents: list[dict[str, Json]], role: str, parts: list[Json]) -> None:
    if not parts:
        return
    if contents and contents[-1]["role"] == role:
        contents[-1]["parts"].extend(parts)
    else:
        contents.append({"role": role, "parts": parts})


def _answer(parts: list[Part], *, signs: bool) -> list[Json]:
    calls = [part for part in parts if isinstance(part, ToolCall)]
    made = _parts(part for part in parts if not isinstance(part, ToolCall))
    for at, call in enumerate(calls):
        encoded = _call(call)
        if signs and at == 0 and "thoughtSignature" not in encoded:
            encoded["thoughtSignature"] = SKIP
        made.append(encoded)
    return made


def _parts(parts: Iterable[Part]) -> list[Json]:
    return [encoded for part in parts for encoded in _part(part)]


def _part(part: Part) -> list[Json]:
    match part:
        case Text(text=text) | Refusal(text=text):
            pieces = split_markdown_images(text) if text else ()
            return [{"text": piece.text} if isinstance(piece, Text) else _image(piece) for piece in pieces if _is_worth_saying(piece)]
        case Image():
            return [_image(part)]
        case Audio():
            return [_audio(part)]
        case File():
            return [_file(part)]
        case Thinking():
            return _thought(part)
        case ToolCall():
            return [_call(part)]
        case ToolResult():
            return []  # encoded with the calls at hand
        case _:
            assert_never(part)


def _is_worth_saying(piece: Text | Image) -> bool:
    return isinstance(piece, Image) or bool(piece.text)


def _thought(thought: Thinking) -> list[Json]:
    if thought.format != NAME or not (thought.text or thought.signature):
        return []
    made: dict[str, Json] = {"text": thought.text}
    if thought.text:
        made["thought"] = True
    if thought.signature:
        made["thoughtSignature"] = thought.signature
    return [made]


def _image(image: Image) -> Json:
    if image.data:
        return inline_data(image.data, normal_media_type(image.media_type) or "image/png")
    if keeps_address(image.url):
        return file_data(image.url)
    raise _unsupported("Gemini fetches no pictures from addresses: it must be sent as data.")


def _audio(audio: Audio) -> Json:
    if audio.data:
        return inline_data(audio.data, audio_media_type(audio.format))
    if audio.transcript:
        return {"text": audio.transcript}
    raise _unsupported("A sound of an earlier answer means nothing to this model: it must be sent as data.")


def _file(file: File) -> Json:
    media_type = normal_media_type(file.media_type)
    if file.text:
        return {"text": file.text}
    if file.data:
        return inline_data(file.data, media_type or "application/pdf")
    if file.url or is_vendors_file(file.vendor_id):
        return file_data(file.url or file.vendor_id, media_type)
    raise _unsupported("A file kept at another vendor means nothing to this model: it must be sent as data.")


def _unsupported(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages", code="unsupported_parameter")


def _call(call: ToolCall) -> dict[str, Json]:
    function: dict[str, Json] = {"name": call.name, "args": {"input": call.arguments} if call.custom else arguments_object(call.arguments)}
    if not call.id.startswith(GENERATED_ID):
        function["id"] = call.id
    made: dict[str, Json] = {"functionCall": function}
    if call.signature and call.format == NAME:
        made["thoughtSignature"] = call.signature
    return made


def arguments_object(arguments: str) -> Json:
    """Return a call's arguments as the object they must be; what the model wrote otherwise stands in it as text."""
    if not arguments.strip():
        return {}
    try:
        _json_object(arguments)
        return msgspec.Raw(arguments.encode())
    except _UNREADABLE:
        return {"input": arguments}


def _result(result: ToolResult, calls: dict[str, str], facts: ModelFacts) -> list[Json]:
    name = calls.get(result.call_id) or result.name
    if not name:
        raise InvalidRequest(
            f"A tool's result names the call {result.call_id[:100]!r}, which is not in the conversation.",
            param="messages",
            code="invalid_value",
        )
    function: dict[str, Json] = {"name": name, "response": _response(result)}
    if result.call_id in calls and not result.call_id.startswith(GENERATED_ID):
        function["id"] = result.call_id
    shown = _parts(part for part in result.parts if not isinstance(part, Text))
    if shown and facts.signs_calls:  # the generation that signs its calls takes pictures within results
        function["parts"] = shown
        shown = []
    return [{"functionResponse": function}, *shown]


def _response(result: ToolResult) -> Json:
    text = "".join(part.text for part in result.parts if isinstance(part, Text))
    try:
        value: Json = msgspec.json.decode(text, type=msgspec.Raw)
    except _UNREADABLE:
        value = text
    if isinstance(value, msgspec.Raw) and bytes(value)[:1] == b"{" and not (result.is_error and not text.startswith('{"error":')):
        return value
    return {"error" if result.is_error else "result": value}

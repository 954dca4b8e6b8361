"""Messages of a chat request in neutral words."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.carried import Carried, unpack_id
from modelgate.formats.chat.media_type import normal_media_type, read_base64, read_data_url
from modelgate.formats.chat.request import (
    Audio,
    CacheMark,
    File,
    Image,
    Message,
    Part,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from modelgate.formats.openai_chat.hub_schema import CacheControl, FileBody, RequestCall, RequestMessage, RequestPart
from modelgate.formats.openai_chat.reasoning_details import thinking_of_details

_ADDRESSES = ("http://", "https://", "gs://")
_THINKING_BLOCKS_FORMAT = "anthropic_messages"
"""Signed thinking blocks within a chat are Claude's, handed on by clients that keep them."""
_EXTENSIONS = {"pdf": "application/pdf", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv", "json": "application/json"}


class Conversation:
    """Messages as they are read: who called what under which id, so that results find their tool's name."""

    def __init__(self) -> None:
        self.system: list[Text] = []
        self._turns: list[tuple[Literal["user", "assistant"], list[Part], str]] = []
        self._names: dict[str, str] = {}
        self._custom: set[str] = set()
        self._unanswered: list[ToolCall] = []  # calls of the older form, which have no ids of their own
        self._legacy_calls = 0
        self._results_open = False

    def add(self, message: RequestMessage, *, param: str) -> None:
        """Take the next message. Raises InvalidRequest: a part is not what its type says; `param` is the message's place."""
        match message.role:
            case "system" | "developer":
                self.system += _texts(message, param=param)
            case "user":
                self._add_user(message, param=param)
            case "assistant":
                self._results_open = False
                self._turns.append(("assistant", self._assistant_parts(message, param=param), message.name or ""))
            case "tool" | "function":
                result = self._result(message, param=param)
                if not self._results_open:
                    self._turns.append(("user", [], ""))
                    self._results_open = True
                self._turns[-1][1].append(result)

    def messages(self) -> tuple[Message, ...]:
        """Return the turns."""
        return tuple(Message(role=role, parts=tuple(parts), name=name) for role, parts, name in self._turns)

    def _add_user(self, message: RequestMessage, *, param: str) -> None:
        parts: list[Part] = [_user_part(part, param=f"{param}.content[{at}]") for at, part in enumerate(_parts(message))]
        if self._results_open:  # what the user says after a tool's results belongs to the same turn
            _, before, _ = self._turns[-1]
            self._turns[-1] = ("user", before + parts, message.name or "")
            self._results_open = False
        else:
            self._turns.append(("user", parts, message.name or ""))

    def _assistant_parts(self, message: RequestMessage, *, param: str) -> list[Part]:
        said: list[Part] = []
        thoughts: list[Thinking] = []
        for at, part in enumerate(_parts(message)):
            found = _assistant_part(part, param=f"{param}.content[{at}]")
            if isinstance(found, Thinking):
                thoughts.append(found)
            else:
                said.append(found)
        if message.refusal:
            said.append(Refusal(text=message.refusal))
        if message.audio is not None:
            said.append(Audio(vendor_id=message.audio.id))
        calls = [self._call(call, param=f"{param}.tool_calls[{at}]") for at, call in enumerate(message.tool_calls or ())]
        if message.function_call is not None:
            self._legacy_calls += 1
            legacy = ToolCall(
                id=f"call_{self._legacy_calls}", name=message.function_call.name, arguments=_arguments(message.function_call.arguments)
            )
            self._names[legacy.id] = legacy.name
            self._unanswered.append(legacy)
            calls.append((legacy, ()))
        carried = [thought for _, thinking in calls for thought in thinking]
        own = thoughts + _thoughts(message)
        return [*(carried or own), *said, *(call for call, _ in calls)]

    def _call(self, call: RequestCall, *, param: str) -> tuple[ToolCall, tuple[Thinking, ...]]:
        carried = unpack_id(call.id)
        if call.custom is not None:
            self._custom.add(carried.id)
            name, arguments, custom = call.custom.name, call.custom.input or "", True
        elif call.function is not None:
            name, arguments, custom = call.function.name, _arguments(call.function.arguments), False
        else:
            raise InvalidRequest(f"'{param}.function' is required.", param=f"{param}.function", code="missing_required_parameter")
        self._names[carried.id] = name
        carried = _with_extra(carried, call.extra_content)
        made = ToolCall(
            id=carried.id,
            name=name,
            arguments=arguments,
            custom=custom,
            signature=carried.signature,
            format=carried.format if carried.signature else "",
        )
        return made, carried.thinking

    def _result(self, message: RequestMessage, *, param: str) -> ToolResult:
        parts: list[Text | Image | File] = []
        for at, part in enumerate(_parts(message)):
            found = _user_part(part, param=f"{param}.content[{at}]")
            if not isinstance(found, Text | Image | File):
                raise InvalidRequest(f"'{param}.content[{at}]' cannot be part of a tool's result.", param=param, code="invalid_value")
            parts.append(found)
        cache = _cache(message.cache_control)
        if message.role == "function":
            call = next((call for call in self._unanswered if call.name == message.name), None)
            if call is not None:
                self._unanswered.remove(call)
            return ToolResult(call_id=call.id if call else "call_0", name=message.name or "", parts=tuple(parts), cache=cache)
        if message.tool_call_id is None:
            raise InvalidRequest(f"'{param}.tool_call_id' is required.", param=f"{param}.tool_call_id", code="missing_required_parameter")
        id = unpack_id(message.tool_call_id).id
        name = self._names.get(id, message.name or "")
        return ToolResult(call_id=id, name=name, parts=tuple(parts), custom=id in self._custom, cache=cache)


def _with_extra(carried: Carried, extra: Json) -> Carried:
    """Google's own OpenAI-compatible door gives signatures a place beside the call (`extra_content.google.thought_signature`)."""
    match extra:
        case {"google": {"thought_signature": str(signature)}} if signature and not carried.signature:
            return Carried(carried.id, "gemini_content", signature, carried.thinking)
        case _:
            return carried


def _arguments(arguments: str | dict[str, Json] | None) -> str:
    if isinstance(arguments, dict):
        return msgspec.json.encode(arguments).decode()
    return arguments or ""


def _parts(message: RequestMessage) -> Iterable[RequestPart]:
    content = message.content
    if isinstance(content, str):
        return (RequestPart(type="text", text=content, cache_control=message.cache_control),) if content or message.role == "user" else ()
    return content or ()


def _cache(control: CacheControl | None) -> CacheMark | None:
    return None if control is None else CacheMark(ttl=control.ttl or "")


def _texts(message: RequestMessage, *, param: str) -> list[Text]:
    texts: list[Text] = []
    for at, part in enumerate(_parts(message)):
        if part.type != "text":
            place = f"{param}.content[{at}]"
            raise InvalidRequest(f"'{place}' must be of type 'text'.", param=f"{place}.type", code="invalid_value")
        if part.text:
            texts.append(Text(text=part.text, cache=_cache(part.cache_control)))
    return texts


def _thoughts(message: RequestMessage) -> list[Thinking]:
    """Return what a message says beside its content of how the model came to it; blocks that can be proved come before plain text."""
    if message.thinking_blocks:
        return [_thinking_block(block) for block in message.thinking_blocks]
    if message.reasoning_details:
        return thinking_of_details(message.reasoning_details)
    text = message.reasoning_content or message.reasoning
    return [Thinking(text=text)] if text else []


def _thinking_block(part: RequestPart) -> Thinking:
    if part.type == "redacted_thinking":
        return Thinking(sealed=part.data or "", format=_THINKING_BLOCKS_FORMAT)
    return Thinking(
        text=part.thinking or part.text or "", signature=part.signature or "", format=_THINKING_BLOCKS_FORMAT if part.signature else ""
    )


def _assistant_part(part: RequestPart, *, param: str) -> Part:
    match part.type:
        case "refusal":
            return Refusal(text=part.refusal or "")
        case "thinking" | "redacted_thinking":
            return _thinking_block(part)
        case _:
            return _user_part(part, param=param)


def _user_part(part: RequestPart, *, param: str) -> Text | Image | Audio | File:
    match part.type:
        case "text":
            return Text(text=part.text or "", cache=_cache(part.cache_control))
        case "image_url" if part.image_url is not None:
            is_text = isinstance(part.image_url, str)
            url = part.image_url if isinstance(part.image_url, str) else part.image_url.url
            detail = "" if isinstance(part.image_url, str) else part.image_url.detail or ""
            return _picture(
                url, detail, cache=_cache(part.cache_control), param=f"{param}.image_url" if is_text else f"{param}.image_url.url"
            )
        case "video_url" if part.video_url is not None:
            url = part.video_url if isinstance(part.video_url, str) else part.video_url.url
            return _video(url, param=f"{param}.video_url")
        case "input_audio" if part.input_audio is not None:
            heard = part.input_audio
            _, _, payload = heard.data.rpartition(",")
            place = f"{param}.input_audio.data"
            media_type, data = read_base64(payload, declared=f"audio/{heard.format or ''}", param=place)
            return Audio(data=data, format=heard.format or media_type.partition("/")[2])
        case "file" if part.file is not None:
            return _file(part.file, cache=_cache(part.cache_control), param=f"{param}.file")
        case "text" | "image_url" | "video_url" | "input_audio" | "file" as kind:
            raise InvalidRequest(f"'{param}.{kind}' is required.", param=f"{param}.{kind}", code="missing_required_parameter")
        case _:
            known = "text, image_url, input_audio or file"
            raise InvalidRequest(f"'{param}.type' must be {known}.", param=f"{param}.type", code="invalid_value")


def _picture(url: str, detail: str, *, cache: CacheMark | None, param: str) -> Image | File:
    if url.startswith(_ADDRESSES):
        return Image(url=url, detail=detail, cache=cache)
    media_type, data = read_data_url(url, param=param)
    if media_type == "application/pdf":  # many clients have no other place for it
        return File(media_type=media_type, data=data, cache=cache)
    return Image(media_type=media_type, data=data, detail=detail, cache=cache)


def _video(url: str, *, param: str) -> File:
    if url.startswith(_ADDRESSES):
        return File(media_type="video/mp4", url=url)
    media_type, data = read_data_url(url, param=param)
    return File(media_type=media_type, data=data)


def _file(body: FileBody, *, cache: CacheMark | None, param: str) -> File:
    name = body.filename or ""
    declared = _EXTENSIONS.get(name.rpartition(".")[2].lower(), "")
    if body.file_id:
        return File(name=name, media_type=declared, vendor_id=body.file_id, cache=cache)
    data = body.file_data or body.file_url
    if not data:
        raise InvalidRequest(f"'{param}' must have file_data or file_id.", param=param, code="missing_required_parameter")
    if data.startswith(_ADDRESSES):
        return File(name=name, media_type=declared, url=data, cache=cache)
    place = f"{param}.file_data"
    if data[:5].lower() == "data:":
        media_type, payload = read_data_url(data, param=place)
    else:
        media_type, payload = read_base64(data, declared=declared or "application/pdf", param=place)
    return File(name=name, media_type=normal_media_type(media_type), data=payload, cache=cache)

"""Items of a conversation read into the hub's messages.

What one answer consists of (thoughts, words, calls) are items of their own here and parts of one turn in the hub; results of tools
are parts of the user's turn that follows.
"""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.carried import MARK, unpack_id
from modelgate.formats.chat.media_type import normal_media_type, read_base64, read_data_url
from modelgate.formats.chat.request import Audio, File, Image, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.json_fields import convert_field
from modelgate.formats.openai_responses import NAME, schema
from modelgate.formats.openai_responses.peek import say

SKIPPED_ITEMS = frozenset(("web_search_call", "file_search_call", "code_interpreter_call"))
"""Records of what a vendor's own tools did; the words they led to stand in the message that follows."""
_SYSTEM_ROLES = frozenset(("system", "developer"))


class Conversation(msgspec.Struct):
    """What a list of items is in the hub. `ignored`: kinds of items that were left out."""

    system: list[Text]
    messages: list[Message]
    ignored: list[str]


def read_input(given: str | list[schema.Item]) -> Conversation:
    """Return the conversation.

    Raises:
        InvalidRequest: an item is not as it should be, or only the vendor that keeps it can know it; `param` is its path.
    """
    if isinstance(given, str):
        return Conversation([], [Message(role="user", parts=(Text(text=given),))], [])
    reader = _Reader()
    for index, item in enumerate(given):
        reader.read(item, at=f"input[{index}]")
    return Conversation(reader.system, reader.turns(), list(dict.fromkeys(reader.ignored)))


class _Reader:
    def __init__(self) -> None:
        self.system: list[Text] = []
        self.ignored: list[str] = []
        self._turns: list[tuple[str, list[Part]]] = []
        self._names: dict[str, str] = {}  # of calls, by their ids: results do not say them

    def turns(self) -> list[Message]:
        return [Message(role="assistant" if role == "assistant" else "user", parts=tuple(parts)) for role, parts in self._turns]

    def read(self, item: schema.Item, *, at: str) -> None:
        match item.type or ("message" if item.role is not None else None):
            case "message":
                self._read_message(item, at=at)
            case "reasoning":
                self._say("assistant", *_thinking(item, at=at))
            case "function_call" | "custom_tool_call" as kind:
                self._read_call(item, custom=kind == "custom_tool_call", at=at)
            case "function_call_output" | "custom_tool_call_output" as kind:
                self._read_result(item, custom=kind == "custom_tool_call_output", at=at)
            case "image_generation_call":
                if item.result:
                    media_type, data = read_base64(item.result, declared="image/png", param=f"{at}.result")
                    self._say("assistant", Image(media_type=media_type, data=data))
            case None:
                raise _missing(f"{at}.type")
            case kind if kind in SKIPPED_ITEMS:
                self.ignored.append(kind)
            case kind:
                message = f"'{at}.type': items of the kind '{kind[:64]}' are not supported with this model."
                raise InvalidRequest(message, param=f"{at}.type", code="unsupported_parameter")

    def _say(self, role: str, *parts: Part) -> None:
        """Add to the last turn if it is of that role: one answer's items, or several results."""
        if self._turns and self._turns[-1][0] == role:
            self._turns[-1][1].extend(parts)
        elif parts:
            self._turns.append((role, list(parts)))

    def _read_message(self, item: schema.Item, *, at: str) -> None:
        parts = _parts(item.content, at=f"{at}.content")
        if item.role in _SYSTEM_ROLES:
            self.system += [_only_text(part, at=f"{at}.content") for part in parts]
        elif item.role == "assistant":
            self._say("assistant", *parts)
        elif item.role == "user":
            if self._turns and self._turns[-1][0] == "user" and not isinstance(self._turns[-1][1][-1], ToolResult):
                self._turns.append(("user", parts))  # the caller had two turns side by side
            else:
                self._say("user", *parts)
        else:
            raise InvalidRequest(f"'{at}.role' must be user, assistant, system or developer.", param=f"{at}.role", code="invalid_value")

    def _read_call(self, item: schema.Item, *, custom: bool, at: str) -> None:
        call_id, name = _required(item.call_id, at=f"{at}.call_id"), _required(item.name, at=f"{at}.name")
        carried = unpack_id(call_id)
        self._names[carried.id] = name
        arguments = as_text(item.input if custom else item.arguments)
        call = ToolCall(id=carried.id, name=name, arguments=arguments, custom=custom, signature=carried.signature, format=carried.format)
        self._say("assistant", *carried.thinking, call)

    def _read_result(self, item: schema.Item, *, custom: bool, at: str) -> None:
        call_id = unpack_id(_required(item.call_id, at=f"{at}.call_id")).id
        if item.output is None:
            raise _missing(f"{at}.output")
        parts: list[Text | Image | File] = []
        for part in _parts(item.output, at=f"{at}.output"):
            if not isinstance(part, Text | Image | File):
                raise InvalidRequest(f"'{at}.output' may hold texts, images and files.", param=f"{at}.output", code="invalid_value")
            parts.append(part)
        self._say("user", ToolResult(call_id=call_id, name=self._names.get(call_id, ""), parts=tuple(parts), custom=custom))


def _thinking(item: schema.Item, *, at: str) -> list[Part]:
    if item.encrypted_content and item.encrypted_content.startswith(MARK):
        return list(unpack_id(item.encrypted_content).thinking)
    told = [*_texts(item.summary, at=f"{at}.summary"), *_texts(item.content, at=f"{at}.content")]
    text = "\n\n".join(told)
    if item.encrypted_content:
        return [Thinking(text=text, signature=as_text(item.id), sealed=item.encrypted_content, format=NAME)]
    return [Thinking(text=text)] if text else []


def _texts(parts: Json, *, at: str) -> list[str]:
    return [part.text or "" for part in convert_field(parts or [], list[schema.Part], at=at, say=say)]


def _parts(content: Json, *, at: str) -> list[Part]:
    if content is None:
        raise _missing(at)
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    parts = convert_field(content, list[schema.Part], at=at, say=say)
    return [_part(part, at=f"{at}[{index}]") for index, part in enumerate(parts)]


def _part(part: schema.Part, *, at: str) -> Part:
    match part.type:
        case "input_text" | "output_text" | "text":
            return Text(text=_required(part.text, at=f"{at}.text", or_empty=True))
        case "refusal":
            return Refusal(text=_required(part.refusal, at=f"{at}.refusal", or_empty=True))
        case "input_image":
            return _image(part, at=at)
        case "input_file":
            return _file(part, at=at)
        case "input_audio":
            if part.input_audio is None:
                raise _missing(f"{at}.input_audio")
            param = f"{at}.input_audio.data"
            media_type, data = read_base64(part.input_audio.data, declared=f"audio/{part.input_audio.format or 'wav'}", param=param)
            return Audio(data=data, format=part.input_audio.format or media_type.partition("/")[2])
        case kind:
            raise InvalidRequest(f"'{at}.type' is not known here: '{kind[:64]}'.", param=f"{at}.type", code="invalid_value")


def _image(part: schema.Part, *, at: str) -> Image:
    _refuse_file_id(part, at=at)
    # An object with the address in it is how chat completions have it; callers mix them up.
    url = schema.object_of(part.image_url).get("url", part.image_url)
    param = f"{at}.image_url"
    if not isinstance(url, str):
        raise _missing(param)
    if url[:8].lower().startswith(("http://", "https://")):
        return Image(url=url, detail=part.detail or "")
    media_type, data = read_data_url(url, param=param)
    return Image(media_type=media_type, data=data, detail=part.detail or "")


def _file(part: schema.Part, *, at: str) -> File:
    _refuse_file_id(part, at=at)
    name = part.filename or ""
    if part.file_url:
        return File(name=name, url=part.file_url)
    param = f"{at}.file_data"
    if not part.file_data:
        raise _missing(param)
    if part.file_data[:5].lower() == "data:":
        media_type, data = read_data_url(part.file_data, param=param)
    else:
        media_type, data = read_base64(part.file_data, declared=_type_by_name(name), param=param)
    return File(name=name, media_type=normal_media_type(media_type), data=data)


def _type_by_name(name: str) -> str:
    return "application/pdf" if name.lower().endswith(".pdf") else "text/plain"


def _refuse_file_id(part: schema.Part, *, at: str) -> None:
    if part.file_id:
        message = f"'{at}.file_id': files kept by a vendor are not supported with this model; send the file itself."
        raise InvalidRequest(message, param=f"{at}.file_id", code="unsupported_parameter")


def _only_text(part: Part, *, at: str) -> Text:
    if not isinstance(part, Text):
        raise InvalidRequest(f"'{at}' of a system or developer message may hold texts only.", param=at, code="invalid_value")
    return part


def as_text(value: Json) -> str:
    """Return a text; imitators put an object where JSON text belongs."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _required(value: str | None, *, at: str, or_empty: bool = False) -> str:
    if value is None or (not value and not or_empty):
        raise _missing(at)
    return value


def _missing(param: str) -> InvalidRequest:
    return InvalidRequest(f"'{param}' is required.", param=param, code="missing_required_parameter")

"""The hub's messages written as items for an upstream."""

from collections.abc import Iterable, Iterator

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import Audio, File, Image, Message, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.openai_responses import NAME

_FILE_ENDINGS = {"application/pdf": ".pdf", "text/plain": ".txt", "text/markdown": ".md", "text/html": ".html", "application/json": ".json"}


def encode_input(messages: Iterable[Message]) -> list[Json]:
    """Return the items. Thoughts travel only where this dialect's upstream sealed them.

    Raises:
        InvalidRequest: something cannot be said here: a file kept at another vendor, or sound in the model's own turn.
    """
    return [item for message in messages for item in _items(message)]


def _items(message: Message) -> Iterator[Json]:
    """Parts side by side become one message; calls, results and thoughts are items between them."""
    role: str = message.role
    content: list[Json] = []
    for part in message.parts:
        match part:
            case ToolCall() | ToolResult() | Thinking():
                if content:
                    yield {"type": "message", "role": role, "content": content}
                    content, role = [], message.role
                yield from _own_item(part)
            case _:
                # The model's own turn holds words only: what it drew is shown to it as the user's.
                wanted = "user" if isinstance(part, Image) else message.role
                if wanted != role and content:
                    yield {"type": "message", "role": role, "content": content}
                    content = []
                role = wanted
                content.append(_content(part, role=role))
    if content:
        yield {"type": "message", "role": role, "content": content}


def _own_item(part: ToolCall | ToolResult | Thinking) -> Iterator[Json]:
    match part:
        case ToolCall(custom=True):
            yield {"type": "custom_tool_call", "call_id": part.id, "name": part.name, "input": part.arguments}
        case ToolCall():
            yield {"type": "function_call", "call_id": part.id, "name": part.name, "arguments": part.arguments or "{}"}
        case ToolResult():
            kind = "custom_tool_call_output" if part.custom else "function_call_output"
            yield {"type": kind, "call_id": part.call_id, "output": _output(part)}
        case Thinking(sealed=sealed, format=made_by) if sealed and made_by == NAME:
            summary = [{"type": "summary_text", "text": part.text}] if part.text else []
            item = {"type": "reasoning", "summary": summary, "encrypted_content": sealed}
            yield {**item, "id": part.signature} if part.signature else item
        case _:
            pass


def _output(result: ToolResult) -> Json:
    match result.parts:
        case ():
            return ""
        case (Text(text=text),):
            return text
        case parts:
            return [_content(part, role="user") for part in parts]


def _content(part: Part, *, role: str) -> Json:
    match part:
        case Text(text=text):
            return _words(text, role=role)
        case Refusal(text=text):
            return {"type": "refusal", "refusal": text} if role == "assistant" else _words(text, role=role)
        case Image():
            url = part.url or f"data:{part.media_type or 'image/png'};base64,{part.data}"
            return {"type": "input_image", "image_url": url, "detail": part.detail or "auto"}
        case File():
            return _file(part)
        case Audio() if role == "user" and part.data:
            return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format or "wav"}}
        case Audio(transcript=transcript) if transcript:
            return _words(transcript, role=role)
        case _:
            raise _refused("Sound of an earlier answer is not supported with this model.")


def _words(text: str, *, role: str) -> Json:
    return {"type": "output_text" if role == "assistant" else "input_text", "text": text}


def _file(file: File) -> Json:
    if file.vendor_id:
        raise _refused("Files kept by a vendor are not supported with this model; send the file itself.")
    if file.text:
        return {"type": "input_text", "text": file.text}
    if file.url:
        return {"type": "input_file", "file_url": file.url}
    media_type = file.media_type or "application/pdf"
    name = file.name or f"file{_FILE_ENDINGS.get(media_type, '')}"
    return {"type": "input_file", "filename": name, "file_data": f"data:{media_type};base64,{file.data}"}


def _refused(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages", code="unsupported_parameter")

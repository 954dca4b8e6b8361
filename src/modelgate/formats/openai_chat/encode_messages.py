"""Neutral turns as messages of a chat request."""

from collections.abc import Iterable, Iterator
from hashlib import sha256

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.markdown_images import image_url_of
from modelgate.formats.chat.request import (
    Audio,
    CacheMark,
    ChatRequest,
    File,
    Image,
    Message,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
)
from modelgate.formats.openai_chat.options import NAME
from modelgate.formats.openai_chat.reasoning_details import detail_of

MAX_CALL_ID_CHARACTERS = 40
"""OpenAI refuses longer ids of calls (read 2026-11)."""
ERROR_PREFIX = "Error: "
_OWN_FILE_IDS = "file-"

Body = dict[str, Json]


class MessageEncoder:
    """Makes the messages of one request. `ignored` collects what could not be said, in neutral words."""

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._keeps_cache_marks = "cache" in quirks.accepts
        self._thoughts_back = quirks.reasoning in ("thinking", "enable_thinking", "reasoning")
        self._pending: list[Image | File] = []  # pictures that only a user may send
        self.ignored: set[str] = set()

    def encode(self, request: ChatRequest, *, more_system: Iterable[str] = ()) -> list[Body]:
        """Return all messages, instructions first; `more_system` are sentences of ours.

        Raises:
            InvalidRequest: a part cannot be said in this dialect.
        """
        messages: list[Body] = []
        system = [*request.system, *(Text(text=text) for text in more_system)]
        if system:
            messages.append({"role": self._quirks.system_role, "content": self._words(system, "\n\n")})
        for message in request.messages:
            messages += self._user(message) if message.role == "user" else self._assistant(message)
        if self._pending:
            messages.append({"role": "user", "content": self._flushed([])})
        return messages

    def _words(self, texts: list[Text], between: str) -> Json:
        if self._keeps_cache_marks and any(text.cache for text in texts):
            return [self._marked({"type": "text", "text": text.text}, text.cache) for text in texts]
        if any(text.cache for text in texts):
            self.ignored.add("cache")
        return between.join(text.text for text in texts)

    def _marked(self, part: Body, cache: CacheMark | None) -> Body:
        if cache is None:
            return part
        if not self._keeps_cache_marks:
            self.ignored.add("cache")
            return part
        return {**part, "cache_control": {"type": "ephemeral", **({"ttl": cache.ttl} if cache.ttl else {})}}

    def _user(self, message: Message) -> Iterator[Body]:
        others: list[Text | Image | Audio | File] = []
        for part in message.parts:
            match part:
                case ToolResult():
                    yield self._result(part)
                case Text() | Image() | Audio() | File():
                    others.append(part)
                case Refusal(text=text):
                    others.append(Text(text=text))
                case Thinking() | ToolCall():
                    pass  # a user thinks for himself
        if not others and not self._pending and any(isinstance(part, ToolResult) for part in message.parts):
            return
        named = {"name": message.name} if message.name else {}
        yield {"role": "user", "content": self._flushed(others), **named}

    def _flushed(self, parts: list[Text | Image | Audio | File]) -> Json:
        """Return a user's content, with the pictures before it that had no place of their own."""
        everything = [*self._pending, *parts]
        self._pending = []
        if all(isinstance(part, Text) for part in everything) and len(everything) <= 1:
            return self._words([part for part in everything if isinstance(part, Text)], "")
        return [self._part(part) for part in everything]

    def _result(self, result: ToolResult) -> Body:
        texts = [part for part in result.parts if isinstance(part, Text)]
        self._pending += [part for part in result.parts if isinstance(part, Image)]
        for part in result.parts:
            if isinstance(part, File):
                if part.text:
                    texts.append(Text(text=part.text))
                else:
                    self._pending.append(part)
        if result.is_error:
            texts = [Text(text=ERROR_PREFIX + (texts[0].text if texts else "")), *texts[1:]]
        return {"role": "tool", "tool_call_id": call_id(result.call_id), "content": self._words(texts, "\n")}

    def _assistant(self, message: Message) -> Iterator[Body]:
        body: Body = {"role": "assistant", "content": None}
        texts: list[Text] = []
        for part in message.parts:
            match part:
                case Text():
                    texts.append(part)
                case Refusal(text=text):
                    body["refusal"] = body.get("refusal", "") + text
                case Audio() if part.vendor_id:
                    body["audio"] = {"id": part.vendor_id}
                case Audio():
                    texts.append(Text(text=part.transcript))
                case Image() | File():
                    self._pending.append(part)
                case ToolCall() | Thinking() | ToolResult():
                    pass  # below; results are the user's
        calls = [_call(part) for part in message.parts if isinstance(part, ToolCall)]
        if texts or not (calls or "refusal" in body or "audio" in body):
            body["content"] = self._words(texts, "")
        if message.name:
            body["name"] = message.name
        if calls:
            body["tool_calls"] = calls
        if self._thoughts_back:
            thoughts = [part for part in message.parts if isinstance(part, Thinking)]
            body |= _thoughts(thoughts, details=self._quirks.reasoning == "reasoning", with_text=bool(calls))
        yield body

    def _part(self, part: Text | Image | Audio | File) -> Body:
        match part:
            case Text():
                return self._marked({"type": "text", "text": part.text}, part.cache)
            case Image():
                detail = {"detail": part.detail} if part.detail else {}
                return self._marked({"type": "image_url", "image_url": {"url": image_url_of(part), **detail}}, part.cache)
            case Audio():
                return {"type": "input_audio", "input_audio": {"data": part.data, "format": part.format}}
            case File():
                return self._marked(self._file(part), part.cache)

    def _file(self, file: File) -> Body:
        """Numbered cases: 1. words; 2. film; 3. an id of the vendor; 4. bytes; 5. an address."""
        if file.text:
            return {"type": "text", "text": file.text}
        named = {"filename": file.name} if file.name else {}
        if file.media_type.startswith("video/"):
            url = file.url or f"data:{file.media_type};base64,{file.data}"
            return {"type": "video_url", "video_url": {"url": url}}
        if file.vendor_id:
            if not file.vendor_id.startswith(_OWN_FILE_IDS):
                raise _unsaid("A file kept at another vendor cannot be sent to this model.")
            return {"type": "file", "file": {"file_id": file.vendor_id}}
        if file.data:
            named = named or {"filename": f"file.{file.media_type.rpartition('/')[2] or 'pdf'}"}
            data_url = f"data:{file.media_type or 'application/pdf'};base64,{file.data}"
            return {"type": "file", "file": {**named, "file_data": data_url}}
        if "file_url" not in self._quirks.accepts:
            raise _unsaid("This model does not take files by their address. Send the file itself.")
        return {"type": "file", "file": {**named, "file_data": file.url}}


def _unsaid(message: str) -> InvalidRequest:
    return InvalidRequest(message, param="messages", code="unsupported_parameter")


def call_id(id: str) -> str:
    """Return a call's id in a length that OpenAI takes; the same id always becomes the same."""
    return id if len(id) <= MAX_CALL_ID_CHARACTERS else "call_" + sha256(id.encode("utf-8", "surrogatepass")).hexdigest()[:24]


def _call(call: ToolCall) -> Body:
    if call.custom:
        return {"id": call_id(call.id), "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    return {"id": call_id(call.id), "type": "function", "function": function}


def _thoughts(thoughts: list[Thinking], *, details: bool, with_text: bool) -> Body:
    """Return what goes back to a vendor that wants its models' thoughts: sealed entries always, plain words only beside calls."""
    own = [thought for thought in thoughts if thought.format in ("", NAME)]
    if details and (entries := [entry for thought in own if (entry := detail_of(thought)) is not None]):
        return {"reasoning_details": entries}
    text = "".join(thought.text for thought in own)
    return {"reasoning_content": text} if text and with_text else {}

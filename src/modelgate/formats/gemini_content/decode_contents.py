"""The contents of a request in neutral words."""

from typing import Literal

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.carried import Carried, unpack_id
from modelgate.formats.chat.request import Audio, File, Image, Message, Text, Thinking, ToolCall, ToolResult
from modelgate.formats.chat.request import Part as NeutralPart
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.parts import decode_blob, decode_file, render_code, render_outcome
from modelgate.formats.gemini_content.schema import Content, FunctionResponse, Part, as_list, is_said
from modelgate.formats.gemini_content.signatures import read_signature

_ROLES: dict[str, Literal["user", "assistant"]] = {"": "user", "user": "user", "function": "user", "model": "assistant"}


def compact_json(raw: msgspec.Raw) -> str:
    """Return a JSON value as text without white space, `{}` for none; numbers stay as they were written."""
    return msgspec.json.format(bytes(raw), indent=-1).decode() if is_said(raw) else "{}"


class Conversation:
    """Contents as they are read: which calls wait for their results, so that results without ids find them."""

    def __init__(self) -> None:
        self._turns: list[Message] = []
        self._waiting: list[tuple[str, str]] = []
        self.ignored: set[str] = set()

    def add(self, content: Content, at: int) -> None:
        """Take the next content. Raises InvalidRequest: an unknown role, or a part without anything in it."""
        place = f"contents[{at}]"
        role = _ROLES.get(content.role or "")
        if role is None:
            raise InvalidRequest("Please use a valid role: user, model.", param=f"{place}.role", code="invalid_value")
        parts = as_list(content.parts)
        if not parts:
            raise InvalidRequest(f"{place}.parts must not be empty.", param=f"{place}.parts", code="missing_required_parameter")
        if role == "assistant" or (not content.role and any(part.function_call for part in parts)):
            self._turns.append(Message(role="assistant", parts=self._answered(parts, at)))
        else:
            said = [self._said(part, f"{place}.parts[{number}]") for number, part in enumerate(parts)]
            self._turns.append(Message(role="user", parts=tuple(part for part in said if part is not None)))

    def messages(self) -> tuple[Message, ...]:
        """Return the turns; one that held nothing we could read is left out."""
        return tuple(turn for turn in self._turns if turn.parts)

    def _said(self, part: Part, place: str) -> NeutralPart | None:
        self._note_modifiers(part)
        if part.function_response is not None:
            return self._result(part.function_response, place)
        if part.inline_data is not None:
            return decode_blob(part.inline_data, param=f"{place}.inlineData")
        if part.file_data is not None:
            return decode_file(part.file_data)
        return self._text(part, place)

    def _text(self, part: Part, place: str) -> Text | None:
        """Numbered cases: 1. text; 2. code that the vendor ran; 3. its newest parts, which mean nothing elsewhere; 4. nothing."""
        if part.text is not None:
            return Text(text=part.text)
        if part.executable_code is not None:
            return Text(text=render_code(part.executable_code))
        if part.code_execution_result is not None:
            return Text(text=render_outcome(part.code_execution_result))
        for value, name in ((part.tool_call, "toolCall"), (part.tool_response, "toolResponse")):
            if is_said(value):
                self.ignored.add(f"contents.parts.{name}")
                return None
        message = f"{place}.data: required oneof field 'data' must have one initialized field"
        raise InvalidRequest(message, param=place, code="missing_required_parameter")

    def _result(self, response: FunctionResponse, place: str) -> ToolResult:
        name = response.name or ""
        call_id = unpack_id(response.id).id if response.id else ""
        if call_id:
            self._waiting = [call for call in self._waiting if call[0] != call_id]
        else:
            call_id = self._take_waiting(name)
        text = compact_json(response.response)
        parts: list[Text | Image | File] = [Text(text=text)]
        for number, part in enumerate(response.parts or ()):
            where = f"{place}.functionResponse.parts[{number}]"
            shown = decode_file(part.file_data) if part.file_data else None
            if part.inline_data is not None:
                found = decode_blob(part.inline_data, param=f"{where}.inlineData")
                shown = File(media_type=f"audio/{found.format}", data=found.data) if isinstance(found, Audio) else found
            if shown is not None:
                parts.append(shown)
        return ToolResult(call_id=call_id, name=name, parts=tuple(parts), is_error=text.startswith('{"error":'))

    def _take_waiting(self, name: str) -> str:
        """Return the id of the first unanswered call of that name, the name itself where there is none."""
        found = next((call for call in self._waiting if call[1] == name), None)
        if found is None:
            return name or "call_0"
        self._waiting.remove(found)
        return found[0]

    def _answered(self, parts: list[Part], at: int) -> tuple[NeutralPart, ...]:
        self._waiting = []
        found: list[NeutralPart] = []
        restored: list[Thinking] = []
        for number, part in enumerate(parts):
            self._note_modifiers(part)
            carried = read_signature(part.thought_signature) if part.thought_signature else Carried("", "")
            if part.function_call is None:
                restored += carried.thinking
                found += self._spoken(part, carried, f"contents[{at}].parts[{number}]")
                continue
            from_id = unpack_id(part.function_call.id or "")
            thoughts = carried.thinking or from_id.thinking
            if self._waiting:
                found += thoughts
            else:
                restored += thoughts
            call = self._call(part, carried if carried.signature else from_id, default=carried.id or f"call_{at}_{number}")
            self._waiting.append((call.id, call.name))
            found.append(call)
        return tuple(_with_thoughts(found, restored))

    def _spoken(self, part: Part, carried: Carried, place: str) -> list[NeutralPart]:
        """Return what a part of an answer says; a signature beside anything but a thought is told as a thought without words."""
        signature = carried.signature
        if part.thought:
            if not part.text and not signature:
                return []
            return [Thinking(text=part.text or "", signature=signature, format=carried.format if signature else NAME)]
        seal = [Thinking(signature=signature, format=carried.format)] if signature else []
        if part.inline_data is not None:
            return [decode_blob(part.inline_data, param=f"{place}.inlineData"), *seal]
        if part.file_data is not None:
            return [decode_file(part.file_data), *seal]
        if not part.text and part.thought_signature:
            return [*seal]
        said = self._text(part, place)
        return [*((said,) if said is not None and said.text else ()), *seal]

    def _call(self, part: Part, carried: Carried, *, default: str) -> ToolCall:
        call = part.function_call
        assert call is not None
        return ToolCall(
            id=unpack_id(call.id).id if call.id else default,
            name=call.name or "",
            arguments=compact_json(call.args),
            signature=carried.signature,
            format=carried.format if carried.signature else "",
        )

    def _note_modifiers(self, part: Part) -> None:
        if is_said(part.video_metadata):
            self.ignored.add("contents.parts.videoMetadata")
        if is_said(part.media_resolution):
            self.ignored.add("contents.parts.mediaResolution")


def _with_thoughts(found: list[NeutralPart], restored: list[Thinking]) -> list[NeutralPart]:
    """Return an answer with another vendor's thoughts where they were told as plain ones, at its beginning where they were not."""
    if not restored:
        return found
    plain = [isinstance(part, Thinking) and not (part.signature or part.sealed) for part in found]
    at = plain.index(True) if True in plain else 0
    return [*found[:at], *restored, *(part for part, is_plain in zip(found[at:], plain[at:], strict=True) if not is_plain)]

"""An answer as it grows, told in this dialect's events; the items that are complete make up the response object.

Items get their place when they begin and are told complete when the next of another kind begins; only calls may be open side by side.
"""

from collections.abc import Sequence
from typing import TypeAlias

import msgspec

from modelgate.core.records import Json
from modelgate.core.usage import Usage
from modelgate.formats.chat.carried import MARK, Carried, pack_id
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    CitationAdded,
    ImageAdded,
    RefusalDelta,
    ResponseEnd,
    ResponseFailed,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageReport,
)
from modelgate.formats.chat.request import Image, Thinking
from modelgate.formats.chat.response import FinishReason
from modelgate.formats.chat.wire_format import AnswerHead
from modelgate.formats.openai_responses.nesting import flat_citation
from modelgate.formats.openai_responses.peek import RequestPeek, settings_of
from modelgate.formats.openai_responses.usage import encode_usage

Telling: TypeAlias = dict[str, Json]
"""One event's JSON without its number."""
Piece: TypeAlias = (
    TextDelta
    | RefusalDelta
    | ThinkingDelta
    | ThinkingEnd
    | ToolCallStart
    | ToolCallDelta
    | ToolCallEnd
    | ImageAdded
    | AudioDelta
    | CitationAdded
)

_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


class _Open(msgspec.Struct, kw_only=True):
    """An item under way. `place` says where: it goes into every event. `words` are pieces of the text that grows now."""

    item: Telling
    place: Telling
    words: list[str] = []


class _OpenMessage(_Open, kw_only=True):
    content: list[Telling] = []
    part: Telling | None = None
    text_place: bytes = b""  # the place of the last part as JSON fields, if it is text that still grows

    @property
    def part_place(self) -> Telling:
        """Where the last part is."""
        return {**self.place, "content_index": len(self.content) - 1}


class Answer:
    """Takes the hub's events and tells them. `output` and `usage` are what has come so far."""

    def __init__(self, peek: RequestPeek, head: AnswerHead) -> None:
        self.output: list[Json] = []
        self.usage: Usage | None = None
        self.service_tier = ""
        self._head = head
        self._tail = head.request_id.removeprefix("req_")
        self._settings = settings_of(peek.said)
        self._begun = False
        self._message: _OpenMessage | None = None
        self._thoughts: _Open | None = None
        self._calls: dict[int, _Open] = {}
        self._cited: tuple[Telling, Telling] | None = None  # the last part that holds text, and its place
        self._finish: FinishReason = "stop"

    def tell(self, event: StreamEvent) -> Sequence[Telling]:
        """Return the events that tell one of the hub's. This dialect has one answer only: of others nothing is told."""
        if getattr(event, "choice", 0) != 0:
            return ()
        told = [] if self._begun else self._begin()
        match event:
            case UsageReport(usage=usage):
                self.usage = usage
            case ChoiceEnd(finish=finish):
                self._finish = finish
                told += self._end(status="incomplete" if finish in _INCOMPLETE else "completed")
            case ResponseEnd():
                told += self._end(status="completed")
                kind = "response.incomplete" if self._finish in _INCOMPLETE else "response.completed"
                told.append({"type": kind, "response": self.response()})
            case ResponseStart() | ResponseFailed():
                pass
            case _:
                told += self._tell_piece(event)
        return told

    def _tell_piece(self, event: Piece) -> list[Telling]:
        match event:
            case TextDelta(text=text, logprobs=logprobs):
                return self._say("output_text", text, logprobs=logprobs)
            case RefusalDelta(text=text):
                return self._say("refusal", text)
            case ThinkingDelta(text=text):
                return self._think(text)
            case ThinkingEnd():
                return self._seal(event)
            case ToolCallStart():
                return self._start_call(event)
            case ToolCallDelta(index=index, arguments=arguments):
                return self._add_arguments(index, arguments)
            case ToolCallEnd(index=index):
                return self._end_call(index)
            case ImageAdded(image=image):
                return self._show(image)
            case AudioDelta(transcript=transcript):
                return self._say("output_text", transcript) if transcript else []
            case CitationAdded(citation=citation):
                return self._cite(citation)

    def response(self) -> Telling:
        """Return the response object, complete as far as the answer is."""
        incomplete = _INCOMPLETE.get(self._finish)
        return self._response(
            status="completed" if incomplete is None else "incomplete",
            output=[item for item in self.output if item is not None],
            usage=None if self.usage is None else encode_usage(self.usage),
            incomplete_details=None if incomplete is None else {"reason": incomplete},
        )

    def _response(self, *, status: str, output: list[Json], usage: Json = None, incomplete_details: Json = None) -> Telling:
        return {
            "id": f"resp_{self._tail}",
            "object": "response",
            "created_at": self._head.created,
            "completed_at": None,
            "status": status,
            "error": None,
            "incomplete_details": incomplete_details,
            "model": self._head.model,
            "output": output,
            **self._settings,
            "service_tier": self.service_tier or None,
            "usage": usage,
        }

    def _begin(self) -> list[Telling]:
        self._begun = True
        kinds = ("response.created", "response.in_progress")
        return [{"type": kind, "response": self._response(status="in_progress", output=[])} for kind in kinds]

    def _add(self, prefix: str, item: Telling) -> tuple[Telling, Telling, Telling]:
        """Give an item its place; return the item, the place, and the event that tells it."""
        index = len(self.output)
        self.output.append(None)
        item = {"id": f"{prefix}_{self._tail}_{index}", **item}
        return item, {"item_id": item["id"], "output_index": index}, _item_event("added", index, item)

    def _complete(self, place: Telling, item: Telling) -> Telling:
        index: int = place["output_index"]
        self.output[index] = item
        return _item_event("done", index, item)

    # Words.

    def _say(self, kind: str, text: str, *, logprobs: Json = None) -> list[Telling]:
        told = self._end_thoughts()
        message = self._message
        if message is None:
            item, place, added = self._add("msg", {"type": "message", "status": "in_progress", "role": "assistant", "content": []})
            message = self._message = _OpenMessage(item=item, place=place)
            told.append(added)
        if message.part is None or message.part["type"] != kind:
            told += self._end_part(message)
            message.part = _empty_part(kind)
            message.content.append(message.part)
            told.append({"type": "response.content_part.added", **message.part_place, "part": _empty_part(kind)})
            if kind == "output_text":
                self._cited = (message.part, message.part_place)
                message.text_place = msgspec.json.encode(message.part_place)[1:-1]
        message.words.append(text)
        delta: Telling = {"type": f"response.{kind}.delta", **message.part_place, "delta": text}
        if kind == "output_text":
            delta["logprobs"] = logprobs or []
            message.part["logprobs"].extend(delta["logprobs"])
        return [*told, delta]

    def grow(self, text: str) -> bytes:
        """Add to the text that was told last, and return its place as JSON fields; empty where no text can simply go on."""
        message = self._message
        if message is None or not message.text_place or self._thoughts is not None:
            return b""
        message.words.append(text)
        return message.text_place

    def _end_part(self, message: _OpenMessage) -> list[Telling]:
        part, text = message.part, "".join(message.words)
        if part is None:
            return []
        message.part, message.words, message.text_place = None, [], b""
        place = message.part_place
        if part["type"] == "refusal":
            part["refusal"] = text
            done = {"type": "response.refusal.done", **place, "refusal": text}
        else:
            part["text"] = text
            done = {"type": "response.output_text.done", **place, "text": text, "logprobs": part["logprobs"]}
        return [done, {"type": "response.content_part.done", **place, "part": part}]

    def _end_message(self, *, status: str = "completed") -> list[Telling]:
        message = self._message
        if message is None:
            return []
        self._message = None
        told = self._end_part(message)
        return [*told, self._complete(message.place, {**message.item, "status": status, "content": message.content})]

    def _cite(self, citation: Json) -> list[Telling]:
        if self._cited is None:
            return []
        part, place = self._cited
        annotation = flat_citation(citation)
        part["annotations"].append(annotation)
        index = len(part["annotations"]) - 1
        kind = "response.output_text.annotation.added"
        return [{"type": kind, **place, "annotation_index": index, "annotation": annotation}]

    # Thoughts.

    def _think(self, text: str) -> list[Telling]:
        told = self._end_message()
        if self._thoughts is None:
            told += self._begin_thoughts()
        assert self._thoughts is not None
        place = {**self._thoughts.place, "summary_index": 0}
        if not self._thoughts.words:
            told.append({"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}})
        self._thoughts.words.append(text)
        return [*told, {"type": "response.reasoning_summary_text.delta", **place, "delta": text}]

    def _begin_thoughts(self) -> list[Telling]:
        item, place, added = self._add("rs", {"type": "reasoning", "summary": [], "encrypted_content": None})
        self._thoughts = _Open(item=item, place=place)
        return [added]

    def _seal(self, event: ThinkingEnd) -> list[Telling]:
        told = [] if self._thoughts is not None else [*self._end_message(), *self._begin_thoughts()]
        assert self._thoughts is not None
        return told + self._end_thoughts(signature=event.signature, sealed=event.sealed, made_by=event.format)

    def _end_thoughts(self, *, signature: str = "", sealed: str = "", made_by: str = "") -> list[Telling]:
        """Complete the reasoning item. Its thoughts are carried in it even where nobody signed them: the vendor of this dialect does not
        know our item by its id, and would refuse a history that holds it as it is."""
        thoughts = self._thoughts
        if thoughts is None:
            return []
        self._thoughts = None
        told: list[Telling] = []
        summary: list[Json] = []
        text = "".join(thoughts.words)
        if text:
            place = {**thoughts.place, "summary_index": 0}
            part = {"type": "summary_text", "text": text}
            summary.append(part)
            told.append({"type": "response.reasoning_summary_text.done", **place, "text": text})
            told.append({"type": "response.reasoning_summary_part.done", **place, "part": part})
        packed = pack_id(Carried("", made_by, thinking=(Thinking(text=text, signature=signature, sealed=sealed, format=made_by),)))
        encrypted = packed if packed.startswith(MARK) else None
        return [*told, self._complete(thoughts.place, {**thoughts.item, "summary": summary, "encrypted_content": encrypted})]

    # Calls.

    def _start_call(self, event: ToolCallStart) -> list[Telling]:
        told = [*self._end_thoughts(), *self._end_message()]
        call_id = pack_id(Carried(event.id, event.format, event.signature))
        kind, field = ("custom_tool_call", "input") if event.custom else ("function_call", "arguments")
        prefix = "ctc" if event.custom else "fc"
        item, place, added = self._add(prefix, {"type": kind, "status": "in_progress", "call_id": call_id, "name": event.name, field: ""})
        self._calls[event.index] = _Open(item=item, place=place)
        return [*told, added]

    def _add_arguments(self, index: int, arguments: str) -> list[Telling]:
        call = self._calls.get(index)
        if call is None:
            return []
        call.words.append(arguments)
        is_custom = call.item["type"] == "custom_tool_call"
        kind = "response.custom_tool_call_input.delta" if is_custom else "response.function_call_arguments.delta"
        return [{"type": kind, **call.place, "delta": arguments}]

    def _end_call(self, index: int, *, status: str = "completed") -> list[Telling]:
        call = self._calls.get(index)
        if call is None:
            return []
        is_custom = call.item["type"] == "custom_tool_call"
        told: list[Telling] = []
        if not call.words and not is_custom and status == "completed":
            told += self._add_arguments(index, "{}")  # clients read the arguments as JSON
        del self._calls[index]
        text = "".join(call.words)
        if is_custom:
            told.append({"type": "response.custom_tool_call_input.done", **call.place, "input": text})
            return [*told, self._complete(call.place, {**call.item, "status": status, "input": text})]
        told.append({"type": "response.function_call_arguments.done", **call.place, "name": call.item["name"], "arguments": text})
        return [*told, self._complete(call.place, {**call.item, "status": status, "arguments": text})]

    # Pictures.

    def _show(self, image: Image) -> list[Telling]:
        if not image.data:
            return self._say("output_text", f"![image]({image.url})")
        told = [*self._end_thoughts(), *self._end_message()]
        item, place, added = self._add("ig", {"type": "image_generation_call", "status": "in_progress", "result": None})
        output_format = image.media_type.removeprefix("image/") or "png"
        done = {**item, "status": "completed", "result": image.data, "output_format": output_format}
        return [*told, added, {"type": "response.image_generation_call.completed", **place}, self._complete(place, done)]

    def _end(self, *, status: str) -> list[Telling]:
        told = [*self._end_thoughts(), *self._end_message(status=status)]
        for index in list(self._calls):
            told += self._end_call(index, status=status)
        return told


def _empty_part(kind: str) -> Telling:
    return {"type": kind, "refusal": ""} if kind == "refusal" else {"type": kind, "text": "", "annotations": [], "logprobs": []}


def _item_event(word: str, index: int, item: Telling) -> Telling:
    return {"type": f"response.output_item.{word}", "output_index": index, "item": item}

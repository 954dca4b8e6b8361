"""A response as a stream: its events in the vendor's order, each with its name and number, and no `[DONE]`."""

from collections.abc import Iterator
from zlib import crc32

from modelgate.core.records import Json
from modelgate.sandbox.openai.responses_wire import unfinished
from modelgate.sandbox.openai.sending import IN_STREAM_MESSAGE, event
from modelgate.sandbox.openai.wire import grouped, render_logprobs
from modelgate.sandbox.tokens import Tokenizer

MALFORMED_RESPONSE_EVENT = b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"bro\n\n'
_CALLS = {
    "function_call": ("arguments", "response.function_call_arguments"),
    "custom_tool_call": ("input", "response.custom_tool_call_input"),
}

_Event = tuple[str, dict[str, Json]]


def render_events(
    response: dict[str, Json], *, tokenizer: Tokenizer, obfuscated: bool = False, top_logprobs: int | None = None, after: int = -1
) -> list[bytes]:
    """Return the events of a finished response; only those numbered above `after`."""
    split = _Splitter(tokenizer, top_logprobs=top_logprobs)
    rendered = []
    for number, (name, fields) in enumerate(_events(response, split)):
        if obfuscated and name.endswith(".delta"):
            fields["obfuscation"] = "x" * (1 + crc32(repr(fields).encode()) % 16)
        if number > after:
            rendered.append(event({"type": name, "sequence_number": number, **fields}, name=name))
    return rendered


def render_error_event(number: int) -> bytes:
    """Return the event that ends a stream which failed before its event of that number."""
    fields = {"type": "error", "code": "server_error", "message": IN_STREAM_MESSAGE, "param": None, "sequence_number": number}
    return event(fields, name="error")


class _Splitter:
    """Splits texts into fragments."""

    def __init__(self, tokenizer: Tokenizer, *, top_logprobs: int | None) -> None:
        self._tokenizer = tokenizer
        self._top = top_logprobs

    def __call__(self, text: str) -> Iterator[tuple[str, list[dict[str, Json]]]]:
        """Give each fragment with the probabilities of its tokens."""
        for group in grouped(self._tokenizer.pieces(text)):
            logprobs = [] if self._top is None else render_logprobs(group, top=self._top, tokenizer=self._tokenizer)
            yield "".join(piece for piece, _ in group), logprobs


def _events(response: dict[str, Json], split: _Splitter) -> Iterator[_Event]:
    started = unfinished(response, status="in_progress")
    yield "response.created", {"response": unfinished(response, status="queued") if response["background"] else started}
    if response["background"]:
        yield "response.queued", {"response": unfinished(response, status="queued")}
    yield "response.in_progress", {"response": started}
    for index, item in enumerate(response["output"]):
        yield "response.output_item.added", {"output_index": index, "item": _opened(item)}
        at = {"item_id": item["id"], "output_index": index}
        if item["type"] == "message":
            yield from _message_events(item, at=at, split=split)
        elif item["type"] == "reasoning":
            yield from _reasoning_events(item, at=at, split=split)
        else:
            yield from _call_events(item, at=at, split=split)
        yield "response.output_item.done", {"output_index": index, "item": item}
    yield f"response.{response['status']}", {"response": response}


def _opened(item: dict[str, Json]) -> dict[str, Json]:
    """Return an item as it is when it begins."""
    if item["type"] == "reasoning":
        return {**item, "summary": []}
    empty: dict[str, Json] = {"content": []} if item["type"] == "message" else {_CALLS[item["type"]][0]: ""}
    return {**item, **empty, "status": "in_progress"}


def _message_events(item: dict[str, Json], *, at: dict[str, Json], split: _Splitter) -> Iterator[_Event]:
    for index, part in enumerate(item["content"]):
        here = {**at, "content_index": index}
        yield "response.content_part.added", {**here, "part": {**part, "text": "", "logprobs": []}}
        for text, logprobs in split(part["text"]):
            yield "response.output_text.delta", {**here, "delta": text, "logprobs": logprobs}
        yield "response.output_text.done", {**here, "text": part["text"], "logprobs": part["logprobs"]}
        yield "response.content_part.done", {**here, "part": part}


def _reasoning_events(item: dict[str, Json], *, at: dict[str, Json], split: _Splitter) -> Iterator[_Event]:
    for index, part in enumerate(item["summary"]):
        here = {**at, "summary_index": index}
        yield "response.reasoning_summary_part.added", {**here, "part": {**part, "text": ""}}
        for text, _ in split(part["text"]):
            yield "response.reasoning_summary_text.delta", {**here, "delta": text}
        yield "response.reasoning_summary_text.done", {**here, "text": part["text"]}
        yield "response.reasoning_summary_part.done", {**here, "part": part}


def _call_events(item: dict[str, Json], *, at: dict[str, Json], split: _Splitter) -> Iterator[_Event]:
    text, name = _CALLS[item["type"]]
    for fragment, _ in split(item[text]):
        yield f"{name}.delta", {**at, "delta": fragment}
    named = {"name": item["name"]} if text == "arguments" else {}
    yield f"{name}.done", {**at, **named, text: item[text]}

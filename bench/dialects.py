"""The same traffic in each dialect of conversations: 1 KB each way, and streams of a hundred chunks, as the vendors send them."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from bench.scenarios import CHUNKS, chat_answer

BODY_BYTES = 1024
ID = "bench0123456789"
CREATED = 1700000000
CLIENTS = ("openai_chat", "anthropic_messages", "gemini_content", "openai_responses")
UPSTREAMS = ("openai_chat", "anthropic_messages", "gemini_content")
"""Responses are no upstream of another dialect's clients: who serves them serves chat completions too."""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What its clients send and its upstreams answer.

    `provider` is whose upstream is asked, `model` the name under which it is; `key_header` holds the secret behind `key_before`.
    `path` and `stream_path` hold `{model}` where the dialect has it there. `events` are the pieces of one stream, `answer` is a whole one.
    """

    name: str
    provider: str
    path: str
    stream_path: str
    answer: bytes
    events: tuple[bytes, ...]
    make_body: Callable[[str, bool], bytes]
    base_path: str = ""
    key_header: str = "Authorization"
    key_before: str = "Bearer "
    more_headers: tuple[tuple[str, str], ...] = ()

    @property
    def model(self) -> str:
        """The model that an upstream of this dialect serves."""
        return f"bench-{self.name}"

    def path_for(self, model: str, *, stream: bool) -> str:
        """Return where a client of this dialect asks for a model."""
        return (self.stream_path if stream else self.path).replace("{model}", model)

    def headers(self, secret: str) -> dict[str, str]:
        """Return a client's headers."""
        return {"Content-Type": "application/json", self.key_header: self.key_before + secret, **dict(self.more_headers)}


def _sized(make: Callable[[str], Any]) -> bytes:
    room = BODY_BYTES - len(json.dumps(make("")))
    return json.dumps(make("x" * room)).encode()


def _event(data: Any, name: str = "") -> bytes:
    said = b"data: " + json.dumps(data, separators=(",", ":")).encode()
    return b"event: %b\n%b\n\n" % (name.encode(), said) if name else said + b"\n\n"


def _typed(data: dict[str, Any]) -> bytes:
    return _event(data, data["type"])


def _word(index: int) -> str:
    return f" word{index:04}"


def _hundred(begin: list[bytes], word: Callable[[int], bytes], end: list[bytes]) -> tuple[bytes, ...]:
    return (*begin, *(word(index) for index in range(CHUNKS - len(begin) - len(end))), *end)


def _openai_chat() -> Dialect:
    def body(model: str, stream: bool) -> bytes:
        more: dict[str, Any] = {"stream": True} if stream else {}
        return _sized(lambda text: {"model": model, "messages": [{"role": "user", "content": text}], **more})

    def chunk(choices: list[Any], **more: Any) -> bytes:
        told = {"id": f"chatcmpl-{ID}", "object": "chat.completion.chunk", "created": CREATED, "model": "bench-openai_chat"}
        return _event({**told, "choices": choices, **more})

    def delta(delta: Any, finish: str | None = None) -> bytes:
        return chunk([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}], usage=None)

    usage = {"prompt_tokens": 200, "completion_tokens": 96, "total_tokens": 296}
    end = [delta({}, "stop"), chunk([], usage=usage) + b"data: [DONE]\n\n"]
    events = _hundred([delta({"role": "assistant", "content": ""})], lambda index: delta({"content": _word(index)}), end)
    path = "/v1/chat/completions"
    return Dialect(
        name="openai_chat",
        provider="openai",
        path=path,
        stream_path=path,
        base_path="/v1",
        make_body=body,
        answer=chat_answer("bench-openai_chat", BODY_BYTES),
        events=events,
    )


def _anthropic_messages() -> Dialect:
    def body(model: str, stream: bool) -> bytes:
        more: dict[str, Any] = {"stream": True} if stream else {}
        return _sized(lambda text: {"model": model, "max_tokens": 1024, "messages": [{"role": "user", "content": text}], **more})

    def message(content: list[Any], stop: str | None, output_tokens: int) -> dict[str, Any]:
        cache = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
        usage = {"input_tokens": 200, **cache, "output_tokens": output_tokens, "service_tier": "standard"}
        told = {"id": f"msg_{ID}", "type": "message", "role": "assistant", "model": "bench-anthropic_messages", "content": content}
        return {**told, "stop_reason": stop, "stop_sequence": None, "usage": usage}

    def delta(index: int) -> bytes:
        return _typed({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": _word(index)}})

    begin = [
        _typed({"type": "message_start", "message": message([], None, 1)}),
        _typed({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}) + _typed({"type": "ping"}),
    ]
    end = [
        _typed({"type": "content_block_stop", "index": 0}),
        _typed({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 96}}),
        _typed({"type": "message_stop"}),
    ]
    return Dialect(
        name="anthropic_messages",
        provider="anthropic",
        path="/v1/messages",
        stream_path="/v1/messages",
        key_header="X-Api-Key",
        key_before="",
        more_headers=(("Anthropic-Version", "2023-06-01"),),
        make_body=body,
        answer=_sized(lambda text: message([{"type": "text", "text": text}], "end_turn", 100)),
        events=_hundred(begin, delta, end),
    )


def _gemini_content() -> Dialect:
    def body(model: str, stream: bool) -> bytes:
        del model, stream  # both stand in the path
        return _sized(lambda text: {"contents": [{"role": "user", "parts": [{"text": text}]}]})

    def chunk(text: str, count: int, finish: str = "") -> dict[str, Any]:
        candidate = {"content": {"parts": [{"text": text}], "role": "model"}, **({"finishReason": finish} if finish else {}), "index": 0}
        details = [{"modality": "TEXT", "tokenCount": 200}]
        usage = {"promptTokenCount": 200, "candidatesTokenCount": count, "totalTokenCount": 200 + count, "promptTokensDetails": details}
        return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "bench-gemini_content", "responseId": ID}

    def event(index: int, finish: str = "") -> bytes:
        return _event(chunk(_word(index), index + 1, finish))[:-2] + b"\r\n\r\n"

    return Dialect(
        name="gemini_content",
        provider="gemini",
        path="/v1beta/models/{model}:generateContent",
        stream_path="/v1beta/models/{model}:streamGenerateContent?alt=sse",
        key_header="X-Goog-Api-Key",
        key_before="",
        make_body=body,
        answer=_sized(lambda text: chunk(text, 100, "STOP")),
        events=_hundred([], event, [event(CHUNKS - 1, "STOP")]),
    )


def _openai_responses() -> Dialect:
    def body(model: str, stream: bool) -> bytes:
        more: dict[str, Any] = {"stream": True} if stream else {}
        return _sized(lambda text: {"model": model, "input": text, **more})

    def response(status: str, output: list[Any], *, counted: bool) -> dict[str, Any]:
        usage = {"input_tokens": 200, "output_tokens": 96, "total_tokens": 296}
        told = {"id": f"resp_{ID}", "object": "response", "created_at": CREATED, "status": status, "model": "bench-openai_responses"}
        return {**told, "output": output, "usage": usage if counted else None}

    def message(text: str) -> dict[str, Any]:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": text}
        return {"id": f"msg_{ID}", "type": "message", "status": "completed", "role": "assistant", "content": [part]}

    place = {"item_id": f"msg_{ID}", "output_index": 0, "content_index": 0}

    def delta(index: int) -> bytes:
        told = {"type": "response.output_text.delta", "sequence_number": index + 4, **place}
        return _typed({**told, "delta": _word(index), "logprobs": []})

    text = "".join(map(_word, range(92)))
    whole, empty = message(text), message("")
    begin = [
        _typed({"type": "response.created", "sequence_number": 0, "response": response("in_progress", [], counted=False)}),
        _typed({"type": "response.in_progress", "sequence_number": 1, "response": response("in_progress", [], counted=False)}),
        _typed({"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": {**empty, "content": []}}),
        _typed({"type": "response.content_part.added", "sequence_number": 3, **place, "part": empty["content"][0]}),
    ]
    end = [
        _typed({"type": "response.output_text.done", "sequence_number": 96, **place, "text": text, "logprobs": []}),
        _typed({"type": "response.content_part.done", "sequence_number": 97, **place, "part": whole["content"][0]}),
        _typed({"type": "response.output_item.done", "sequence_number": 98, "output_index": 0, "item": whole}),
        _typed({"type": "response.completed", "sequence_number": 99, "response": response("completed", [whole], counted=True)}),
    ]
    return Dialect(
        name="openai_responses",
        provider="modelgate",  # the only one that is trusted to serve them at an address of the operator's
        path="/v1/responses",
        stream_path="/v1/responses",
        make_body=body,
        answer=_sized(lambda text: response("completed", [message(text)], counted=True)),
        events=_hundred(begin, delta, end),
    )


DIALECTS = {one.name: one for one in (_openai_chat(), _anthropic_messages(), _gemini_content(), _openai_responses())}


class Pair(msgspec.Struct, frozen=True):
    """A client's dialect and an upstream's."""

    client: Dialect
    upstream: Dialect

    @property
    def name(self) -> str:
        """Both, for people."""
        return f"{self.client.name} > {self.upstream.name}"

    @property
    def passes(self) -> bool:
        """Whether the bytes pass as they are."""
        return self.client is self.upstream


PASSED = tuple(Pair(DIALECTS[name], DIALECTS[name]) for name in CLIENTS)
TRANSLATED = tuple(Pair(DIALECTS[client], DIALECTS[upstream]) for client in CLIENTS for upstream in UPSTREAMS if client != upstream)


class Traffic(msgspec.Struct, frozen=True):
    """One kind of traffic: a pair, whole answers or streams."""

    pair: Pair
    stream: bool

    @property
    def name(self) -> str:
        """What it is, for people."""
        return f"{self.pair.client.name if self.pair.passes else self.pair.name}, {'stream' if self.stream else '1 KB'}"

    @property
    def against(self) -> "Traffic":
        """What it is compared with: OpenAI's of the same kind where it passes, the client's dialect passed where it is translated."""
        client = self.pair.client if not self.pair.passes else DIALECTS["openai_chat"]
        return Traffic(Pair(client, client), self.stream)


TRAFFIC = (*(Traffic(pair, stream=False) for pair in PASSED), *(Traffic(pair, stream=True) for pair in (*PASSED, *TRANSLATED)))


def turns(number: int) -> tuple[Traffic, ...]:
    """Return the order of a round: there and back, so that nobody's neighbour is always the same."""
    return TRAFFIC if number % 2 == 0 else TRAFFIC[::-1]


def ratio(rounds: Sequence[Mapping[Traffic, float]], kind: Traffic) -> float:
    """Return how many times the CPU of what it is compared with a kind of traffic took: the median of the rounds' own ratios."""
    return statistics.median(one[kind] / one[kind.against] for one in rounds)


def print_dialects(rounds: Sequence[Mapping[Traffic, float]]) -> None:
    """Print CPU, and the ratio to what it is compared with."""
    for kind in TRAFFIC:
        whom = "OpenAI's" if kind.pair.passes else "passed"
        each = statistics.median(one[kind] for one in rounds)
        print(f"{kind.name:46}{each:8.2f}{ratio(rounds, kind):7.2f} times {whom}")

"""Requests: what is looked at, a single text as a conversation of one turn, and such a conversation as a text."""

from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.request import ChatRequest, Message, Text
from modelgate.formats.chat.wire_format import ChatPeek, UpstreamAsk
from modelgate.formats.json_fields import LARGE_BODY_BYTES, UNREADABLE, decode_fields, refuse_twins, top_level
from modelgate.formats.openai_chat.request import say
from modelgate.formats.openai_completions import NAME, schema
from modelgate.formats.openai_completions.schema import DEFAULT_MAX_TOKENS, MAX_PROMPTS, MAX_TOKENS

PATH = "/completions"
FIELD_NAMES = {"max_output_tokens": "max_tokens", "messages": "prompt"}

_SAID_ALIKE = ("temperature", "top_p", "n", "presence_penalty", "frequency_penalty", "logit_bias", "seed")
"""Fields that are called the same and said the same."""
_PRICED = ("max_tokens", "n", "best_of")
"""What the hold depends on besides the model."""
_DEFAULTS: dict[str, Json] = {
    field.name: field.default for field in msgspec.structs.fields(ChatRequest) if field.default is not msgspec.NODEFAULT
}
_SAYABLE = frozenset(("system", "stream", "max_output_tokens", "stop", "user", "ignored", *_SAID_ALIKE))
_HINTS = frozenset(("metadata", "service_tier", "store", "prompt_cache_key", "verbosity", "prediction", "gemini_safety_settings"))

_peek = msgspec.json.Decoder(schema.Peek)
_decode = msgspec.json.Decoder(schema.Request)


class RequestPeek(msgspec.Struct, frozen=True, kw_only=True):
    """A `ChatPeek`, with what the request said."""

    said: schema.Peek
    images: int = 0
    needs_hub: bool = False
    state: str = ""

    @property
    def model(self) -> str:
        """The model asked for."""
        return self.said.model

    @property
    def stream(self) -> bool | None:
        """Whether the answer shall come in pieces."""
        return self.said.stream

    @property
    def output_limit(self) -> int:
        """The bound on the tokens of one text; the vendor has one of its own."""
        return DEFAULT_MAX_TOKENS if self.said.max_tokens is None else self.said.max_tokens

    @property
    def n(self) -> int:
        """How many texts are made: for each prompt, the ones thrown away included."""
        return len(prompts_of(self.said.prompt)) * max(self.said.n or 1, self.said.best_of or 1)

    @property
    def includes_usage(self) -> bool:
        """Whether a streaming client wants the usage chunk."""
        return self.said.stream_options is not None and bool(self.said.stream_options.include_usage)


def own(peek: ChatPeek) -> RequestPeek:
    """Return a peek as this dialect made it."""
    assert isinstance(peek, RequestPeek)
    return peek


def prompts_of(prompt: str | list[str | int | list[int]] | None) -> list[str | list[int]]:
    """Return the prompts one by one; a list of numbers is one text as its tokens."""
    match prompt:
        case None:
            return [""]
        case str():
            return [prompt]
        case [int(), *_]:
            return [[token for token in prompt if isinstance(token, int)]]
        case _:
            return [one for one in prompt if not isinstance(one, int)]


def peek_request(request: HttpRequest) -> RequestPeek:
    """Read what routing and money need.

    Raises:
        InvalidRequest: not JSON, a field of the wrong type or out of range, or one said twice; `param` names it.
    """
    if len(request.body) > LARGE_BODY_BYTES:
        _refuse_too_many(request.body)
    said = decode_fields(_peek, request.body, say=say)
    if said.stream_options is not None and not said.stream:
        raise InvalidRequest("'stream_options' is only allowed with 'stream': true.", param="stream_options", code="invalid_value")
    if len(prompts_of(said.prompt)) > MAX_PROMPTS:
        raise _too_many(f"{MAX_PROMPTS} prompts")
    refuse_twins(request.body, "model", *(name for name in _PRICED if getattr(said, name) is not None), say=say)
    return RequestPeek(said=said)


def _refuse_too_many(body: bytes | bytearray) -> None:
    """Refuse a large body's millions of prompts or tokens before objects are made of them, which takes seconds. What is counted is never
    more than what is there. Raises InvalidRequest."""
    try:
        prompt = bytes(top_level(body).get("prompt", b""))
    except UNREADABLE:
        return  # said by who reads it all
    first = prompt[1:].lstrip()[:1] if prompt[:1] == b"[" else b""
    if first == b"[" and b'"' not in prompt and prompt.count(b"[") - 1 > MAX_PROMPTS:
        raise _too_many(f"{MAX_PROMPTS} prompts")
    if first == b'"' and (prompt.count(b'"') - prompt.count(b'\\"')) // 2 > MAX_PROMPTS:
        raise _too_many(f"{MAX_PROMPTS} prompts")
    if first not in (b"", b'"') and b'"' not in prompt and prompt.count(b",") > MAX_TOKENS:
        raise _too_many(f"{MAX_TOKENS} tokens")


def _too_many(what: str) -> InvalidRequest:
    return InvalidRequest(f"'prompt' holds more than {what}.", param="prompt", code="invalid_value")


def decode_request(request: HttpRequest, peek: ChatPeek) -> ChatRequest:
    """Return the request as a conversation of one turn.

    Raises:
        InvalidRequest: a field is not as it should be, or only a model of this dialect can do it (`unsupported_parameter`).
    """
    said = decode_fields(_decode, request.body, say=say)
    _refuse_untranslatable(said)
    ignored = tuple(
        name for name, raw in top_level(request.body).items() if name not in schema.Request.__struct_fields__ and bytes(raw) != b"null"
    )
    stop = said.stop or ()
    alike: dict[str, Json] = {name: getattr(said, name) for name in _SAID_ALIKE}
    return ChatRequest(
        model=peek.model,
        messages=(Message(role="user", parts=(Text(text=_only_text(said.prompt)),)),),
        stream=bool(said.stream),
        max_output_tokens=DEFAULT_MAX_TOKENS if said.max_tokens is None else said.max_tokens,
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        user=said.user or "",
        ignored=ignored,
        **alike,
    )


def _only_text(prompt: str | list[str | int | list[int]] | None) -> str:
    match prompt:
        case str(text) | [str(text)] if text:
            return text
        case None | "" | [""]:
            raise InvalidRequest("'prompt' is required.", param="prompt", code="missing_required_parameter")
        case _:
            message = "'prompt' must be exactly one text with this model: neither several prompts nor tokens are supported."
            raise InvalidRequest(message, param="prompt", code="unsupported_parameter")


def _refuse_untranslatable(said: schema.Request) -> None:
    is_picking = (said.best_of or 1) > (said.n or 1)
    wants = {"echo": said.echo, "suffix": said.suffix, "best_of": is_picking, "logprobs": said.logprobs is not None}
    for name, wanted in wants.items():
        if wanted:
            raise InvalidRequest(f"'{name}' is not supported with this model.", param=name, code="unsupported_parameter")


def encode_request(request: ChatRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what an upstream is sent. Only a single turn of texts can be said.

    Raises:
        InvalidRequest: `param` is the neutral field that cannot be said.
    """
    said = [name for name, default in _DEFAULTS.items() if getattr(request, name) != default]
    unsayable = next((name for name in said if name not in _SAYABLE and name not in _HINTS), None)
    texts = [part.text for message in request.messages for part in message.parts if isinstance(part, Text)]
    if unsayable is None and (len(request.messages) != 1 or len(texts) < len(request.messages[0].parts)):
        unsayable = "messages"
    if unsayable is not None:
        raise InvalidRequest("This model continues a single text.", param=unsayable, code="unsupported_parameter")
    body: dict[str, Json] = {"model": upstream_model, "prompt": "\n\n".join([*(text.text for text in request.system), *texts])}
    body.update({name: getattr(request, name) for name in _SAID_ALIKE if getattr(request, name) is not None})
    if request.max_output_tokens is not None:
        body["max_tokens"] = request.max_output_tokens
    if request.stop:
        body["stop"] = list(request.stop)
    if request.user:
        body["user"] = request.user
    if request.stream:
        body["stream"] = True
        if quirks.has_stream_options:
            body["stream_options"] = {"include_usage": True}
    ignored = tuple(name for name in said if name in _HINTS)
    return UpstreamAsk(path=path_of(upstream_model, quirks), body=msgspec.json.encode(body), ignored=ignored)


def path_of(model: str, quirks: Quirks) -> str:
    """Return where texts are continued, below the upstream's base URL."""
    path = quirks.paths.get(NAME, PATH).replace("{model}", quote(model, safe=""))
    query = quirks.query.lstrip("?&")
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path

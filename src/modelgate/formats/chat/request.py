"""A conversation to be continued, in neutral words.

Numbers and names are the caller's, unchecked beyond their types: the upstream knows its own ranges. What a field cannot be said
with at an upstream is either dropped and named (a hint) or refused (it changes the meaning); see `WireFormat.encode_request`.
"""

from typing import Literal, TypeAlias

import msgspec

from modelgate.core.records import Json


class CacheMark(msgspec.Struct, frozen=True):
    """The caller asks that the prompt up to here be cached; `ttl` is `5m`, `1h` or empty for the vendor's default."""

    ttl: str = ""


class Text(msgspec.Struct, frozen=True, kw_only=True):
    text: str
    cache: CacheMark | None = None


class Image(msgspec.Struct, frozen=True, kw_only=True):
    """A picture by address or as standard base64 without whitespace. `media_type` is what the bytes are, empty with an address."""

    url: str = ""
    data: str = ""
    media_type: str = ""
    detail: str = ""
    cache: CacheMark | None = None


class Audio(msgspec.Struct, frozen=True, kw_only=True):
    """Sound as base64, or in an assistant's turn a reference to an earlier answer of the same upstream. `format`: wav, mp3, …"""

    data: str = ""
    format: str = ""
    vendor_id: str = ""
    transcript: str = ""


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A document: base64, an address, plain text, or an id at the vendor."""

    name: str = ""
    media_type: str = ""
    data: str = ""
    url: str = ""
    text: str = ""
    vendor_id: str = ""
    cache: CacheMark | None = None


class Thinking(msgspec.Struct, frozen=True, kw_only=True):
    """What a model thought before it answered.

    `signature` proves to its maker that the text is unchanged, `sealed` holds thoughts that only their maker can read; `format` names
    the wire format whose upstream made them. To any other they are worth nothing and are left out.
    """

    text: str = ""
    signature: str = ""
    sealed: str = ""
    format: str = ""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call the model makes. `arguments` is JSON text as the model wrote it (possibly broken), plain text for a custom tool.

    `signature` and `format`: as of `Thinking`, for vendors that sign calls.
    """

    id: str
    name: str
    arguments: str
    custom: bool = False
    signature: str = ""
    format: str = ""
    cache: CacheMark | None = None


class ToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a call gave. `name` is the tool's, empty where the dialect does not say and no call in the history tells."""

    call_id: str
    name: str = ""
    parts: tuple["Text | Image | File", ...] = ()
    is_error: bool = False
    custom: bool = False
    cache: CacheMark | None = None


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """The model's words when it declines."""

    text: str


Part: TypeAlias = Text | Image | Audio | File | Thinking | ToolCall | ToolResult | Refusal
"""The closed union of what turns are made of."""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One turn. Results of tools are parts of the user's turn that follows the calls; turns of one role never stand side by side
    unless the caller had them so."""

    role: Literal["user", "assistant"]
    parts: tuple[Part, ...]
    name: str = ""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer. `schema` is JSON Schema of the arguments, None for none. `custom` takes plain text (in `grammar`'s form).

    `vendor` is set for tools that a vendor runs itself: the whole definition in the dialect named by `vendor_format`; such a tool has
    meaning at upstreams of that dialect only, except `web_search`, which is understood here by its name.
    """

    name: str
    description: str = ""
    schema: Json = None
    strict: bool | None = None
    custom: bool = False
    grammar: Json = None
    vendor: Json = None
    vendor_format: str = ""
    cache: CacheMark | None = None


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether tools are called: `named` calls the tool `name`; `allowed`, when not empty, narrows the choice to these names."""

    mode: Literal["auto", "none", "required", "named"]
    name: str = ""
    allowed: tuple[str, ...] = ()


class OutputFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The answer shall be JSON: any object, or valid for `schema`."""

    kind: Literal["json", "schema"]
    name: str = ""
    description: str = ""
    schema: Json = None
    strict: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model shall think. At most one of the ways is set: `effort` (none, minimal, low, medium, high, xhigh, max),
    `budget_tokens`, or `adaptive` (the model decides; an effort may stand beside it). `show`: thoughts, or their summary, shall be
    told (None: the dialect's default)."""

    effort: str = ""
    budget_tokens: int | None = None
    adaptive: bool = False
    show: bool | None = None


class AudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    voice: Json
    format: str


class WebSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The model may search the web by the vendor's own means. `context_size`: low, medium, high. `location` in the OpenAI shape."""

    context_size: str = ""
    location: Json = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a caller can ask of a conversation. None and empty mean: not said.

    `ignored` names what the caller said that the hub has no word for, in the caller's own dialect.
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    stream: bool = False
    max_output_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: tuple[str, ...] = ()
    n: int | None = None
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    output: OutputFormat | None = None
    reasoning: Reasoning | None = None
    verbosity: str = ""
    modalities: tuple[str, ...] = ()
    audio: AudioOutput | None = None
    image_aspect_ratio: str = ""
    image_size: str = ""
    web_search: WebSearch | None = None
    prediction: Json = None
    user: str = ""
    metadata: dict[str, str] | None = None
    service_tier: str = ""
    store: bool | None = None
    prompt_cache_key: str = ""
    gemini_safety_settings: Json = None
    ignored: tuple[str, ...] = ()

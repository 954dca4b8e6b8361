"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.openai_chat.reference_messages import (
    AudioOutput,
    CalledFunction,
    ChatMessage,
    ChatTool,
    FunctionDefinition,
    NamedFunction,
    Prediction,
    ResponseFormat,
    StreamOptions,
    ToolCall,
    ToolChoice,
    WebSearchOptions,
)
from modelgate.formats.openai_chat.schema import MAX_CHOICES, MAX_MODEL_CHARACTERS


class ReasoningOption(msgspec.Struct, frozen=True, kw_only=True):
    """How much a model thinks, in OpenRouter's spelling."""

    effort: Annotated[str | None, Meta(description="As `reasoning_effort`.", examples=["low"])] = None
    max_tokens: Annotated[int, Meta(ge=0, description="Bound on the thoughts, in tokens.", examples=[2048])] | None = None
    exclude: Annotated[bool | None, Meta(description="Keep the thoughts out of the answer.")] = None
    enabled: Annotated[bool | None, Meta(description="Think, or do not.")] = None


class ThinkingOption(msgspec.Struct, frozen=True, kw_only=True):
    """How much a model thinks, in Claude's spelling."""

    type: Annotated[Literal["enabled", "disabled", "adaptive"], Meta(description="Think, do not, or as the model sees fit.")]
    budget_tokens: Annotated[int, Meta(ge=0, description="Bound on the thoughts, in tokens.", examples=[2048])] | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A chat request. Fields that are not listed travel on as they are to an upstream of the same dialect.

    To an upstream of another dialect a mere hint is left out and named in the answer's `modelgate-ignored` header; what would change the
    meaning is refused with 400.
    """

    model: Annotated[
        str,
        Meta(description="Name of the model; GET /v1/models lists them.", max_length=MAX_MODEL_CHARACTERS, examples=["gpt-4o-mini"]),
    ]
    messages: Annotated[
        list[ChatMessage],
        Meta(description="The conversation so far.", min_length=1, examples=[[{"role": "user", "content": "Say hello."}]]),
    ]
    stream: Annotated[bool | None, Meta(description="Send the answer as server-sent events, `data: [DONE]` last.")] = False
    stream_options: Annotated[StreamOptions | None, Meta(description="Only with `stream`; without it, a 400.")] = None
    max_completion_tokens: (
        Annotated[int, Meta(ge=1, description="Bound on each answer's tokens, thoughts included.", examples=[1000])] | None
    ) = None
    max_tokens: (
        Annotated[
            int,
            Meta(ge=1, description="The older name of `max_completion_tokens`; OpenAI's reasoning models refuse it.", examples=[1000]),
        ]
        | None
    ) = None
    temperature: (
        Annotated[
            float,
            Meta(ge=0, le=2, description="Higher is more varied, 0 nearly always the same. Reasoning models take only 1.", examples=[0.7]),
        ]
        | None
    ) = 1.0
    top_p: (
        Annotated[
            float,
            Meta(ge=0, le=1, description="Draw only from the likeliest tokens that together have this probability.", examples=[0.9]),
        ]
        | None
    ) = 1.0
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES, description="How many answers. The prompt is counted once.", examples=[1])] | None = 1
    stop: Annotated[
        str | Annotated[list[str], Meta(min_length=1, max_length=4)] | None,
        Meta(description="The answer ends before any of these texts, up to four.", examples=["END"]),
    ] = None
    presence_penalty: (
        Annotated[float, Meta(ge=-2, le=2, description="Above 0 it repeats fewer of the tokens already used.", examples=[0.5])] | None
    ) = 0.0
    frequency_penalty: (
        Annotated[float, Meta(ge=-2, le=2, description="Above 0 it repeats a token less the more often it was used.", examples=[0.5])]
        | None
    ) = 0.0
    logit_bias: Annotated[
        dict[str, float] | None,
        Meta(
            description="Token id to a number from -100 (never) to 100 (always) that is added to its weight.",
            examples=[{"50256": -100}],
        ),
    ] = None
    logprobs: Annotated[bool | None, Meta(description="Tell the log probability of every token of the answer.")] = False
    top_logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="So many likeliest alternatives beside each token; needs `logprobs`.", examples=[3])]
        | None
    ) = None
    seed: Annotated[int | None, Meta(description="Same seed, same request: the same answer, as far as the model can.", examples=[7])] = None
    tools: Annotated[list[ChatTool], Meta(description="What the model may call, up to 128.", max_length=128)] | None = None
    tool_choice: Annotated[
        Literal["none", "auto", "required"] | ToolChoice | None,
        Meta(description="Whether a tool is called, or which. `none` without `tools`, `auto` with them.", examples=["auto"]),
    ] = None
    parallel_tool_calls: Annotated[bool | None, Meta(description="Allow several calls in one answer; only with `tools`.")] = True
    functions: Annotated[list[FunctionDefinition], Meta(description="The older form of `tools`.", min_length=1, max_length=128)] | None = (
        None
    )
    function_call: Annotated[
        Literal["none", "auto"] | NamedFunction | None, Meta(description="The older form of `tool_choice`.", examples=["auto"])
    ] = None
    response_format: Annotated[ResponseFormat | None, Meta(description="The form of the answer; text when left out.")] = None
    modalities: Annotated[
        list[Literal["text", "audio"]] | None,
        Meta(description="What the answer is made of; `audio` needs the field `audio`.", examples=[["text"]]),
    ] = None
    audio: Annotated[AudioOutput | None, Meta(description="Voice and encoding of a spoken answer.")] = None
    prediction: Annotated[Prediction | None, Meta(description="Text that is expected in the answer, to have it sooner.")] = None
    reasoning_effort: Annotated[
        Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None,
        Meta(description="How much a reasoning model thinks. Which words and which default depend on the model.", examples=["low"]),
    ] = None
    verbosity: Annotated[Literal["low", "medium", "high"] | None, Meta(description="How long the answer is.", examples=["low"])] = None
    web_search_options: Annotated[WebSearchOptions | None, Meta(description="Search the web first; for search models.")] = None
    service_tier: Annotated[
        Literal["auto", "default", "flex", "scale", "priority", "fast"] | None,
        Meta(description="Speed class at the vendor; the answer tells the one used.", examples=["auto"]),
    ] = None
    store: Annotated[bool | None, Meta(description="Let the vendor keep the answer.")] = False
    metadata: (
        Annotated[
            dict[str, Annotated[str, Meta(max_length=512)]],
            Meta(
                description="Up to 16 pairs kept with a stored answer; names up to 64 characters.",
                max_length=16,
                examples=[{"order": "17"}],
            ),
        ]
        | None
    ) = None
    user: Annotated[
        str | None, Meta(description="Your name for the end user; the older form of `safety_identifier`.", examples=["u-81"])
    ] = None
    safety_identifier: (
        Annotated[str, Meta(description="Your stable, anonymous name for the end user.", max_length=64, examples=["u-81"])] | None
    ) = None
    prompt_cache_key: Annotated[
        str | None, Meta(description="Requests with one key and one beginning share the vendor's cache.", examples=["support-v3"])
    ] = None
    top_k: Annotated[int | None, Meta(description="Draw only from so many likeliest tokens; not at OpenAI.", examples=[40])] = None
    reasoning: Annotated[ReasoningOption | None, Meta(description="How much the model thinks, in OpenRouter's spelling.")] = None
    thinking: Annotated[ThinkingOption | None, Meta(description="How much the model thinks, in Claude's spelling.")] = None
    enable_thinking: Annotated[bool | None, Meta(description="Think, in Qwen's spelling.")] = None
    thinking_budget: Annotated[
        int | None, Meta(description="With `enable_thinking`: bound on the thoughts, in tokens.", examples=[2048])
    ] = None


class UrlCitation(msgspec.Struct, frozen=True, kw_only=True):
    """A page the answer leans on."""

    url: Annotated[str, Meta(description="Address of the page.")]
    title: Annotated[str, Meta(description="Title of the page.")]
    start_index: Annotated[int, Meta(description="First character of `content` it supports.")]
    end_index: Annotated[int, Meta(description="The character after the last.")]


class Annotation(msgspec.Struct, frozen=True, kw_only=True):
    """A note on a place in the answer."""

    type: Annotated[Literal["url_citation"], Meta(description="Always `url_citation`.")]
    url_citation: Annotated[UrlCitation, Meta(description="The page and the place.")]


class SpokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as sound."""

    id: Annotated[str, Meta(description="Stands for this answer in later requests, until `expires_at`.")]
    data: Annotated[str, Meta(description="The sound in base64, encoded as `audio.format` of the request.")]
    expires_at: Annotated[int, Meta(description="Until when `id` is valid, unix seconds.")]
    transcript: Annotated[str, Meta(description="The spoken words.")]


class AnswerMessage(msgspec.Struct, frozen=True, kw_only=True):
    """The answer as a message; send it back as it is to go on with the conversation."""

    role: Annotated[Literal["assistant"], Meta(description="Always `assistant`.")] = "assistant"
    content: Annotated[str | None, Meta(description="The text; null when there are only calls, audio or a refusal.", examples=["Hello!"])]
    refusal: Annotated[str | None, Meta(description="The words the model refused with.")] = None
    tool_calls: Annotated[list[ToolCall] | None, Meta(description="Calls the model wants made.")] = None
    function_call: Annotated[CalledFunction | None, Meta(description="The call, when `functions` were offered.")] = None
    annotations: Annotated[list[Annotation] | None, Meta(description="Pages found on the web that the answer cites.")] = None
    audio: Annotated[SpokenAnswer | None, Meta(description="The answer as sound; its text is in `transcript`.")] = None
    reasoning_content: Annotated[str | None, Meta(description="The model's thoughts, where it shows them.")] = None


class TokenChance(msgspec.Struct, frozen=True, kw_only=True):
    """A token and how likely it was."""

    token: Annotated[str, Meta(description="The token's text.")]
    logprob: Annotated[float, Meta(description="Log of its probability; -9999 is very unlikely.")]
    bytes: Annotated[list[int] | None, Meta(description="Its UTF-8 bytes, null when it has none.")]
    top_logprobs: Annotated[list[dict[str, Json]], Meta(description="The likeliest tokens at this place: `token`, `logprob`, `bytes`.")]


class ChoiceLogprobs(msgspec.Struct, frozen=True, kw_only=True):
    """How likely each token of the answer was."""

    content: Annotated[list[TokenChance] | None, Meta(description="The tokens of `content`.")]
    refusal: Annotated[list[TokenChance] | None, Meta(description="The tokens of `refusal`.")] = None


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the answers."""

    index: Annotated[int, Meta(description="Number of the answer, from 0.")]
    message: Annotated[AnswerMessage, Meta(description="The answer.")]
    finish_reason: Annotated[
        Literal["stop", "length", "tool_calls", "content_filter", "function_call"] | None,
        Meta(
            description=(
                "Why it ended. `stop`: by itself; `length`: at the bound; `tool_calls`: to have calls made (a call that was forced ends "
                "with `stop`); `content_filter`: withheld by the vendor."
            )
        ),
    ]
    logprobs: Annotated[ChoiceLogprobs | None, Meta(description="When `logprobs` was asked for.")] = None


class PromptTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of `prompt_tokens`; any may be missing."""

    cached_tokens: Annotated[int, Meta(description="Read from the vendor's cache, at the cache price.")] = 0
    cache_write_tokens: Annotated[int, Meta(description="Written to the vendor's cache.")] = 0
    text_tokens: Annotated[int, Meta(description="Of words.")] = 0
    audio_tokens: Annotated[int, Meta(description="Of sound.")] = 0
    image_tokens: Annotated[int, Meta(description="Of pictures.")] = 0


class CompletionTokensDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of `completion_tokens`; any may be missing."""

    reasoning_tokens: Annotated[int, Meta(description="Of thoughts, shown or not.")] = 0
    text_tokens: Annotated[int, Meta(description="Of words.")] = 0
    audio_tokens: Annotated[int, Meta(description="Of sound.")] = 0
    image_tokens: Annotated[int, Meta(description="Of pictures.")] = 0
    accepted_prediction_tokens: Annotated[int, Meta(description="Of `prediction` that came true.")] = 0
    rejected_prediction_tokens: Annotated[int, Meta(description="Of `prediction` that did not; they cost as output.")] = 0


class CompletionUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Counts in tokens: what the request is charged by. Details are subsets of their totals."""

    prompt_tokens: Annotated[int, Meta(description="All input.", examples=[19])]
    completion_tokens: Annotated[int, Meta(description="All output of all answers, thoughts included.", examples=[10])]
    total_tokens: Annotated[int, Meta(description="The sum of both.", examples=[29])]
    prompt_tokens_details: Annotated[PromptTokensDetails | None, Meta(description="Parts of the input.")] = None
    completion_tokens_details: Annotated[CompletionTokensDetails | None, Meta(description="Parts of the output.")] = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """A finished answer."""

    id: Annotated[str, Meta(description="Id the upstream gave the answer.", examples=["chatcmpl-9f2c"])]
    created: Annotated[int, Meta(description="When, in unix seconds.", examples=[1764237600])]
    model: Annotated[str, Meta(description="Name of the model that answered.", examples=["gpt-4o-mini"])]
    choices: Annotated[list[Choice], Meta(description="The answers, `n` of them.")]
    usage: Annotated[CompletionUsage, Meta(description="Counts in tokens.")]
    object: Annotated[Literal["chat.completion"], Meta(description="Always `chat.completion`; in a stream `chat.completion.chunk`.")] = (
        "chat.completion"
    )
    service_tier: Annotated[str | None, Meta(description="Speed class that was used.")] = None
    system_fingerprint: Annotated[str | None, Meta(description="The vendor's mark of its setup.")] = None


class ErrorInside(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong."""

    message: Annotated[str, Meta(description="One sentence for people.", examples=["'messages' is required."])]
    type: Annotated[str, Meta(description="Class of the error, by its status.", examples=["invalid_request_error"])]
    param: Annotated[str | None, Meta(description="The field that is wrong.", examples=["messages"])]
    code: Annotated[str | None, Meta(description="What programs go by; the page Error codes lists them.", examples=["invalid_value"])]


class ErrorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Every failure, with its HTTP status."""

    error: Annotated[ErrorInside, Meta(description="What went wrong.")]

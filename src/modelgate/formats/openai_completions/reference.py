"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.formats.openai_chat.reference import CompletionUsage
from modelgate.formats.openai_chat.reference_messages import StreamOptions
from modelgate.formats.openai_chat.schema import MAX_CHOICES, MAX_MODEL_CHARACTERS
from modelgate.formats.openai_completions.schema import DEFAULT_MAX_TOKENS, MAX_BEST_OF


class CompletionRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A text to be continued. Fields that are not listed travel on as they are, where the upstream speaks this dialect."""

    model: Annotated[
        str,
        Meta(
            description="Name of the model; GET /v1/models lists them.",
            max_length=MAX_MODEL_CHARACTERS,
            examples=["gpt-3.5-turbo-instruct"],
        ),
    ]
    prompt: Annotated[
        str | list[str | int | list[int]],
        Meta(description="A text, texts, the tokens of a text, or those of several.", examples=["Once upon a time"]),
    ]
    max_tokens: Annotated[int, Meta(ge=0, description="Bound on the tokens of each text.", examples=[64])] | None = DEFAULT_MAX_TOKENS
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES, description="How many texts for each prompt.", examples=[1])] | None = 1
    best_of: (
        Annotated[
            int,
            Meta(
                ge=0, le=MAX_BEST_OF, description="So many are made, and paid, for the best `n` of them. Not with `stream`.", examples=[3]
            ),
        ]
        | None
    ) = 1
    stream: Annotated[bool | None, Meta(description="Send the text in pieces, as server-sent events, `data: [DONE]` last.")] = False
    stream_options: Annotated[StreamOptions | None, Meta(description="Only with `stream`.")] = None
    temperature: (
        Annotated[float, Meta(ge=0, le=2, description="Higher is more varied, 0 nearly always the same.", examples=[0.7])] | None
    ) = 1.0
    top_p: (
        Annotated[
            float, Meta(ge=0, le=1, description="Draw only from the likeliest tokens that together have this probability.", examples=[0.9])
        ]
        | None
    ) = 1.0
    stop: Annotated[
        str | Annotated[list[str], Meta(max_length=4)] | None,
        Meta(description="The text ends before any of these, up to four.", examples=["\n"]),
    ] = None
    presence_penalty: (
        Annotated[float, Meta(ge=-2, le=2, description="Above 0 it repeats fewer of the tokens already used.", examples=[0.5])] | None
    ) = 0.0
    frequency_penalty: (
        Annotated[float, Meta(ge=-2, le=2, description="Above 0 it repeats a token less the more often it was used.", examples=[0.5])]
        | None
    ) = 0.0
    logit_bias: Annotated[
        dict[str, int] | None,
        Meta(description="Token id to a number from -100 (never) to 100 (always).", examples=[{"50256": -100}]),
    ] = None
    echo: Annotated[bool | None, Meta(description="Begin each text with its prompt.")] = False
    suffix: Annotated[str | None, Meta(description="What comes after the text that is to be filled in.")] = None
    logprobs: (
        Annotated[int, Meta(ge=0, le=5, description="Tell the log probability of each token and of so many alternatives.", examples=[2])]
        | None
    ) = None
    seed: Annotated[int | None, Meta(description="Same seed, same request: the same text, as far as the model can.", examples=[7])] = None
    user: Annotated[str | None, Meta(description="Your name for the end user.", examples=["u-81"])] = None


class TextLogprobs(msgspec.Struct, frozen=True, kw_only=True):
    """How likely the tokens of a text were. The lists run side by side."""

    tokens: Annotated[list[str], Meta(description="The tokens.")]
    token_logprobs: Annotated[list[float | None], Meta(description="Log probability of each.")]
    top_logprobs: Annotated[list[dict[str, float] | None], Meta(description="Alternatives to each, with theirs.")]
    text_offset: Annotated[list[int], Meta(description="Where each begins in the text, in characters.")]


class TextChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One of the texts."""

    text: Annotated[str, Meta(description="The text.", examples=[" there was a gateway."])]
    index: Annotated[int, Meta(description="Number of the text; those of the second prompt are numbered from `n`.")]
    finish_reason: Annotated[
        Literal["stop", "length", "content_filter"] | None,
        Meta(description="`stop`: by itself or at `stop`; `length`: at the bound; `content_filter`: withheld by the vendor."),
    ]
    logprobs: Annotated[TextLogprobs | None, Meta(description="When `logprobs` was asked for.")] = None


class TextCompletion(msgspec.Struct, frozen=True, kw_only=True):
    """The texts; in a stream every event is one of these, with a piece of a text."""

    id: Annotated[str, Meta(description="Id the upstream gave the answer.", examples=["cmpl-9f2c"])]
    created: Annotated[int, Meta(description="When, in unix seconds.", examples=[1764237600])]
    model: Annotated[str, Meta(description="Name of the model that answered.")]
    choices: Annotated[list[TextChoice], Meta(description="The texts, `n` for each prompt.")]
    usage: Annotated[CompletionUsage, Meta(description="Counts in tokens.")]
    object: Annotated[Literal["text_completion"], Meta(description="Always `text_completion`.")] = "text_completion"
    system_fingerprint: Annotated[str | None, Meta(description="The vendor's mark of its setup.")] = None

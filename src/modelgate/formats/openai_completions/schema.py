"""The parts of the dialect that are looked at. Unknown fields are skipped; where bytes pass, they are never lost."""

from typing import Annotated

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.openai_chat.schema import MAX_CHOICES, MAX_MODEL_CHARACTERS, NO_RAW, StreamOptions

MAX_PROMPTS = 2048
MAX_TOKENS = 4_000_000
"""Of prompts that are given as their tokens, all together; no model reads a quarter of it at once."""
MAX_BEST_OF = 20
DEFAULT_MAX_TOKENS = 16
"""The vendor's own bound where the request sets none."""

Prompts = Annotated[list[str | int | list[int]], Meta(min_length=1)]
"""Texts, or one text as its tokens, or several as their tokens."""


class Peek(msgspec.Struct, frozen=True, kw_only=True):
    """What routing and money need to know of a request before it is sent on."""

    model: Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
    prompt: str | Prompts | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=1, le=MAX_CHOICES)] | None = None
    best_of: Annotated[int, Meta(ge=0, le=MAX_BEST_OF)] | None = None


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as far as it can be translated, and what must be refused when it has to be."""

    model: str
    prompt: str | Prompts | None = None
    stream: bool | None = None
    stream_options: Json = None
    max_tokens: int | None = None
    n: int | None = None
    best_of: int | None = None
    echo: bool | None = None
    logprobs: int | None = None
    suffix: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | list[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logit_bias: dict[str, int] | None = None
    seed: int | None = None
    user: str | None = None


class Choice(msgspec.Struct, frozen=True):
    index: int | None = None
    text: str | None = None
    finish_reason: str | None = None


class Answer(msgspec.Struct, frozen=True):
    """A completion or a chunk of one."""

    id: Json = None
    model: Json = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = NO_RAW
    error: Json = None

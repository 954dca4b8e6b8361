"""What is read of pictures' requests and answers. Fields that are not listed travel on as they are."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MODEL_CHARACTERS = 256
MAX_PICTURES = 10
MAX_SHOWN = 16

Model = Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_CHARACTERS)]
Prompt = Annotated[str, Meta(min_length=1, description="What is to be seen.")]
Count = Annotated[int, Meta(ge=1, le=MAX_PICTURES, description="How many pictures.")]
Size = Annotated[str, Meta(max_length=16, description="Such as `1024x1024`; which there are depends on the model.")]
Quality = Annotated[str, Meta(max_length=16, description="`standard`, `hd`; or `low`, `medium`, `high`, `auto`.")]
Compression = Annotated[int, Meta(ge=0, le=100, description="In percent, of jpeg and webp.")]
Partials = Annotated[int, Meta(ge=0, le=3, description="So many unfinished pictures come before each.")]


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every order of pictures may say."""

    model: Model | None = None
    n: Count | None = None
    size: Size | None = None
    response_format: Literal["url", "b64_json"] | None = None
    user: str | None = None


class Drawing(Ask, frozen=True, kw_only=True, omit_defaults=True):
    """What orders of pictures by words may say."""

    prompt: Prompt
    quality: Quality | None = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png", "jpeg", "webp"] | None = None
    output_compression: Compression | None = None
    stream: bool | None = None
    partial_images: Partials | None = None


class ImageRequest(Drawing, frozen=True, kw_only=True, omit_defaults=True):
    """Pictures to be made out of words."""

    style: Literal["vivid", "natural"] | None = None
    moderation: Literal["low", "auto"] | None = None


PRICED = ("model", "prompt", "n", "size", "quality", "partial_images", "stream")
"""Fields that the price depends on: none of them may be said twice."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    url: str | None = None
    b64_json: str | None = None
    revised_prompt: str | None = None


class ImageInputDetails(msgspec.Struct, frozen=True, kw_only=True):
    text_tokens: int | None = None
    image_tokens: int | None = None


class ImageOutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    text_tokens: int | None = None
    image_tokens: int | None = None


class ImageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, of models that count them."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: ImageInputDetails | None = None
    output_tokens_details: ImageOutputDetails | None = None


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures, by address or in base64."""

    created: int
    data: list[Picture]
    background: str | None = None
    output_format: str | None = None
    size: str | None = None
    quality: str | None = None
    usage: ImageUsage | None = None

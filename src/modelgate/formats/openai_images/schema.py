"""What is read of pictures' requests and answers. Fields that are not listed travel on as they are."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_MODEL_CHARACTERS = 256
MAX_PICTURES = 10
MAX_SHOWN = 16

Model = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_MODEL_CHARACTERS,
        description="Name of the model; left out, `dall-e-2`, of edits `gpt-image-1.5`.",
        examples=["gpt-image-1"],
    ),
]
Prompt = Annotated[
    str,
    Meta(
        min_length=1,
        description="What is to be seen. Longest by model: gpt-image 32,000 characters, dall-e-3 4,000, dall-e-2 1,000.",
        examples=["a red kite over the sea"],
    ),
]
Count = Annotated[int, Meta(ge=1, le=MAX_PICTURES, description="How many pictures; dall-e-3 makes 1.", examples=[1])]
Size = Annotated[
    str,
    Meta(
        max_length=16,
        description=(
            "gpt-image: `1024x1024`, `1536x1024`, `1024x1536`, `auto`; gpt-image-2 any of multiples of 16 up to 3840 a side and 3:1. "
            "dall-e-3: `1024x1024`, `1792x1024`, `1024x1792`. dall-e-2: `256x256`, `512x512`, `1024x1024`."
        ),
        examples=["1024x1024"],
    ),
]
Quality = Annotated[
    str, Meta(max_length=16, description="gpt-image: `low`, `medium`, `high`, `auto`. dall-e-3: `standard`, `hd`.", examples=["low"])
]
Compression = Annotated[
    int, Meta(ge=0, le=100, description="In percent, of jpeg and webp; gpt-image only, 100 when left out.", examples=[80])
]
Partials = Annotated[int, Meta(ge=0, le=3, description="With `stream`: so many unfinished pictures come before each.", examples=[2])]


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every order of pictures may say."""

    model: Model | None = None
    n: Count | None = None
    size: Size | None = None
    response_format: Annotated[
        Literal["url", "b64_json"] | None,
        Meta(description="By address or in base64; `url` when left out. gpt-image does not take it: always base64.", examples=["url"]),
    ] = None
    user: Annotated[str | None, Meta(description="Your name for the end user.", examples=["u-81"])] = None


class Drawing(Ask, frozen=True, kw_only=True, omit_defaults=True):
    """What orders of pictures by words may say."""

    prompt: Prompt
    quality: Quality | None = None
    background: Annotated[
        Literal["transparent", "opaque", "auto"] | None,
        Meta(description="What is behind; `transparent` as png or webp. gpt-image only.", examples=["transparent"]),
    ] = None
    output_format: Annotated[
        Literal["png", "jpeg", "webp"] | None,
        Meta(description="Encoding of the pictures, png when left out. gpt-image only.", examples=["webp"]),
    ] = None
    output_compression: Compression | None = None
    stream: Annotated[bool | None, Meta(description="Send the pictures as server-sent events. gpt-image only.")] = None
    partial_images: Partials | None = None


class ImageRequest(Drawing, frozen=True, kw_only=True, omit_defaults=True):
    """Pictures to be made out of words."""

    style: Annotated[
        Literal["vivid", "natural"] | None,
        Meta(description="Dramatic or plain, `vivid` when left out. dall-e-3 only.", examples=["natural"]),
    ] = None
    moderation: Annotated[
        Literal["low", "auto"] | None, Meta(description="How strict the vendor is, `auto` when left out. gpt-image only.", examples=["low"])
    ] = None


PRICED = ("model", "prompt", "n", "size", "quality", "partial_images", "stream")
"""Fields that the price depends on: none of them may be said twice."""


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One picture."""

    url: Annotated[str | None, Meta(description="Address of the picture; OpenAI's is valid for an hour.")] = None
    b64_json: Annotated[str | None, Meta(description="The picture in base64, without `data:` before it.")] = None
    revised_prompt: Annotated[str | None, Meta(description="What dall-e-3 made of the prompt.")] = None


class ImageInputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the input."""

    text_tokens: Annotated[int | None, Meta(description="Of words.")] = None
    image_tokens: Annotated[int | None, Meta(description="Of pictures shown.")] = None


class ImageOutputDetails(msgspec.Struct, frozen=True, kw_only=True):
    """Parts of the output."""

    text_tokens: Annotated[int | None, Meta(description="Of words.")] = None
    image_tokens: Annotated[int | None, Meta(description="Of pictures made.")] = None


class ImageUsage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens, of models that count them."""

    input_tokens: Annotated[int, Meta(description="All input: words and pictures shown.", examples=[14])] = 0
    output_tokens: Annotated[int, Meta(description="All output.", examples=[272])] = 0
    total_tokens: Annotated[int, Meta(description="The sum of both.", examples=[286])] = 0
    input_tokens_details: Annotated[ImageInputDetails | None, Meta(description="Parts of the input.")] = None
    output_tokens_details: Annotated[ImageOutputDetails | None, Meta(description="Parts of the output; older models leave them out.")] = (
        None
    )


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures, by address or in base64."""

    created: Annotated[int, Meta(description="When, in unix seconds.", examples=[1764237600])]
    data: Annotated[list[Picture], Meta(description="The pictures.")]
    background: Annotated[str | None, Meta(description="What is behind them: `transparent` or `opaque`.")] = None
    output_format: Annotated[str | None, Meta(description="Their encoding.", examples=["png"])] = None
    size: Annotated[str | None, Meta(description="Their size.", examples=["1024x1024"])] = None
    quality: Annotated[str | None, Meta(description="Their quality.", examples=["low"])] = None
    usage: Annotated[ImageUsage | None, Meta(description="Tokens; of models that are paid by the picture, none.")] = None

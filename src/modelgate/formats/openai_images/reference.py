"""Forms of pictures as documented to readers: types for the OpenAPI document; what is read of them has no files in it.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated, Literal

from msgspec import Meta

from modelgate.formats.openai_image_edits.schema import ImageEditFields
from modelgate.formats.openai_image_tasks.schema import MAX_SAFETY_TOLERANCE, MAX_SEED
from modelgate.formats.openai_image_variations.single import ImageVariationFields
from modelgate.formats.openai_images.schema import MAX_SHOWN, ImageRequest

Upload = Annotated[str, Meta(description="A file with a filename.", extra_json_schema={"format": "binary"})]


class ImageGeneration(ImageRequest, frozen=True, kw_only=True, omit_defaults=True):
    """Pictures to be made out of words. The last five fields are Flux's.

    Flux ignores `quality`, `style` and `user`, and does not stream.
    """

    aspect_ratio: Annotated[
        Literal["21:9", "16:9", "4:3", "3:2", "1:1", "2:3", "3:4", "9:16", "9:21"] | None,
        Meta(description="Flux: width to height, `1:1` when left out. A `size` alone means the nearest of these.", examples=["16:9"]),
    ] = None
    image: Annotated[
        str | None,
        Meta(description="Flux: a picture to begin with, as an address, base64 or a data URL. JPEG or PNG, up to 20 MB."),
    ] = None
    seed: (
        Annotated[
            int, Meta(ge=0, le=MAX_SEED, description="Flux: same seed, same picture; further pictures count up from it.", examples=[7])
        ]
        | None
    ) = None
    safety_tolerance: (
        Annotated[
            int, Meta(ge=0, le=MAX_SAFETY_TOLERANCE, description="Flux: how much moderation lets pass; 0 is strictest.", examples=[2])
        ]
        | None
    ) = None
    prompt_upsampling: Annotated[bool | None, Meta(description="Flux: let the model embellish the prompt.")] = None


class ImageEditForm(ImageEditFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: pictures and words to be made into pictures."""

    image: Annotated[
        list[Upload],
        Meta(
            min_length=1,
            max_length=MAX_SHOWN,
            description="The pictures: `image`, or `image[]` repeated. Each up to 50 MB; dall-e-2 takes one.",
        ),
    ]
    mask: Annotated[Upload, Meta(description="A png as large as the first picture; what is transparent is to be drawn.")] | None = None


class ImageVariationForm(ImageVariationFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: a picture to be varied."""

    image: Annotated[Upload, Meta(description="A square png, up to 50 MB; the vendor takes 4 MB.")]

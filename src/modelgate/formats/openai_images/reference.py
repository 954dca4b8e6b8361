"""Forms of pictures as documented to readers: types for the OpenAPI document; what is read of them has no files in it.

Source: the OpenAI API reference, read 2026-11.
"""

from typing import Annotated

from msgspec import Meta

from modelgate.formats.openai_image_edits.schema import ImageEditFields
from modelgate.formats.openai_image_variations.single import ImageVariationFields
from modelgate.formats.openai_images.schema import MAX_SHOWN

Upload = Annotated[str, Meta(description="A file with a filename.", extra_json_schema={"format": "binary"})]


class ImageEditForm(ImageEditFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: pictures and words to be made into pictures."""

    image: Annotated[list[Upload], Meta(min_length=1, max_length=MAX_SHOWN, description="`image`, or `image[]` repeated.")]
    mask: Annotated[Upload, Meta(description="A png as large as the first picture; what is transparent is to be drawn.")] | None = None


class ImageVariationForm(ImageVariationFields, frozen=True, kw_only=True, omit_defaults=True):
    """A form: a picture to be varied."""

    image: Annotated[Upload, Meta(description="A square png.")]

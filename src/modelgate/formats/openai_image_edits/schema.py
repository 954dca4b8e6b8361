"""What is read of an edit's request."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.formats.openai_images.schema import MAX_SHOWN, Drawing


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A picture by its address, https or data. Files that were uploaded to the vendor belong to its account, not to a caller."""

    image_url: str | None = None
    file_id: str | None = None


class ImageEditFields(Drawing, frozen=True, kw_only=True, omit_defaults=True):
    """The texts of the form; beside them come `image` (or `image[]`, repeated) and `mask`, files with a filename."""

    input_fidelity: Annotated[
        Literal["high", "low"] | None,
        Meta(description="How closely the result keeps to what is shown, `low` when left out. gpt-image only.", examples=["high"]),
    ] = None


class ImageEditRequest(ImageEditFields, frozen=True, kw_only=True, omit_defaults=True):
    """Pictures and words to be made into pictures, as JSON."""

    images: Annotated[list[Reference], Meta(min_length=1, max_length=MAX_SHOWN)]
    mask: Reference | None = None
    moderation: Literal["low", "auto"] | None = None

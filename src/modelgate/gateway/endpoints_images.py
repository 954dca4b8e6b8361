"""The endpoints of OpenAI's pictures, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.errors import UpstreamError, UpstreamRefused
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_images.reference import ImageEditForm, ImageGeneration, ImageVariationForm
from modelgate.formats.openai_images.schema import Images
from modelgate.gateway.endpoints_chat import PAID_ERRORS

_KITE = "a red kite over the sea"

IMAGE_CASES = (
    Case(name="tokens", title="A picture", prose="Paid by tokens; comes in base64.", request={"model": "gpt-image-1", "prompt": _KITE}),
    Case(
        name="transparent",
        title="A transparent background",
        prose="As png or webp.",
        request={"model": "gpt-image-1", "prompt": _KITE, "background": "transparent", "output_format": "webp", "quality": "low"},
    ),
    Case(
        name="streaming",
        title="Streaming",
        prose="Unfinished pictures come before the last one, which carries the usage.",
        request={"model": "gpt-image-1", "prompt": _KITE, "quality": "low", "stream": True, "partial_images": 2},
    ),
    Case(
        name="by-the-piece",
        title="DALL·E",
        prose="Paid by the picture, its size and its quality; comes by address unless `b64_json` is asked for.",
        request={"model": "dall-e-3", "prompt": _KITE, "size": "1792x1024", "quality": "hd", "response_format": "b64_json"},
    ),
    Case(
        name="flux",
        title="Flux",
        prose=(
            "Vendors that work by tasks are waited for. The shape is DALL·E's, with an `aspect_ratio` from `21:9` to `9:21`; "
            "a `size` means the nearest one."
        ),
        request={"model": "flux-kontext-pro", "prompt": _KITE, "n": 1, "aspect_ratio": "21:9"},
        response={
            "created": 1795750324,
            "data": [{"url": "https://gateway.example/files/task_4fK2mQpX7cVbN1sLr8YwZd-0.png?expires=1803526324&signature=…"}],
        },
    ),
)
EDIT_CASES = (
    Case(
        name="edit",
        title="An edit",
        prose="A form. Up to 16 pictures as `image[]`; a `mask` says where to draw. JSON does too, with `images` by address.",
        request={"model": "gpt-image-1", "image[]": "@kite.png", "prompt": "make the kite blue", "quality": "low"},
    ),
)
VARIATION_CASES = (
    Case(
        name="variation",
        title="Variations",
        prose="A form with one square png.",
        request={"model": "dall-e-2", "image": "@kite.png", "n": 2, "size": "512x512"},
    ),
)

IMAGE_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/images/generations",
        name="create_image",
        family="openai",
        home="relay",
        summary="Make pictures out of words",
        description="The OpenAI images API. What a model of OpenAI's does not take is refused by name; fields of other models pass.",
        request=ImageGeneration,
        response=Images,
        error=ErrorAnswer,
        errors=(*PAID_ERRORS, UpstreamRefused, UpstreamError),
        price_unit="image",
        cases=IMAGE_CASES,
    ),
    Endpoint(
        method="POST",
        path="/v1/images/edits",
        name="create_image_edit",
        family="openai",
        home="relay",
        summary="Make pictures out of pictures and words",
        description="The OpenAI image edits API, as a form or as JSON.",
        request=ImageEditForm,
        response=Images,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        request_type="multipart/form-data",
        price_unit="image",
        cases=EDIT_CASES,
    ),
    Endpoint(
        method="POST",
        path="/v1/images/variations",
        name="create_image_variation",
        family="openai",
        home="relay",
        summary="Vary a picture",
        description="The OpenAI image variations API.",
        request=ImageVariationForm,
        response=Images,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        request_type="multipart/form-data",
        price_unit="image",
        cases=VARIATION_CASES,
    ),
)

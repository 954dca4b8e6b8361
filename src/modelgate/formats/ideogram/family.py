"""The Ideogram family's routes, as the gateway serves and the portal documents them."""

from typing import Any, Final

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.ideogram import rules, schema
from modelgate.formats.ideogram.request import decode_for
from modelgate.formats.ideogram.response import encode_error, encode_pictures
from modelgate.formats.media.family import SUBMIT_ERRORS, InputRules, MediaFamily, MediaRoute
from modelgate.formats.media.fields import missing

PATH: Final = "/ideogram/v1/ideogram-v3/"
"""Before the name of an operation."""

_REQUEST_ID: Final = "req_5f0c1b9e7a2d4c6f8e013579"
_PICTURE: Final = "@kite.png"


_SAME_SIZE_AS: Final = {"mask": "image", "character_mask": "character"}


def _rules_of(role: str) -> InputRules:
    field = rules.FIELD_NAMES.get(role, role)
    return InputRules(
        field=field, content_types=schema.CONTENT_TYPES, max_bytes=schema.MAX_FILE_BYTES, same_size_as=_SAME_SIZE_AS.get(role, "")
    )


INPUTS: Final = {role: _rules_of(role) for role in ("image", "mask", "style", "character", "character_mask")}


def _answered(*pictures: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of examples, each with what is said of it."""
    usual = {
        "url": "https://gateway.example/files/task_4fK2mQpX7cVbN1sLr8YwZd-0.png?expires=1769068800&signature=…",
        "prompt": "A lighthouse at dusk, its beam cutting through violet haze, painted in oil",
        "resolution": "1280x800",
        "is_image_safe": True,
        "seed": 12345,
        "style_type": "GENERAL",
    }
    return {"created": "2026-11-27T01:23:45.000000+00:00", "data": [{**usual, **picture} for picture in pictures]}


def _route(operation: str, *, body: Any, summary: str, description: str, cases: tuple[Case, ...]) -> MediaRoute:
    name = operation.partition(".")[2] or "generate"
    endpoint = Endpoint(
        method="POST",
        path=PATH + name.replace("_", "-"),
        name=f"{name}_ideogram",
        family="ideogram",
        home="desk",
        summary=summary,
        description=f"{description} Waits for the pictures: allow two minutes. A call that makes nothing costs nothing.",
        request=body,
        request_type="multipart/form-data",
        response=schema.Pictures,
        error=schema.ErrorBody,
        errors=(*SUBMIT_ERRORS, errors.UpstreamTimeout),
        statuses={errors.BalanceExhausted: 403, errors.LimitExhausted: 403},
        price_unit="image",
        cases=cases,
    )
    return MediaRoute(endpoint=endpoint, action="make", decode=decode_for(operation), inputs=INPUTS)


def _refusal(field: str, why: str) -> dict[str, Any]:
    error = missing(field, why)
    return {
        "error": {
            "message": f"{error.message} (request id: {_REQUEST_ID})",
            "type": "invalid_request_error",
            "code": "missing_required_parameter",
            "param": field,
        }
    }


GENERATE = _route(
    rules.GENERATE,
    body=schema.GenerateBody,
    summary="Make pictures from words",
    description="Makes pictures from words, in a style told by name, by codes or by other pictures, with a person out of a picture.",
    cases=(
        Case(
            name="from-words",
            title="From words",
            prose="The least that is needed is a `prompt`. The answer's `prompt` is what was made of it; `magic_prompt` OFF keeps yours.",
            request={"prompt": "A lighthouse at dusk, oil painting", "aspect_ratio": "16x10"},
            response=_answered({}),
        ),
        Case(
            name="fast-and-coloured",
            title="Quick, in colours of your own",
            prose="`rendering_speed` decides the price. A palette has a name or members; in a form it is JSON in one part.",
            request={
                "prompt": "A poster of a red fox in snow",
                "num_images": 2,
                "rendering_speed": "TURBO",
                "style_type": "DESIGN",
                "color_palette": {"members": [{"color_hex": "#C1440E", "color_weight": 0.7}, {"color_hex": "#F4F4F4"}]},
                "seed": 7,
            },
            response=_answered({"seed": 7, "style_type": "DESIGN"}, {"seed": 8, "style_type": "DESIGN"}),
        ),
        Case(
            name="withheld",
            title="A picture that is withheld",
            prose="A picture that Ideogram itself finds unsafe has no address. It was made, and is charged.",
            request={"prompt": "A crowd after the match", "magic_prompt": "OFF"},
            response=_answered({"url": None, "prompt": "A crowd after the match", "is_image_safe": False}),
        ),
        Case(
            name="prompt-missing",
            title="What a mistake looks like",
            prose="The error names the field and the rule.",
            request={"aspect_ratio": "1x1"},
            response=_refusal("prompt", "say what the picture shows"),
            status=400,
        ),
    ),
)

EDIT = _route(
    rules.EDIT,
    body=schema.EditBody,
    summary="Change a part of a picture",
    description="Draws anew what a mask shows in black. The mask has the size of the picture.",
    cases=(
        Case(
            name="with-mask",
            title="With a mask",
            prose="Send `image` and `mask` as files of a form; an address or a data URI in their place works too.",
            request={"image": _PICTURE, "mask": "@mask.png", "prompt": "A hat of straw"},
            response=_answered({"resolution": "1024x1024"}),
        ),
        Case(
            name="mask-missing",
            title="Without a mask",
            prose="The mask is required.",
            request={"image": _PICTURE, "prompt": "A hat of straw"},
            response=_refusal("mask", "a picture of the same size, black where it changes"),
            status=400,
        ),
    ),
)

REMIX = _route(
    rules.REMIX,
    body=schema.RemixBody,
    summary="Make pictures out of a picture",
    description="Begins with a picture, cut to the ratio that is asked for, and keeps as much of it as `image_weight` says.",
    cases=(
        Case(
            name="from-picture",
            title="From a picture and words",
            prose="A higher `image_weight` keeps more of the picture.",
            request={"image": _PICTURE, "prompt": "The same in winter", "image_weight": 70, "aspect_ratio": "1x1"},
            response=_answered({"resolution": "1024x1024"}),
        ),
    ),
)

REFRAME = _route(
    rules.REFRAME,
    body=schema.ReframeBody,
    summary="Give a picture another size",
    description="Paints on beyond the edges of a picture until it has the resolution that is asked for.",
    cases=(
        Case(
            name="wider",
            title="Wider",
            prose="`resolution` is one of those that Ideogram makes.",
            request={"image": _PICTURE, "resolution": "1536x640"},
            response=_answered({"resolution": "1536x640"}),
        ),
    ),
)

REPLACE_BACKGROUND = _route(
    rules.REPLACE_BACKGROUND,
    body=schema.ReplaceBackgroundBody,
    summary="Put something else behind a subject",
    description="Keeps the subject of a picture and draws what is behind it anew.",
    cases=(
        Case(
            name="a-beach",
            title="A beach",
            prose="`prompt` says what is behind the subject.",
            request={"image": _PICTURE, "prompt": "A beach in the morning"},
            response=_answered({"resolution": "1024x1024"}),
        ),
    ),
)

FAMILY = MediaFamily(
    name="ideogram",
    prefix="/ideogram/",
    routes=(GENERATE, EDIT, REMIX, REFRAME, REPLACE_BACKGROUND),
    encode_submitted=encode_pictures,
    encode_fetched=encode_pictures,
    encode_error=encode_error,
    field_names=rules.FIELD_NAMES,
    aliases={
        "/v1/ideogram-v3/": PATH,  # the vendor's own
        "/v1/ideogram-v3/inpaint": PATH + "edit",
        PATH + "inpaint": PATH + "edit",  # its newer name
        "/ideogram/generate": PATH + "generate",
        "/ideogram/edit": PATH + "edit",
        "/ideogram/remix": PATH + "remix",
    },
    kinds=frozenset(("image",)),
)

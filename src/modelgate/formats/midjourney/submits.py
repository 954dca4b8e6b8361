"""The Midjourney family's submits, as the gateway serves and the portal documents them."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from modelgate.core import errors
from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.records import Json, Task
from modelgate.formats.media.family import JSON_SUBMIT_ERRORS, Ask, InputRules, MediaCall, MediaRoute
from modelgate.formats.midjourney import children, schema
from modelgate.formats.midjourney import request as decode
from modelgate.formats.midjourney import response as encode

PREFIX: Final = "/mj/"

TASK_ID = "task_4fK2mQpX7cVbN1sLr8YwZd"
CUSTOM_ID = "MJ::JOB::upsample::1::3ad5e2b8-6d1c-4a57-9a0e-2f6c1b7d8e90"
FILE_URL = f"https://gateway.example/files/{TASK_ID}-0.png?expires=1769068800&signature=…"
_DATA_URI = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
_TAKEN: Json = {"code": 1, "description": encode.SUBMITTED, "result": TASK_ID, "properties": {}}
_STATUSES: Mapping[type[errors.ModelgateError], int] = {
    errors.BalanceExhausted: 400,
    errors.LimitExhausted: 400,
    errors.TaskNotFound: 400,
    errors.NoUpstream: 429,
    errors.UpstreamRefused: 200,
}


def _rules(**fields: str) -> dict[str, InputRules]:
    """Return the rules for pictures: the role, and the field it comes by."""
    return {
        role: InputRules(field=field, content_types=schema.IMAGE_TYPES, max_bytes=schema.MAX_IMAGE_BYTES) for role, field in fields.items()
    }


def _submit(
    path: str,
    body: type[msgspec.Struct],
    decoder: Callable[[MediaCall], Ask],
    *,
    summary: str,
    example: dict[str, Any],
    description: str = "",
    inputs: Mapping[str, InputRules] | None = None,
    with_parent: Callable[[Ask, Task], Ask] | None = None,
) -> MediaRoute:
    """Return the route of one submit."""
    endpoint = Endpoint(
        method="POST",
        path=PREFIX + path,
        name=f"midjourney_{path.rpartition('/')[2].replace('-', '_')}",
        family="midjourney",
        home="desk",
        summary=summary,
        description=description
        or "Answers with a task in `result`; follow it until it is `SUCCESS` or `FAILURE`. A failed task costs nothing.",
        request=body,
        response=schema.Submitted,
        error=schema.ErrorEnvelope,
        errors=(*JSON_SUBMIT_ERRORS, errors.TaskNotFound),
        statuses=dict(_STATUSES),
        price_unit="call",
        cases=(Case(name="usual", title=summary, prose="What it takes at least.", request=example, response=_TAKEN),),
    )
    return MediaRoute(endpoint=endpoint, action="submit", decode=decoder, inputs=inputs or {}, with_parent=with_parent)


_DESCRIBE_RULES = _rules(image="base64")
_DESCRIBE_RULES["image"] = msgspec.structs.replace(_DESCRIBE_RULES["image"], url_field="link")
_SWAP_RULES = {
    role: msgspec.structs.replace(rules, url_field=rules.field.replace("Base64", "Url"))
    for role, rules in _rules(reference="sourceBase64", image="targetBase64").items()
}
_EDIT_RULES = _rules(image="image", mask="maskBase64")
_EDIT_RULES["mask"] = msgspec.structs.replace(_EDIT_RULES["mask"], same_size_as="image")

_UPLOAD = _submit(
    "submit/upload-discord-images",
    schema.UploadBody,
    decode.decode_upload,
    summary="Keep pictures at an address",
    description="Answers with addresses of the pictures, to be put into prompts.",
    example={"base64Array": [_DATA_URI]},
    inputs=_rules(image="base64Array"),
)

SUBMITS = (
    _submit(
        "submit/imagine",
        schema.ImagineBody,
        decode.decode_imagine,
        summary="Make four pictures",
        example={"prompt": "a red fox in snow --ar 16:9"},
        inputs=_rules(image="base64Array"),
    ),
    _submit(
        "submit/blend",
        schema.BlendBody,
        decode.decode_blend,
        summary="Merge pictures",
        example={"base64Array": [_DATA_URI, _DATA_URI], "dimensions": "SQUARE"},
        inputs=_rules(image="base64Array"),
    ),
    _submit(
        "submit/describe",
        schema.DescribeBody,
        decode.decode_describe,
        summary="Describe a picture",
        example={"base64": _DATA_URI},
        inputs=_DESCRIBE_RULES,
    ),
    _submit(
        "submit/shorten",
        schema.ShortenBody,
        decode.decode_shorten,
        summary="Shorten a prompt",
        example={"prompt": "a very very red fox in the deep snow"},
    ),
    _submit(
        "submit/change",
        schema.ChangeBody,
        children.decode_change,
        summary="Enlarge, vary or redo",
        example={"taskId": TASK_ID, "action": "UPSCALE", "index": 2},
        with_parent=children.with_changed,
    ),
    _submit(
        "submit/simple-change",
        schema.SimpleChangeBody,
        children.decode_simple_change,
        summary="Enlarge, vary or redo, in short",
        example={"content": f"{TASK_ID} U2"},
        with_parent=children.with_changed,
    ),
    _submit(
        "submit/action",
        schema.ActionBody,
        children.decode_action,
        summary="Press a button",
        description="Answers with a task, and with `code` 21 where a dialog waits for `/mj/submit/modal`.",
        example={"taskId": TASK_ID, "customId": CUSTOM_ID},
        with_parent=children.with_pressed,
    ),
    _submit(
        "submit/modal",
        schema.ModalBody,
        children.decode_modal,
        summary="Fill in a dialog",
        example={"taskId": TASK_ID, "prompt": "a red fox in snow --zoom 1.8"},
        inputs=_rules(mask="maskBase64"),
        with_parent=children.with_dialog,
    ),
    _submit(
        "submit/edits",
        schema.EditsBody,
        decode.decode_edits,
        summary="Edit a picture",
        example={"prompt": "at night", "image": _DATA_URI},
        inputs=_EDIT_RULES,
    ),
    _submit(
        "submit/video",
        schema.VideoBody,
        decode.decode_video,
        summary="Make a picture move",
        example={"prompt": "it jumps", "image": _DATA_URI, "motion": "low"},
        inputs=_rules(first_frame="image", last_frame="endImage"),
        with_parent=children.with_video,
    ),
    _submit(
        "insight-face/swap",
        schema.SwapBody,
        decode.decode_swap,
        summary="Swap a face",
        example={"sourceBase64": _DATA_URI, "targetBase64": _DATA_URI},
        inputs=_SWAP_RULES,
    ),
    msgspec.structs.replace(
        _UPLOAD,
        action="make",
        encode=encode.encode_uploaded,
        endpoint=msgspec.structs.replace(
            _UPLOAD.endpoint,
            response=schema.Uploaded,
            cases=(
                Case(
                    name="usual",
                    title="Keep pictures at an address",
                    prose="What it takes at least.",
                    request={"base64Array": [_DATA_URI]},
                    response={"code": 1, "description": "success", "result": [FILE_URL]},
                ),
            ),
        ),
    ),
)

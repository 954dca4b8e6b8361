"""Midjourney, which has no API of its own: the midjourney-proxy protocol, as proxies and other gateways speak it.

Source: novicezk/midjourney-proxy and trueai-org/midjourney-proxy, as read 2026-11. Where they differ, both are understood: a full
queue is code 23 or 9; jobs are asked for by the list alone, because a missing one asked for by itself is an empty answer, a 204, a 404 or
code 3.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import MediaOperation, Provider, UpstreamCall
from modelgate.formats.media.requests import ImageRequest, MediaRequest, VideoRequest, inputs_in
from modelgate.providers.midjourney.answers import parse_cancel, parse_poll, parse_poll_many, parse_submit
from modelgate.providers.midjourney.calls import (
    DIMENSIONS,
    VIDEO_TYPES,
    encode_action,
    encode_blend,
    encode_cancel,
    encode_change,
    encode_describe,
    encode_edit,
    encode_imagine,
    encode_modal,
    encode_poll,
    encode_poll_many,
    encode_shorten,
    encode_swap,
    encode_upload,
    encode_video,
)

SPEEDS = ("fast", "relax", "turbo")
MIN_BLENDED, MAX_BLENDED = 2, 5
MAX_POLLED = 100
_COMMON = ("quality", "midjourney_bot_type", "midjourney_state")


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the headers for a proxy, which reads the first, and for a gateway, which reads the second."""
    del now  # the secret does not age
    return (("mj-api-secret", secret), ("authorization", f"Bearer {secret}"))


# Rules. A family of clients checks its own words before; these are for whoever asks in neutral ones.


def _check(*, needs: tuple[str, ...] = (), prompt: bool = False, parent: bool = False) -> Callable[[Any, str], None]:
    """Return the check of an operation that needs a file of each role, a prompt, an earlier task."""

    def check(request: MediaRequest, model: str) -> None:
        quality = getattr(request, "quality", "")
        if quality and quality not in SPEEDS:
            raise InvalidRequest(f"quality is {quality!r}, but it must be one of {', '.join(SPEEDS)}.", param="quality")
        if prompt and not request.prompt.strip():
            raise InvalidRequest("prompt is required: say what is wanted.", param="prompt", code="missing_required_parameter")
        if parent and request.parent is None:
            raise InvalidRequest("parent is required: name the task to build on.", param="parent", code="missing_required_parameter")
        for role in needs:
            if not inputs_in(request, role):
                raise InvalidRequest(f"{role} is required for {model}.", param=role, code="missing_required_parameter")

    return check


def _check_blend(request: ImageRequest, model: str) -> None:
    _check()(request, model)
    if not MIN_BLENDED <= len(request.inputs) <= MAX_BLENDED:
        raise InvalidRequest(
            f"image stands for {len(request.inputs)} pictures, but {MIN_BLENDED} to {MAX_BLENDED} are merged.", param="image"
        )
    if request.aspect_ratio not in DIMENSIONS:
        message = f"aspect_ratio is {request.aspect_ratio!r}, but it must be one of 2:3, 1:1, 3:2."
        raise InvalidRequest(message, param="aspect_ratio")


def _check_video(request: VideoRequest, model: str) -> None:
    _check(needs=() if request.parent is not None else ("first_frame",))(request, model)
    if request.resolution not in VIDEO_TYPES:
        raise InvalidRequest(f"resolution is {request.resolution!r}, but it must be 480p or 720p.", param="resolution")


def _operation(
    encode_submit: Callable[..., UpstreamCall], *takes: str, check: Callable[[Any, str], None], words: bool = False
) -> MediaOperation:
    return MediaOperation(
        encode_submit=encode_submit,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=partial(parse_poll, words=words),
        encode_poll_many=encode_poll_many,
        parse_poll_many=partial(parse_poll_many, words=words),
        max_poll_many=MAX_POLLED,
        encode_cancel=encode_cancel,
        parse_cancel=parse_cancel,
        check=check,
        poll_interval_s=3.0,
        deadline_s=3600.0,
        takes=frozenset((*_COMMON, *takes)),
    )


_PRESS = ("parent", "midjourney_custom_id", "midjourney_remix")
_VIDEO = ("resolution", "midjourney_motion", "midjourney_loop", "midjourney_batch_size")

PROVIDER = Provider(
    name="midjourney",
    title="Midjourney (by proxy)",
    base_url="",
    media={
        "image": _operation(encode_imagine, "image", "negative_prompt", "seed", check=_check(prompt=True)),
        "image.blend": _operation(encode_blend, "image", check=_check_blend),
        "image.describe": _operation(encode_describe, "image", "midjourney_language", check=_check(needs=("image",)), words=True),
        "image.shorten": _operation(encode_shorten, check=_check(prompt=True), words=True),
        "image.edit": _operation(encode_edit, "image", "mask", "negative_prompt", "seed", check=_check(needs=("image",), prompt=True)),
        "image.swap_face": _operation(encode_swap, "image", "face", check=_check(needs=("face", "image"))),
        "image.upload": _operation(encode_upload, "image", check=_check(needs=("image",))),
        "image.change": _operation(encode_change, "parent", "midjourney_action", check=_check(parent=True)),
        "image.action": _operation(encode_action, *_PRESS, check=_check(parent=True)),
        "image.modal": _operation(encode_modal, "parent", "mask", check=_check(parent=True)),
        "video": _operation(encode_video, "first_frame", "last_frame", *_VIDEO, check=_check_video),
        "video.extend": _operation(encode_video, "parent", *_VIDEO, check=_check_video),
        "video.action": _operation(encode_action, *_PRESS, check=_check(parent=True)),
    },
    sign=sign,
    environment={"MIDJOURNEY_PROXY_SECRET": "secret", "MIDJOURNEY_PROXY_URL": "base_url"},
    documentation="https://github.com/novicezk/midjourney-proxy (2026-11)",
)

"""Midjourney, which has no API of its own: the midjourney-proxy protocol, as proxies and other gateways speak it.

Source: novicezk/midjourney-proxy and trueai-org/midjourney-proxy, as read 2026-11. Where they differ, both are understood: a full
queue is code 23 or 9; jobs are asked for by the list alone, because a missing one asked for by itself is an empty answer, a 204, a 404 or
code 3.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

from modelgate.core.providers import MediaOperation, Provider, Twin
from modelgate.formats.media.fields import broken, listed, missing
from modelgate.formats.media.requests import ImageRequest, VideoRequest, inputs_in
from modelgate.formats.midjourney.buttons import MODELS, read_custom_id
from modelgate.providers.midjourney.answers import parse_cancel, parse_poll, parse_poll_many, parse_question, parse_submit
from modelgate.providers.midjourney.calls import (
    DIMENSIONS,
    VIDEO_TYPES,
    Asked,
    ask_action,
    ask_blend,
    ask_change,
    ask_describe,
    ask_edit,
    ask_imagine,
    ask_modal,
    ask_shorten,
    ask_swap,
    ask_upload,
    ask_video,
    encode_cancel,
    encode_poll,
    encode_poll_many,
    encode_question,
    encode_submit,
)

SPEEDS = ("fast", "relax", "turbo")
MIN_BLENDED, MAX_BLENDED = 2, 5
MAX_POLLED = 100
PICTURES_OF_A_GRID = 4
CHANGES = ("UPSCALE", "VARIATION", "REROLL")
OPTIONS: dict[str, type | tuple[str | int, ...]] = {
    "midjourney_bot_type": ("MID_JOURNEY", "NIJI_JOURNEY"),
    "midjourney_state": str,
    "midjourney_language": str,
    "midjourney_action": CHANGES,
    "midjourney_custom_id": str,
    "midjourney_remix": bool,
    "midjourney_motion": ("low", "high"),
    "midjourney_loop": bool,
    "midjourney_batch_size": (1, 2, 4),
}
"""The options, and their values or the type of them."""
_CALLED: dict[type, str] = {str: "a string", bool: "true or false"}

_SPEED = re.compile(r"--(?:fast|relax|turbo)(?!\S)", re.IGNORECASE)
_COMMON = ("quality", "midjourney_bot_type", "midjourney_state")


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the headers for a proxy, which reads the first, and for a gateway, which reads the second."""
    del now  # the secret does not age
    return (("mj-api-secret", secret), ("authorization", f"Bearer {secret}"))


# Rules. A family of clients checks its own words before; these are for whoever asks in neutral ones.


def _check(*, needs: tuple[str, ...] = (), prompt: bool = False, parent: bool = False) -> Callable[[Any, str], None]:
    """Return the check of an operation that needs a file of each role, a prompt, an earlier task."""

    def check(request: ImageRequest | VideoRequest, model: str) -> None:
        _check_words(request)
        if prompt and not request.prompt.strip():
            raise missing("prompt", "say what is wanted")
        if parent and request.parent is None:
            raise missing("parent", "name the task to build on")
        for role in needs:
            if not inputs_in(request, role):
                raise missing(role, f"{model} works on such a file")

    return check


def _check_words(request: ImageRequest | VideoRequest) -> None:
    """Check the speed, which the price depends on, and the options, which may come as they are."""
    if request.quality not in ("", *SPEEDS):
        raise broken("quality", request.quality, f"it must be one of {listed(SPEEDS)}")
    if _SPEED.search(request.prompt):
        raise broken("prompt", request.prompt, f"the speed is said by quality, one of {listed(SPEEDS)}")
    for name, allowed in OPTIONS.items():
        value = request.options.get(name)
        if value is not None and not (type(value) is allowed if isinstance(allowed, type) else value in allowed):
            rule = f"it must be {_CALLED[allowed]}" if isinstance(allowed, type) else f"it must be one of {listed(allowed)}"
            raise broken(name, value, rule)


def _check_change(request: ImageRequest, model: str) -> None:
    """Check that a change is the one that its model is the price of."""
    _check(parent=True)(request, model)
    action, index = str(request.options.get("midjourney_action") or ""), request.parent.index if request.parent is not None else 0
    if not action:
        raise missing("midjourney_action", f"one of {listed(CHANGES)}")
    if action != "REROLL" and not 1 <= index <= PICTURES_OF_A_GRID:
        raise broken("parent", index, f"its index must say which of the {PICTURES_OF_A_GRID} pictures")
    _check_price(action, model, "midjourney_action", action)


def _check_action(request: ImageRequest | VideoRequest, model: str) -> None:
    """Check that a button is understood, and that its model is the price of what it does: some are free."""
    _check(parent=True)(request, model)
    custom_id = str(request.options.get("midjourney_custom_id") or "")
    if not custom_id:
        raise missing("midjourney_custom_id", "name the button to press")
    pressed = read_custom_id(custom_id)
    if pressed is None:
        raise broken("midjourney_custom_id", custom_id, "it must be a button that starts a job")
    _check_price(pressed.action, model, "midjourney_custom_id", custom_id)


def _check_price(action: str, model: str, option: str, value: str) -> None:
    if model != MODELS[action]:
        raise broken(option, value, f"that is the model {MODELS[action]}, not {model}")


def _check_blend(request: ImageRequest, model: str) -> None:
    _check()(request, model)
    if not MIN_BLENDED <= len(request.inputs) <= MAX_BLENDED:
        raise broken("image", len(request.inputs), f"there must be {MIN_BLENDED} to {MAX_BLENDED} pictures to merge")
    if request.aspect_ratio not in DIMENSIONS:
        raise broken("aspect_ratio", request.aspect_ratio, f"it must be one of {listed(ratio for ratio in DIMENSIONS if ratio)}")


def _check_video(request: VideoRequest, model: str) -> None:
    _check(needs=() if request.parent is not None else ("first_frame",))(request, model)
    if request.resolution not in VIDEO_TYPES:
        raise broken("resolution", request.resolution, "it must be 480p or 720p")


def _operation(ask: Callable[..., Asked], *takes: str, check: Callable[[Any, str], None], words: bool = False) -> MediaOperation:
    return MediaOperation(
        encode_submit=partial(encode_submit, ask),
        has_callbacks=True,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=partial(parse_poll, words=words),
        encode_poll_many=encode_poll_many,
        parse_poll_many=partial(parse_poll_many, words=words),
        max_poll_many=MAX_POLLED,
        encode_cancel=encode_cancel,
        parse_cancel=parse_cancel,
        encode_question=encode_question,
        parse_question=parse_question,
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
        "image": _operation(ask_imagine, "image", "negative_prompt", "seed", check=_check(prompt=True)),
        "image.blend": _operation(ask_blend, "image", check=_check_blend),
        "image.describe": _operation(ask_describe, "image", "midjourney_language", check=_check(needs=("image",)), words=True),
        "image.shorten": _operation(ask_shorten, check=_check(prompt=True), words=True),
        "image.edit": _operation(ask_edit, "image", "mask", "negative_prompt", "seed", check=_check(needs=("image",), prompt=True)),
        "image.swap_face": _operation(ask_swap, "image", "reference", check=_check(needs=("reference", "image"))),
        "image.upload": _operation(ask_upload, "image", check=_check(needs=("image",))),
        "image.change": _operation(ask_change, "parent", "midjourney_action", check=_check_change),
        "image.action": _operation(ask_action, *_PRESS, check=_check_action),
        "image.modal": _operation(ask_modal, "parent", "mask", check=_check(parent=True)),
        "video": _operation(ask_video, "first_frame", "last_frame", *_VIDEO, check=_check_video),
        "video.extend": _operation(ask_video, "parent", *_VIDEO, check=_check_video),
        "video.action": _operation(ask_action, *_PRESS, check=_check_action),
    },
    sign=sign,
    environment={"MIDJOURNEY_PROXY_SECRET": "secret", "MIDJOURNEY_PROXY_URL": "base_url"},
    twin=Twin(key="mj-sandbox"),
    documentation="https://github.com/novicezk/midjourney-proxy (2026-11)",
)

"""Kling (Kuaishou): pictures, try-ons and videos by its native API.

    signing    the credential's header
    calls      neutral request -> call
    answers    answer -> what it means; `relays` for what New API says in Kling's place
    limits     what each model can do, and its defaults; `controls` for the nested options

Source: Kling's API documentation for developers (klingai.com), read 2026-11.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall
from modelgate.formats.kling.routes import CLIP_RULES, SOUND_RULES, picture_rules
from modelgate.providers.kling import calls, limits
from modelgate.providers.kling.answers import MAX_RESULTS, parse_poll, parse_submit
from modelgate.providers.kling.signing import sign

_VIDEO_INPUTS = ("first_frame", "last_frame", "static_mask", "dynamic_mask", "reference")
_PICTURE = picture_rules("image")
_RULES = {role: _PICTURE for role in (*_VIDEO_INPUTS, "image", "human", "cloth")} | {"video": CLIP_RULES, "audio": SOUND_RULES}
_VIDEO_OPTIONS = tuple(f"kling_{name}" for name in (*calls.VIDEO_OPTIONS, "trajectories", "watermark"))

_IMAGE_OPTIONS = ("kling_resolution", "kling_image_reference", "kling_image_fidelity", "kling_human_fidelity")


def _operation(encode_submit: Callable[..., UpstreamCall], path: str, *takes: str, **more: Any) -> MediaOperation:
    """Return an operation with what all of this vendor's have in common; the path of a job takes our `external_task_id` too."""
    encode_poll = partial(calls.poll_at, path) if path else calls.encode_video_poll
    return MediaOperation(
        encode_submit=encode_submit,
        parse_submit=parse_submit,
        encode_poll=encode_poll,
        parse_poll=parse_poll,
        encode_lookup=encode_poll,
        parse_lookup=parse_poll,
        has_callbacks=True,
        takes=frozenset(takes),
        inputs={role: _RULES[role] for role in takes if role in _RULES},
        **more,
    )


_IMAGE = _operation(
    calls.encode_image,
    calls.IMAGES_PATH,
    *("negative_prompt", "image", *_IMAGE_OPTIONS),
    check=limits.check_image,
    poll_interval_s=2.0,
    deadline_s=1800.0,
    max_n=MAX_RESULTS,
)
_TRY_ON = _operation(
    calls.encode_try_on, calls.TRY_ON_PATH, "human", "cloth", check=limits.check_try_on, poll_interval_s=2.0, deadline_s=1800.0
)
_VIDEO = _operation(
    calls.encode_video,
    "",
    *("negative_prompt", "seconds", "resolution", "quality", "sound", *_VIDEO_INPUTS, *_VIDEO_OPTIONS),
    asks_by_request=True,
    check=limits.check_video,
    complete=limits.complete_video,
)
_EXTEND = _operation(
    calls.encode_extend,
    calls.EXTEND_PATH,
    *("negative_prompt", "seconds", "quality", "parent", "kling_cfg_scale"),
    check=limits.check_extend,
    inherit=limits.inherit_extend,
    complete=limits.complete_extend,
)
_LIP_SYNC = _operation(
    calls.encode_lip_sync,
    calls.LIP_SYNC_PATH,
    *("seconds", "parent", "video", "audio", "kling_voice_id", "kling_voice_language", "kling_voice_speed"),
    check=limits.check_lip_sync,
    inherit=limits.inherit_lip_sync,
    complete=limits.complete_lip_sync,
    measure=limits.measure_lip_sync,
    inputs_by_url=True,  # the vendor takes no video in the body
)
_EFFECTS = _operation(
    calls.encode_effects,
    calls.EFFECTS_PATH,
    *("seconds", "quality", "image", "kling_effect_scene"),
    check=limits.check_effects,
    complete=limits.complete_plain,
)

PROVIDER = Provider(
    name="kling",
    title="Kling",
    base_url="https://api-singapore.klingai.com",
    media={
        "image": _IMAGE,
        "image.try_on": _TRY_ON,
        "video": _VIDEO,
        "video.extend": _EXTEND,
        "video.lip_sync": _LIP_SYNC,
        "video.effects": _EFFECTS,
    },
    sign=sign,
    environment={"KLING_ACCESS_KEY|KLING_SECRET_KEY": "secret", "KLING_API_KEY": "secret"},
    twin=Twin(key="sandbox-access|sandbox-secret-key-of-the-make-believe-kling"),
    documentation="https://app.klingai.com/global/dev/document-api, read 2026-11",
)

"""Kling (Kuaishou): pictures, try-ons and videos by its native API.

    signing    the credential's header
    calls      neutral request -> call
    answers    answer -> what it means; `relays` for what New API says in Kling's place
    limits     what each model can do, and its defaults; `controls` for the nested options

Source: Kling's API documentation for developers (klingai.com), read 2026-11.
"""

from functools import partial

from modelgate.core.providers import MediaOperation, Provider, Twin
from modelgate.providers.kling import calls, limits
from modelgate.providers.kling.answers import MAX_RESULTS, parse_poll, parse_submit
from modelgate.providers.kling.signing import sign

_VIDEO_INPUTS = ("first_frame", "last_frame", "static_mask", "dynamic_mask", "reference")
_VIDEO_OPTIONS = tuple(f"kling_{name}" for name in (*calls.VIDEO_OPTIONS, "trajectories", "watermark"))

_IMAGE = MediaOperation(
    encode_submit=calls.encode_image,
    parse_submit=parse_submit,
    encode_poll=partial(calls.poll_at, calls.IMAGES_PATH),
    parse_poll=parse_poll,
    encode_lookup=partial(calls.poll_at, calls.IMAGES_PATH),  # the same path takes our external_task_id
    parse_lookup=parse_poll,
    check=limits.check_image,
    has_callbacks=True,
    poll_interval_s=2.0,
    deadline_s=1800.0,
    max_n=MAX_RESULTS,
    takes=frozenset(
        ("negative_prompt", "image", "kling_resolution", "kling_image_reference", "kling_image_fidelity", "kling_human_fidelity")
    ),
)
_TRY_ON = MediaOperation(
    encode_submit=calls.encode_try_on,
    parse_submit=parse_submit,
    encode_poll=partial(calls.poll_at, calls.TRY_ON_PATH),
    parse_poll=parse_poll,
    encode_lookup=partial(calls.poll_at, calls.TRY_ON_PATH),
    parse_lookup=parse_poll,
    check=limits.check_try_on,
    has_callbacks=True,
    poll_interval_s=2.0,
    deadline_s=1800.0,
    takes=frozenset(("human", "cloth")),
)
_VIDEO = MediaOperation(
    encode_submit=calls.encode_video,
    parse_submit=parse_submit,
    encode_poll=calls.encode_video_poll,
    parse_poll=parse_poll,
    encode_lookup=calls.encode_video_poll,
    parse_lookup=parse_poll,
    asks_by_request=True,
    check=limits.check_video,
    complete=limits.complete_video,
    has_callbacks=True,
    takes=frozenset(("negative_prompt", "seconds", "resolution", "quality", "sound", *_VIDEO_INPUTS, *_VIDEO_OPTIONS)),
)
_EXTEND = MediaOperation(
    encode_submit=calls.encode_extend,
    parse_submit=parse_submit,
    encode_poll=partial(calls.poll_at, calls.EXTEND_PATH),
    parse_poll=parse_poll,
    encode_lookup=partial(calls.poll_at, calls.EXTEND_PATH),
    parse_lookup=parse_poll,
    check=limits.check_extend,
    complete=limits.complete_extend,
    has_callbacks=True,
    takes=frozenset(("negative_prompt", "seconds", "quality", "parent", "kling_cfg_scale")),
)
_LIP_SYNC = MediaOperation(
    encode_submit=calls.encode_lip_sync,
    parse_submit=parse_submit,
    encode_poll=partial(calls.poll_at, calls.LIP_SYNC_PATH),
    parse_poll=parse_poll,
    encode_lookup=partial(calls.poll_at, calls.LIP_SYNC_PATH),
    parse_lookup=parse_poll,
    check=limits.check_lip_sync,
    complete=limits.complete_lip_sync,
    has_callbacks=True,
    inputs_by_url=True,  # the vendor takes no video in the body
    takes=frozenset(("seconds", "parent", "video", "audio", "kling_voice_id", "kling_voice_language", "kling_voice_speed")),
)
_EFFECTS = MediaOperation(
    encode_submit=calls.encode_effects,
    parse_submit=parse_submit,
    encode_poll=partial(calls.poll_at, calls.EFFECTS_PATH),
    parse_poll=parse_poll,
    encode_lookup=partial(calls.poll_at, calls.EFFECTS_PATH),
    parse_lookup=parse_poll,
    check=limits.check_effects,
    complete=limits.complete_plain,
    has_callbacks=True,
    takes=frozenset(("seconds", "quality", "image", "kling_effect_scene")),
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

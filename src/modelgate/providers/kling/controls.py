"""The rules of Kling's options, nested ones (camera, motion brush, shots, voices) and plain. They name one as the neutral request does."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from modelgate.core.errors import InvalidRequest
from modelgate.formats.media import fields as read
from modelgate.formats.media.limits import check_flags

CAMERA_TYPES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
MOST_MOVE = 10
MAX_MASKS = 6
LEAST_POINTS = 2
MAX_POINTS = 77
MAX_COORDINATE = 100_000
MAX_SHOTS = 6
MAX_SHOT_PROMPT = 512
MAX_SHOT_S = 15
MAX_VOICES = 2
MAX_NAME = 200

FRACTIONS = ("kling_cfg_scale", "kling_image_fidelity", "kling_human_fidelity")
VOICE_SPEEDS = (0.8, 2.0)
CHOICES = {
    "kling_resolution": ("1k", "2k"),
    "kling_image_reference": ("subject", "face"),
    "kling_voice_language": ("zh", "en"),
}

CAMERA = "kling_camera_control"
TRAJECTORIES = "kling_trajectories"
SHOTS = "kling_multi_prompt"
VOICES = "kling_voice_list"

Read = TypeVar("Read")


def check_options(options: dict[str, Any]) -> None:
    """Check the options that are one value each. Raises InvalidRequest."""
    for name in FRACTIONS:
        read.number(options, name, low=0, high=1)
    read.number(options, "kling_voice_speed", low=VOICE_SPEEDS[0], high=VOICE_SPEEDS[1])
    for name, choices in CHOICES.items():
        read.choice(options, name, choices)
    read.text(options, "kling_voice_id", MAX_NAME)
    check_flags(options, "kling_multi_shot", "kling_watermark")


def check_camera(control: object) -> None:
    """Check a camera's move. Raises InvalidRequest."""
    fields = _object(control, CAMERA)
    kind = _within(CAMERA, read.choice, fields, "type", CAMERA_TYPES)
    if not kind:
        raise _wrong(f"{CAMERA}.type is required: one of {read.listed(CAMERA_TYPES)}", CAMERA)
    config = fields.get("config")
    if kind != "simple":
        if config not in (None, "", {}):
            raise _wrong(f"{CAMERA}.config is only for the type simple; it must be absent for {kind}", CAMERA)
        return
    moves = _object(config, CAMERA, inner="config")
    values = [_within(CAMERA, read.number, moves, name, low=-MOST_MOVE, high=MOST_MOVE) for name in CAMERA_MOVES]
    if sum(1 for value in values if value) != 1:
        raise _wrong(f"{CAMERA}.config must have exactly one of {read.listed(CAMERA_MOVES)} that is not 0", CAMERA)


def check_trajectories(ways: object, *, masks: int) -> None:
    """Check the paths of a motion brush, one for each mask. Raises InvalidRequest."""
    found = _list(ways if ways is not None else [], TRAJECTORIES, low=0, high=MAX_MASKS)
    if len(found) != masks:
        raise _wrong(f"{TRAJECTORIES} has {len(found)} paths for {masks} masks: each mask needs its own", TRAJECTORIES)
    for way in found:
        for point in _list(way, TRAJECTORIES, low=LEAST_POINTS, high=MAX_POINTS):
            place = _object(point, TRAJECTORIES, inner="trajectories")
            for name in ("x", "y"):
                value = place.get(name)
                if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_COORDINATE:
                    raise _wrong(f"{TRAJECTORIES}: {name} is {read.shown(value)}, but it must be a whole number of pixels", TRAJECTORIES)


def check_shots(options: dict[str, Any], *, seconds: int) -> bool:
    """Check the shots of a video and say whether there are any. Raises InvalidRequest."""
    kind = options.get("kling_shot_type", "customize")
    if kind != "customize":
        raise _wrong(f"kling_shot_type is {read.shown(kind)}, but it must be customize", "kling_shot_type")
    if not options.get("kling_multi_shot"):
        if SHOTS in options:
            raise _wrong(f"{SHOTS} is only for kling_multi_shot", SHOTS)
        return False
    shots, total = _list(options.get(SHOTS), SHOTS, low=1, high=MAX_SHOTS), 0
    for shot in shots:
        fields = _object(shot, SHOTS, inner="prompt")
        words = _within(SHOTS, read.text, fields, "prompt", MAX_SHOT_PROMPT)
        index = fields.get("index")
        if not words.strip() or not isinstance(index, int) or isinstance(index, bool) or read.is_absent(fields, "duration"):
            raise _wrong(f"{SHOTS}: each shot needs an index (a whole number), a prompt and a duration", SHOTS)
        total += _within(SHOTS, read.whole_number, fields, "duration", low=1, high=MAX_SHOT_S, default=0)
    if total != seconds:
        raise _wrong(f"{SHOTS}: the durations add up to {total}, but the video lasts {seconds} seconds", SHOTS)
    return True


def check_voices(voices: object) -> None:
    """Check the voices of a video. Raises InvalidRequest."""
    for voice in _list(voices, VOICES, low=1, high=MAX_VOICES):
        fields = _object(voice, VOICES, inner="voice_id")
        if not _within(VOICES, read.text, fields, "voice_id", MAX_NAME).strip():
            raise _wrong(f"{VOICES}: each voice needs a voice_id", VOICES)


def _within(option: str, read_one: Callable[..., Read], fields: read.Body, name: str, *rule: Any, **bounds: Any) -> Read:
    """Return what a reader of fields gives; what it refuses is told as a part of the option."""
    try:
        return read_one(fields, name, *rule, **bounds)
    except InvalidRequest as error:
        raise InvalidRequest(f"{option}: {error.message}", param=option, code=error.code) from None


def _object(value: object, option: str, *, inner: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        part = f"{option}: {inner}" if inner else option
        raise _wrong(f"{part} is {read.shown(value)}, but it must be an object", option)
    return cast(dict[str, Any], value)


def _list(value: object, option: str, *, low: int, high: int) -> list[Any]:
    found: list[Any] | None = value if isinstance(value, list) else None  # pyright: ignore[reportUnknownVariableType]  # JSON as it came
    if found is None or not low <= len(found) <= high:
        raise _wrong(f"{option} must be a list of {low} to {high} items", option)
    return found


def _wrong(message: str, option: str) -> InvalidRequest:
    return InvalidRequest(f"{message}.", param=option, code="invalid_value")

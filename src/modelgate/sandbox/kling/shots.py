"""What the make-believe Kling refuses of a video's camera, motion brush and shots."""

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import (
    MAGIC_MODELS,
    MAX_NAME,
    KlingRefused,
    read_flag,
    read_image,
    read_number,
    read_object,
    read_objects,
    read_one_of,
    read_text,
)

CAMERA_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
CAMERA_TYPES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
CAMERA_MOVES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
MOST_MOVE = 10
MASK_MODELS = ("kling-v1",)
MASK_LENGTH = "5"
MAX_MASKS = 6
LEAST_POINTS = 2
MAX_POINTS = 77
RATIO_TOLERANCE = 0.02
MAX_SHOTS = 6
MAX_SHOT_PROMPT = 512


def check_camera(body: dict[str, Json], *, model: str) -> bool:
    """Check `camera_control` and say whether it is there. Raises KlingRefused."""
    control = read_object(body, "camera_control")
    if control is None:
        return False
    if model not in (*CAMERA_MODELS, *MAGIC_MODELS):
        raise KlingRefused(1201, f"camera_control is not supported by {model}")
    kind = read_one_of(control, "type", CAMERA_TYPES, default="")
    config = read_object(control, "config")
    if kind != "simple":
        if config is not None:
            raise KlingRefused(1201, f"camera_control.config must be empty for type '{kind}'")
        return True
    if config is None:
        raise KlingRefused(1201, "camera_control.config is required for type 'simple'")
    moves = [read_number(config, move, low=-MOST_MOVE, high=MOST_MOVE) for move in CAMERA_MOVES]
    if sum(1 for move in moves if move) != 1:
        raise KlingRefused(1201, "exactly one value of camera_control.config must not be zero")
    return True


def check_masks(body: dict[str, Json], *, model: str, length: str, size: tuple[int, int] | None) -> bool:
    """Check the motion brush and say whether it is there; `size` is that of the picture, where it is known. Raises KlingRefused."""
    static, masks = read_image(body, "static_mask"), read_objects(body, "dynamic_masks", most=MAX_MASKS)
    if static is None and not masks:
        return False
    if model not in (*MASK_MODELS, *MAGIC_MODELS) or length != MASK_LENGTH:
        raise KlingRefused(1201, f"static_mask and dynamic_masks are not supported by {model} with duration {length}")
    given = [static, *(read_image(mask, "mask", required=True) for mask in masks)]
    sizes = {mask.size for mask in given if mask is not None and mask.size is not None}
    if len(sizes) > 1:
        raise KlingRefused(1201, "static_mask and dynamic_masks must have the same size")
    if size is not None and any(abs(across / down / (size[0] / size[1]) - 1) > RATIO_TOLERANCE for across, down in sizes):
        raise KlingRefused(1201, "the masks must have the aspect ratio of image")
    for mask in masks:
        _check_trajectory(mask)
    return True


def _check_trajectory(mask: dict[str, Json]) -> None:
    points = read_objects(mask, "trajectories", most=MAX_POINTS)
    if len(points) < LEAST_POINTS:
        raise KlingRefused(1201, f"trajectories must have {LEAST_POINTS} to {MAX_POINTS} points")
    for point in points:
        for name in ("x", "y"):
            value = point.get(name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise KlingRefused(1200, f"trajectories.{name} must be an integer")


def check_shots(body: dict[str, Json], *, is_able: bool, length: int) -> list[str]:
    """Check `multi_shot` and return the prompts of the shots, none without it. Raises KlingRefused."""
    if not read_flag(body, "multi_shot"):
        return []
    if not is_able:
        raise KlingRefused(1201, "multi_shot is not supported by this model")
    read_one_of(body, "shot_type", ("customize",), default="customize")
    shots = read_objects(body, "multi_prompt", most=MAX_SHOTS)
    if not shots:
        raise KlingRefused(1201, "multi_prompt can not be empty")
    seconds = 0
    for shot in shots:
        index, lasts = shot.get("index"), read_text(shot, "duration", most=MAX_NAME, required=True)
        if not isinstance(index, int) or isinstance(index, bool):
            raise KlingRefused(1200, "multi_prompt.index must be an integer")
        if not (lasts.isascii() and lasts.isdigit() and 1 <= len(lasts) <= 2):
            raise KlingRefused(1201, f"multi_prompt.duration value '{lasts}' is invalid")
        seconds += int(lasts)
    if seconds != length:
        raise KlingRefused(1201, "the durations of multi_prompt must add up to duration")
    return [read_text(shot, "prompt", most=MAX_SHOT_PROMPT, required=True) for shot in shots]

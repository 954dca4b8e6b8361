"""What a button's `customId` means: `MJ::JOB::upsample::2::<uuid>` makes the second picture large."""

from typing import Final

import msgspec

MODELS: Final = {
    "IMAGINE": "mj_imagine",
    "UPSCALE": "mj_upscale",
    "VARIATION": "mj_variation",
    "REROLL": "mj_reroll",
    "LOW_VARIATION": "mj_low_variation",
    "HIGH_VARIATION": "mj_high_variation",
    "ZOOM": "mj_zoom",
    "CUSTOM_ZOOM": "mj_custom_zoom",
    "INPAINT": "mj_inpaint",
    "PAN": "mj_pan",
    "VIDEO": "mj_video",
}
"""The actions a button can stand for, and the model that each is charged as."""

_VERBS: Final = {
    "variation": "VARIATION",
    "reroll": "REROLL",
    "low_variation": "LOW_VARIATION",
    "high_variation": "HIGH_VARIATION",
    "Outpaint": "ZOOM",
    "CustomZoom": "CUSTOM_ZOOM",
    "Inpaint": "INPAINT",
    "PicReader": "IMAGINE",
    "Picread": "IMAGINE",
    "PromptAnalyzer": "IMAGINE",
}
_BEGINNINGS: Final = (("upsample", "UPSCALE"), ("pan_", "PAN"), ("animate_", "VIDEO"))


class Pressed(msgspec.Struct, frozen=True):
    """What a button does: an action, and the number of the picture it is about (0: none)."""

    action: str
    index: int = 0


def read_custom_id(custom_id: str) -> Pressed | None:
    """Return what a button does, None for one that starts no job here or is not understood."""
    parts = custom_id.split("::")
    place = 2 if parts[1:2] in (["JOB"], ["Job"]) else 1
    verb = parts[place] if len(parts) > place else ""
    action = _VERBS.get(verb) or next((action for beginning, action in _BEGINNINGS if verb.startswith(beginning)), "")
    if parts[0] != "MJ" or not action:
        return None
    number = parts[place + 1] if len(parts) > place + 1 else ""
    has_index = verb.startswith("upsample") or verb == "variation"
    return Pressed(action, int(number) if has_index and number in ("1", "2", "3", "4") else 0)

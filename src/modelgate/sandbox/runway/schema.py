"""What each of Runway's models takes at each endpoint, as data."""

import msgspec

_LARGE = ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")
_VEO = ("1280:720", "720:1280", "1080:1920", "1920:1080")
_PICTURES = (
    *("1024:1024", "1080:1080", "1168:880", "1360:768", "1440:1080", "1080:1440", "1808:768", "1920:1080"),
    *("1080:1920", "2112:912", "1280:720", "720:1280", "720:720", "960:720", "720:960", "1680:720"),
)
_ANY_SECONDS = tuple(range(2, 11))


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What one model takes at one endpoint. `seconds` empty: a picture, or as long as what it is made of; `credits` are for one second."""

    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()
    ratios: tuple[str, ...] = _LARGE
    seconds: tuple[int, ...] = ()
    positions: tuple[str, ...] = ("first",)
    last_needs_first: bool = False
    credits: int = 5
    fewest_credits: int = 0


_USUAL = ("seed", "contentModeration")
_TURBO = Rules(needs=("promptImage", "ratio"), takes=("promptText", "duration", *_USUAL), seconds=_ANY_SECONDS)
LEGACY = Rules(
    needs=("promptImage", "promptText"),
    takes=("ratio", "duration", *_USUAL),
    ratios=("1280:768", "768:1280"),
    seconds=(5, 10),
    positions=("first", "last"),
)
_VEO_IMAGE = Rules(
    needs=("promptImage", "ratio"),
    takes=("promptText", "duration", "audio", "negativePrompt"),
    ratios=_VEO,
    seconds=(4, 6, 8),
    positions=("first", "last"),
    last_needs_first=True,
    credits=40,
)
_VEO_TEXT = msgspec.structs.replace(_VEO_IMAGE, needs=("promptText", "ratio"), takes=("duration", "audio", "negativePrompt"))
_GEN_4_5 = Rules(needs=("promptImage", "promptText", "ratio", "duration"), takes=_USUAL, seconds=_ANY_SECONDS, credits=12)

ENDPOINTS: dict[str, dict[str, Rules]] = {
    "image_to_video": {
        "gen4_turbo": _TURBO,
        "gen4.5": _GEN_4_5,
        "gen3a_turbo": LEGACY,
        "veo3.1": _VEO_IMAGE,
        "veo3.1_fast": msgspec.structs.replace(_VEO_IMAGE, credits=15),
        "veo3": msgspec.structs.replace(_VEO_IMAGE, seconds=(8,), positions=("first",)),
    },
    "text_to_video": {
        "gen4.5": msgspec.structs.replace(_GEN_4_5, needs=("promptText", "ratio", "duration"), ratios=_LARGE[:2]),
        "veo3.1": _VEO_TEXT,
        "veo3.1_fast": msgspec.structs.replace(_VEO_TEXT, credits=15),
        "veo3": msgspec.structs.replace(_VEO_TEXT, seconds=(8,)),
    },
    "video_to_video": {
        "aleph2": Rules(
            needs=("videoUri",), takes=("promptText", "keyframes", "targetAspectRatio", *_USUAL), credits=28, fewest_credits=56
        ),
    },
    "character_performance": {
        "act_two": Rules(
            needs=("character", "reference"), takes=("bodyControl", "expressionIntensity", "ratio", *_USUAL), fewest_credits=15
        ),
    },
    "text_to_image": {
        "gen4_image": Rules(needs=("promptText", "ratio"), takes=("referenceImages", *_USUAL), ratios=_PICTURES, credits=8),
        "gen4_image_turbo": Rules(needs=("promptText", "ratio", "referenceImages"), takes=_USUAL, ratios=_PICTURES, credits=2),
    },
}
MAGIC_RULES = {"image_to_video": _TURBO, "text_to_video": ENDPOINTS["text_to_video"]["gen4.5"]}
"""What the models of magic words take."""

"""What Runway's endpoints take, as structs and tables: every field's own shape, and what each model makes of it."""

from typing import Annotated, Literal, Self

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.body_shape import WrongField, read_shape
from modelgate.sandbox.given_files import GivenUri
from modelgate.sandbox.orders import MediaOrder

MAX_PROMPT_UNITS = 1_000
"""UTF-16 code units."""

MAX_SEED = 2**32 - 1
MAX_IMAGE_BYTES = 5 * 1024 * 1024
MAX_VIDEO_BYTES = 16 * 1024 * 1024
"""Of a data URI; what an address holds is not fetched here."""

MAX_REFERENCES = 3
MAX_KEYFRAMES = 5
DEFAULT_SIZE = "1280:720"
REFERENCE_S = 5
"""How long a video that is edited or acted after is taken to be: it is not looked into."""

TARGETS = {"16:9": "1280:720", "9:16": "720:1280", "4:3": "1104:832", "3:4": "832:1104", "1:1": "960:960", "21:9": "1584:672"}
TARGETS |= {"3:2": "1248:832", "2:3": "832:1248"}
"""The size of an edited video by its `targetAspectRatio`."""


class PromptText(str):
    """Words, counted as Runway does."""

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return the words. Raises WrongField."""
        if isinstance(value, str) and 1 <= len(value.encode("utf-16-le", "surrogatepass")) // 2 <= MAX_PROMPT_UNITS:
            return cls(value)
        raise WrongField("", f"String must contain 1 to {MAX_PROMPT_UNITS} characters")


class Image(GivenUri):
    """A picture."""

    schemes = ("https", "runway")
    takes_numbers = False
    media_types = ("image/jpeg", "image/jpg", "image/png", "image/webp")
    most_bytes = MAX_IMAGE_BYTES
    told = "Expected an https URL of up to 2048 characters with a host name, not an IP address, or a data URI"


class Video(GivenUri):
    """A video; what comes as data is not looked into."""

    schemes, takes_numbers, told = Image.schemes, Image.takes_numbers, Image.told
    media_types = ("video/mp4", "video/quicktime", "video/webm", "video/x-matroska", "video/3gpp", "video/ogg")
    most_bytes = MAX_VIDEO_BYTES
    is_picture = False


class Moderation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """`contentModeration`."""

    public_figure_threshold: Literal["auto", "low"] = "auto"


class Frame(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture at one end of a video."""

    uri: Image
    position: Literal["first", "last"]


_Frames = Annotated[tuple[Frame, ...], msgspec.Meta(min_length=1)]


class PromptImage(tuple[Frame, ...]):
    """Pictures that a video begins and ends with; one text is the first."""

    @classmethod
    def read(cls, value: Json) -> Self:
        """Return the pictures. Raises WrongField."""
        return cls([Frame(Image.read(value), "first")] if isinstance(value, str) else read_shape(value, _Frames))


class Reference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A picture that is referred to by its tag."""

    uri: Image
    tag: Annotated[str, msgspec.Meta(pattern="^[a-zA-Z][a-zA-Z0-9_]{2,15}$")] = "abc"


class Keyframe(msgspec.Struct, frozen=True):
    """A picture that an edited video goes by."""

    uri: Image


class ImageActor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="image"):
    """Who acts, as a picture."""

    uri: Image


class VideoActor(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="video"):
    """Who acts, as a video."""

    uri: Video


class Acting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is acted after."""

    type: Literal["video"]
    uri: Video


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The fields of all endpoints. Which of them a model takes, and which values, is in its rules."""

    model: str
    prompt_text: PromptText = PromptText()
    negative_prompt: PromptText = PromptText()
    prompt_image: PromptImage = PromptImage()
    ratio: str = ""
    target_aspect_ratio: str = ""
    duration: int = 0
    seed: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEED)] = 0
    audio: bool = True
    body_control: bool = False
    expression_intensity: Annotated[int, msgspec.Meta(ge=1, le=5)] = 1
    content_moderation: Moderation = Moderation()
    reference_images: Annotated[list[Reference], msgspec.Meta(min_length=1, max_length=MAX_REFERENCES)] = []
    keyframes: Annotated[list[Keyframe], msgspec.Meta(max_length=MAX_KEYFRAMES)] = []
    video_uri: Video = Video()
    character: ImageActor | VideoActor | msgspec.UnsetType = msgspec.UNSET
    reference: Acting | msgspec.UnsetType = msgspec.UNSET


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


class Order(MediaOrder, frozen=True, kw_only=True):
    """A checked request."""

    credits: int

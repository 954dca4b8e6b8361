"""What the make-believe Kling refuses of work on a video or of a ready-made effect: extending, lip sync, effects."""

from urllib.parse import urlsplit

from modelgate.core.records import Json
from modelgate.sandbox.kling.fields import (
    MAGIC_MODELS,
    MAX_IMAGE_BYTES,
    MAX_NAME,
    MAX_PROMPT,
    GivenImage,
    KlingRefused,
    check_image,
    read_address,
    read_number,
    read_object,
    read_one_of,
    read_text,
)
from modelgate.sandbox.kling.order import KlingOrder, Videos, frame_size, read_tail
from modelgate.sandbox.vision import NotAPicture, decode_base64

EXTENDED_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
EXTENDED_BY_S = 5.0
MAX_EXTENDED_S = 180.0
DEFAULT_VIDEO_S = 5.0
LIP_LENGTHS_S = (2.0, 10.0)
MAX_SPOKEN = 120
MAX_AUDIO_BYTES = 5 * 1024 * 1024
PAIR = 2
PAIR_SCENES = ("hug", "kiss", "heart_gesture")
SINGLE_SCENES = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")
PAIR_MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
SINGLE_MODELS = ("kling-v1-6",)
_VIDEO_ENDINGS = (".mp4", ".mov")
_AUDIO_ENDINGS = (".mp3", ".wav", ".m4a", ".aac")
_MPEG_SYNC = 0xE0
_ADTS_SYNC = 0xF6


def check_extend_order(body: dict[str, Json], videos: Videos) -> KlingOrder:
    """Check a video-extend request. Raises KlingRefused: 1200, 1201, or 1203 for a video that is not there."""
    video_id = read_text(body, "video_id", most=MAX_NAME, required=True)
    prompt = read_text(body, "prompt", most=MAX_PROMPT)
    read_text(body, "negative_prompt", most=MAX_PROMPT)
    read_number(body, "cfg_scale", low=0, high=1)
    before = _found(videos, video_id)
    if before.model not in (*EXTENDED_MODELS, *MAGIC_MODELS):
        raise KlingRefused(1201, f"a video of {before.model} can not be extended")
    if before.seconds + EXTENDED_BY_S > MAX_EXTENDED_S:
        raise KlingRefused(1201, "the total duration can not exceed 3 minutes")
    return KlingOrder(
        kind="video-extend",
        model=before.model,
        prompt=prompt or before.prompt,
        reference=before.reference,
        mode=before.mode,
        seconds=before.seconds + EXTENDED_BY_S,
        width=before.width,
        height=before.height,
        sound=before.sound,
        parent=video_id,
        **read_tail(body),
    )


def check_lip_sync_order(body: dict[str, Json], videos: Videos) -> KlingOrder:
    """Check a lip-sync request. Raises KlingRefused, as above."""
    asked = read_object(body, "input", required=True) or {}
    video_id, address = read_text(asked, "video_id", most=MAX_NAME), read_address(asked, "video_url")
    if bool(video_id) == bool(address):
        raise KlingRefused(1201, "exactly one of input.video_id and input.video_url must be given")
    if address and not urlsplit(address).path.lower().endswith(_VIDEO_ENDINGS):
        raise KlingRefused(1201, "input.video_url must be an mp4 or mov file")
    before = _found(videos, video_id) if video_id else None
    if before is not None and not LIP_LENGTHS_S[0] <= before.seconds <= LIP_LENGTHS_S[1]:
        raise KlingRefused(1201, "the video must last 2 to 10 seconds")
    mode = read_one_of(asked, "mode", ("text2video", "audio2video"), default="")
    if not mode:
        raise KlingRefused(1201, "input.mode can not be empty")
    spoken = _check_speech(asked) if mode == "text2video" else _check_audio(asked)
    width, height = (before.width, before.height) if before else frame_size((16, 9), "std")
    return KlingOrder(
        kind="lip-sync",
        model=before.model if before else "",
        prompt=spoken or (before.prompt if before else "Lip sync"),
        reference=before.reference if before else None,
        seconds=before.seconds if before else DEFAULT_VIDEO_S,
        width=width,
        height=height,
        sound=True,
        parent=video_id,
        **read_tail(body),
    )


def check_effects_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check an effects request. Raises KlingRefused, as above."""
    scene = read_one_of(body, "effect_scene", (*PAIR_SCENES, *SINGLE_SCENES), default="")
    if not scene:
        raise KlingRefused(1201, "effect_scene can not be empty")
    asked = read_object(body, "input", required=True) or {}
    model, mode, lengths, shown = _read_pair(asked) if scene in PAIR_SCENES else _read_single(asked)
    length = read_one_of(asked, "duration", lengths, default="")
    if not length:
        raise KlingRefused(1201, "input.duration can not be empty")
    width, height = frame_size(shown.size or (16, 9), mode)
    return KlingOrder(
        kind="effects",
        model=model,
        prompt=scene,
        reference=shown.thumbnail,
        mode=mode,
        seconds=float(length),
        width=width,
        height=height,
        **read_tail(body),
    )


_Effect = tuple[str, str, tuple[str, ...], GivenImage]
"""Model, mode, the lengths there are, and the (first) picture."""


def _read_pair(asked: dict[str, Json]) -> _Effect:
    model = read_one_of(asked, "model_name", (*PAIR_MODELS, *MAGIC_MODELS), default=PAIR_MODELS[0])
    mode = read_one_of(asked, "mode", ("std", "pro"), default="std")
    images = asked.get("images")
    if not isinstance(images, list) or len(images) != PAIR or not all(isinstance(image, str) and image for image in images):
        raise KlingRefused(1201, "input.images must be two pictures")
    first, _ = (check_image(image, "input.images") for image in images)
    return model, mode, ("5", "10"), first


def _read_single(asked: dict[str, Json]) -> _Effect:
    model = read_one_of(asked, "model_name", (*SINGLE_MODELS, *MAGIC_MODELS), default="")
    if not model:
        raise KlingRefused(1201, "input.model_name can not be empty")
    image = read_text(asked, "image", most=2 * MAX_IMAGE_BYTES, required=True)
    return model, "std", ("5",), check_image(image, "input.image")


def _found(videos: Videos, video_id: str) -> KlingOrder:
    video = videos(video_id)
    if video is None:
        raise KlingRefused(1203, f"video {video_id} does not exist")
    return video


def _check_speech(asked: dict[str, Json]) -> str:
    text = read_text(asked, "text", most=MAX_SPOKEN, required=True)
    read_text(asked, "voice_id", most=MAX_NAME, required=True)
    read_one_of(asked, "voice_language", ("zh", "en"), default="en")
    read_number(asked, "voice_speed", low=0.8, high=2.0)
    return text


def _check_audio(asked: dict[str, Json]) -> str:
    """Check the sound of a lip sync; what is said in it is not known."""
    kind = read_one_of(asked, "audio_type", ("file", "url"), default="")
    if not kind:
        raise KlingRefused(1201, "input.audio_type can not be empty")
    if kind == "url":
        address = read_address(asked, "audio_url")
        if not urlsplit(address).path.lower().endswith(_AUDIO_ENDINGS):
            raise KlingRefused(1201, "input.audio_url must be an mp3, wav, m4a or aac file")
        return ""
    try:
        data = decode_base64(read_text(asked, "audio_file", most=2 * MAX_AUDIO_BYTES, required=True))
    except NotAPicture:
        raise KlingRefused(1201, "input.audio_file is not base64") from None
    if len(data) > MAX_AUDIO_BYTES:
        raise KlingRefused(1201, "input.audio_file must be at most 5MB")
    if not _is_sound(data):
        raise KlingRefused(1201, "input.audio_file format must be mp3, wav, m4a or aac")
    return ""


def _is_sound(data: bytes) -> bool:
    """Tell a sound by its first bytes: an ID3 tag, RIFF, MP4, or the sync word of MPEG audio and ADTS."""
    if data[:3] == b"ID3" or (data[:4] == b"RIFF" and data[8:12] == b"WAVE") or data[4:8] == b"ftyp":
        return True
    return len(data) > 1 and data[0] == 0xFF and (data[1] & _MPEG_SYNC == _MPEG_SYNC or data[1] & _ADTS_SYNC == 0xF0)

"""What the make-believe Kling refuses, beyond its schema, of work on a video or of a ready-made effect: extending, lip sync, effects."""

from urllib.parse import urlsplit

from modelgate.core.records import Json
from modelgate.sandbox.kling import schema
from modelgate.sandbox.kling.checks import Videos, can, check_given, frame_size, read_body, tail_of, wrong_value
from modelgate.sandbox.kling.schema import FIRST_MODELS, KlingOrder, KlingRefused, Picture
from modelgate.sandbox.vision import NotAPicture, decode_base64

_MPEG_SYNC = 0xE0
_ADTS_SYNC = 0xF6


def check_extend_order(body: dict[str, Json], videos: Videos) -> KlingOrder:
    """Check a video-extend request. Raises KlingRefused, 1203 for a video that is not there."""
    asked = read_body(body, schema.Extend)
    check_given(asked.video_id, "video_id")
    before = _found(videos, asked.video_id)
    if not can(before.model, FIRST_MODELS):
        raise wrong_value(f"a video of {before.model} can not be extended")
    if before.seconds + schema.EXTENDED_BY_S > schema.MAX_EXTENDED_S:
        raise wrong_value("the total duration can not exceed 3 minutes")
    return KlingOrder(
        kind="video-extend",
        model=before.model,
        prompt=asked.prompt or before.prompt,
        reference=before.reference,
        mode=before.mode,
        seconds=before.seconds + schema.EXTENDED_BY_S,
        width=before.width,
        height=before.height,
        sound=before.sound,
        parent=asked.video_id,
        **tail_of(asked),
    )


def check_lip_sync_order(body: dict[str, Json], videos: Videos) -> KlingOrder:
    """Check a lip-sync request. Raises KlingRefused, as above."""
    asked = read_body(body, schema.Object)
    lips = read_body(asked.input, schema.Lips, "input")
    if bool(lips.video_id) == bool(lips.video_url):
        raise wrong_value("exactly one of input.video_id and input.video_url must be given")
    if lips.video_url and not urlsplit(lips.video_url).path.lower().endswith(schema.VIDEO_ENDINGS):
        raise wrong_value("input.video_url must be an mp4 or mov file")
    before = _found(videos, lips.video_id) if lips.video_id else None
    if before is not None and not schema.LIP_LENGTHS_S[0] <= before.seconds <= schema.LIP_LENGTHS_S[1]:
        raise wrong_value("the video must last 2 to 10 seconds")
    check_given(lips.mode, "input.mode")
    spoken = _check_speech(asked.input) if lips.mode == "text2video" else _check_audio(asked.input)
    width, height = (before.width, before.height) if before else frame_size((16, 9), "std")
    return KlingOrder(
        kind="lip-sync",
        model=before.model if before else "",
        prompt=spoken or (before.prompt if before else "Lip sync"),
        reference=before.reference if before else None,
        seconds=before.seconds if before else schema.DEFAULT_VIDEO_S,
        width=width,
        height=height,
        sound=True,
        parent=lips.video_id,
        **tail_of(asked),
    )


def _found(videos: Videos, video_id: str) -> KlingOrder:
    video = videos(video_id)
    if video is None:
        raise KlingRefused(1203, f"video {video_id} does not exist")
    return video


def _check_speech(given: dict[str, Json]) -> str:
    speech = read_body(given, schema.Speech, "input")
    check_given(speech.text, "input.text")
    check_given(speech.voice_id, "input.voice_id")
    return speech.text


def _check_audio(given: dict[str, Json]) -> str:
    """Check the sound of a lip sync; what is said in it is not known."""
    audio = read_body(given, schema.Audio, "input")
    check_given(audio.audio_type, "input.audio_type")
    if audio.audio_type == "url":
        if not urlsplit(audio.audio_url).path.lower().endswith(schema.AUDIO_ENDINGS):
            raise wrong_value("input.audio_url must be an mp3, wav, m4a or aac file")
        return ""
    check_given(audio.audio_file, "input.audio_file")
    try:
        data = decode_base64(audio.audio_file)
    except NotAPicture:
        raise wrong_value("input.audio_file is not base64") from None
    if len(data) > schema.MAX_AUDIO_BYTES:
        raise wrong_value("input.audio_file must be at most 5MB")
    if not _is_sound(data):
        raise wrong_value("input.audio_file format must be mp3, wav, m4a or aac")
    return ""


def _is_sound(data: bytes) -> bool:
    """Tell a sound by its first bytes: an ID3 tag, RIFF, MP4, or the sync word of MPEG audio and ADTS."""
    if data[:3] == b"ID3" or (data[:4] == b"RIFF" and data[8:12] == b"WAVE") or data[4:8] == b"ftyp":
        return True
    return len(data) > 1 and data[0] == 0xFF and (data[1] & _MPEG_SYNC == _MPEG_SYNC or data[1] & _ADTS_SYNC == 0xF0)


def check_effects_order(body: dict[str, Json], _videos: Videos) -> KlingOrder:
    """Check an effects request. Raises KlingRefused, as above."""
    scene = "" if (given := body.get("effect_scene")) is None else given
    if not isinstance(scene, str):
        raise KlingRefused(1200, "effect_scene must be a string")
    if scene not in (*schema.PAIR_SCENES, *schema.SINGLE_SCENES):
        raise wrong_value(f"effect_scene value '{scene[:100]}' is invalid")
    asked = read_body(body, schema.Object)
    if scene in schema.PAIR_SCENES:
        pair = read_body(asked.input, schema.Pair, "input")
        model, mode, length, shown = pair.model_name or FIRST_MODELS[0], pair.mode or "std", pair.duration, _first_of(pair.images)
    else:
        single = read_body(asked.input, schema.Single, "input")
        check_given(single.model_name, "input.model_name")
        check_given(single.image, "input.image")
        model, mode, length, shown = single.model_name, "std", single.duration, single.image or Picture()
    check_given(length, "input.duration")
    width, height = frame_size(shown.size if any(shown.size) else (16, 9), mode)
    return KlingOrder(
        kind="effects",
        model=model,
        prompt=scene,
        reference=shown.thumbnail,
        mode=mode,
        seconds=float(length),
        width=width,
        height=height,
        **tail_of(asked),
    )


def _first_of(images: Json) -> Picture:
    """Return the first of the two pictures of a pair."""
    if not isinstance(images, list) or len(images) != 2 or not all(isinstance(image, str) and image for image in images):
        raise wrong_value("input.images must be two pictures")
    first, _ = read_body(images, tuple[Picture, ...], "input.images")
    return first

"""What a Kling client sends for videos, made neutral. What a model can do is its vendor's to say; here are the rules of the fields."""

import msgspec

from modelgate.core.records import Json, Task
from modelgate.formats.kling import schema, video_schema
from modelgate.formats.kling.request import ask_of, model_of, said
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import MediaInput, Parent, VideoRequest


def decode_text_video(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/text2video` asks for.

    Raises:
        InvalidRequest: names the field, its value (shortened) and the rule it breaks. So do all of these.
        UnsupportedMediaType: the body is a form.
    """
    fields = read.object_of(call.body, call.content_type)
    request = _video(fields, default=schema.DEFAULT_IMAGE_MODEL)
    if not request.prompt.strip() and "kling_multi_shot" not in request.options:
        raise read.missing("prompt", "say what the video shows")
    return ask_of(fields, request, "video")


def decode_image_video(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/image2video` asks for."""
    fields = read.object_of(call.body, call.content_type)
    request = _video(fields, default=schema.DEFAULT_IMAGE_MODEL)
    first, last = _picture(fields, "image", role="first_frame"), _picture(fields, "image_tail", role="last_frame")
    if not first and not last:
        raise read.missing("image", "give it, or image_tail, or both")
    masks, ways = _masks(fields)
    voices: Json = read.items(fields, "voice_list", low=0, high=video_schema.MAX_VOICES)
    options = said({**request.options, "kling_trajectories": ways, "kling_voice_list": voices})
    inputs = (*first, *last, *_picture(fields, "static_mask", role="static_mask"), *masks)
    return ask_of(fields, msgspec.structs.replace(request, inputs=inputs, options=options), "video")


def decode_several_images_video(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/multi-image2video` asks for."""
    fields = read.object_of(call.body, call.content_type)
    items = read.items(fields, "image_list", low=1, high=video_schema.MAX_IMAGES)
    if not items:
        raise read.missing("image_list", f"it holds 1 to {video_schema.MAX_IMAGES} pictures")
    pictures: list[MediaInput] = []
    for item in items:
        picture = read.inner({"image_list": item}, "image_list") or {}
        if read.is_absent(picture, "image"):
            raise read.broken("image_list", item, "each item must hold an image")
        pictures.append(read.file_of(picture["image"], "image_list", role="reference", max_bytes=schema.MAX_IMAGE_BYTES))
    request = _video(fields, default=video_schema.DEFAULT_SEVERAL_IMAGES_MODEL)
    if not request.prompt.strip():
        raise read.missing("prompt", "say what the video shows")
    return ask_of(fields, msgspec.structs.replace(request, inputs=tuple(pictures)), "video")


def decode_extend(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/video-extend` asks for; its model is known with the video."""
    fields = read.object_of(call.body, call.content_type)
    video_id = read.text(fields, "video_id", video_schema.MAX_NAME_CHARACTERS)
    if not video_id:
        raise read.missing("video_id", "it is the id of the video to go on with")
    request = VideoRequest(
        model=schema.DEFAULT_IMAGE_MODEL,
        prompt=read.text(fields, "prompt", video_schema.MAX_PROMPT_CHARACTERS),
        negative_prompt=read.text(fields, "negative_prompt", video_schema.MAX_PROMPT_CHARACTERS),
        parent=Parent(output=video_id),
        options=said({"kling_cfg_scale": read.number(fields, "cfg_scale", low=0, high=1)}),
    )
    return ask_of(fields, request, "video.extend")


def extend_parent(ask: Ask, task: Task) -> Ask:
    """Return the ask with the earlier video's model: the dialect names none."""
    return msgspec.structs.replace(ask, request=msgspec.structs.replace(ask.request, model=task.model))


def decode_lip_sync(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/lip-sync` asks for."""
    fields = read.object_of(call.body, call.content_type)
    asked = read.inner(fields, "input")
    if asked is None:
        raise read.missing("input", "it says which video, and what is spoken in it")
    video_id = read.text(asked, "video_id", video_schema.MAX_NAME_CHARACTERS)
    address = read.text(asked, "video_url", schema.MAX_URL_CHARACTERS)
    if bool(video_id) == bool(address):
        raise read.missing("video_id", "give exactly one of video_id and video_url")
    video = (_address(asked, "video_url", role="video"),) if address else ()
    mode = read.choice(asked, "mode", video_schema.LIP_SYNC_MODES)
    if not mode:
        raise read.missing("mode", f"it is one of {read.listed(video_schema.LIP_SYNC_MODES)}")
    text, sound, options = ("", (_sound(asked),), {}) if mode == "audio2video" else _speech(asked)
    request = VideoRequest(
        model=model_of(fields, default=video_schema.LIP_SYNC_MODEL),
        prompt=text,
        inputs=(*video, *sound),
        parent=Parent(output=video_id) if video_id else None,
        options=options,
    )
    return ask_of(fields, request, "video.lip_sync")


def decode_effects(call: MediaCall) -> Ask:
    """Return what `POST /kling/v1/videos/effects` asks for."""
    fields = read.object_of(call.body, call.content_type)
    scene = read.choice(fields, "effect_scene", (*video_schema.PAIR_SCENES, *video_schema.SINGLE_SCENES))
    if not scene:
        raise read.missing("effect_scene", "it names the effect")
    asked = read.inner(fields, "input")
    if asked is None:
        raise read.missing("input", "it holds the pictures and the length")
    is_pair = scene in video_schema.PAIR_SCENES
    if is_pair:
        default = schema.DEFAULT_IMAGE_MODEL
        pictures = read.items(asked, "images", low=2, high=2)
        if not pictures:
            raise read.missing("images", f"{scene} needs two pictures")
        inputs = tuple(read.file_of(picture, "images", max_bytes=schema.MAX_IMAGE_BYTES) for picture in pictures)
    else:
        default = video_schema.DEFAULT_SEVERAL_IMAGES_MODEL
        inputs = _picture(asked, "image", role="image")
        if not inputs:
            raise read.missing("image", f"{scene} needs a picture")
    request = VideoRequest(
        model=model_of(asked, default=default),
        seconds=_seconds(asked),
        quality=read.choice(asked, "mode", video_schema.MODES) if is_pair else "",
        inputs=inputs,
        options={"kling_effect_scene": scene},
    )
    return ask_of(fields, request, "video.effects")


def _video(fields: read.Body, *, default: str) -> VideoRequest:
    """Return what every kind of new video may say."""
    mark = read.inner(fields, "watermark_info")
    with read.within("watermark_info"):
        is_marked = mark is not None and read.flag(mark, "enabled")
    options: dict[str, Json] = {
        "kling_cfg_scale": read.number(fields, "cfg_scale", low=0, high=1),
        "kling_camera_control": _camera(fields),
        "kling_watermark": is_marked,
    }
    if read.flag(fields, "multi_shot"):
        options["kling_multi_shot"] = True
        options["kling_shot_type"] = read.text(fields, "shot_type", video_schema.MAX_NAME_CHARACTERS)
        options["kling_multi_prompt"] = read.items(fields, "multi_prompt", low=1, high=video_schema.MAX_SHOTS)
    return VideoRequest(
        model=model_of(fields, default=default),
        prompt=read.text(fields, "prompt", video_schema.MAX_PROMPT_CHARACTERS),
        negative_prompt=read.text(fields, "negative_prompt", video_schema.MAX_PROMPT_CHARACTERS),
        seconds=_seconds(fields),
        aspect_ratio=read.choice(fields, "aspect_ratio", video_schema.ASPECT_RATIOS),
        quality=read.choice(fields, "mode", video_schema.MODES),
        sound=read.choice(fields, "sound", ("on", "off")) == "on",
        options=said(options),
    )


def _seconds(fields: read.Body) -> int:
    return read.whole_number(fields, "duration", low=1, high=video_schema.MAX_SECONDS, default=0)


def _camera(fields: read.Body) -> Json:
    """Return the camera's control; clients send an empty `config` where there must be none."""
    control = read.inner(fields, "camera_control")
    return {name: value for name, value in control.items() if value not in (None, "", {})} if control is not None else None


def _picture(fields: read.Body, name: str, *, role: str) -> tuple[MediaInput, ...]:
    return read.file(fields, name, role=role, max_bytes=schema.MAX_IMAGE_BYTES)


def _masks(fields: read.Body) -> tuple[tuple[MediaInput, ...], Json]:
    """Return the masks of the motion brush, and beside them their paths."""
    masks: list[MediaInput] = []
    ways: list[Json] = []
    for item in read.items(fields, "dynamic_masks", low=0, high=video_schema.MAX_MASKS):
        brush = read.inner({"dynamic_masks": item}, "dynamic_masks") or {}
        if read.is_absent(brush, "mask"):
            raise read.broken("dynamic_masks", item, "each item must hold a mask")
        masks.append(read.file_of(brush["mask"], "dynamic_masks", role="dynamic_mask", max_bytes=schema.MAX_IMAGE_BYTES))
        ways.append(brush.get("trajectories"))
    return tuple(masks), ways


def _speech(asked: read.Body) -> tuple[str, tuple[MediaInput, ...], dict[str, Json]]:
    text = read.text(asked, "text", video_schema.MAX_SPOKEN_CHARACTERS)
    if not text.strip():
        raise read.missing("text", "it is what the face says")
    voice = read.text(asked, "voice_id", video_schema.MAX_NAME_CHARACTERS)
    if not voice:
        raise read.missing("voice_id", "it says who speaks")
    language = read.choice(asked, "voice_language", video_schema.VOICE_LANGUAGES)
    speed = read.number(asked, "voice_speed", low=video_schema.VOICE_SPEEDS[0], high=video_schema.VOICE_SPEEDS[1])
    return text, (), said({"kling_voice_id": voice, "kling_voice_language": language, "kling_voice_speed": speed})


def _sound(asked: read.Body) -> MediaInput:
    kind = read.choice(asked, "audio_type", ("file", "url"))
    if not kind:
        raise read.missing("audio_type", "it is file or url")
    if kind == "url":
        return _address(asked, "audio_url", role="audio")
    if read.is_absent(asked, "audio_file"):
        raise read.missing("audio_file", "it is the sound in base64")
    return read.file_of(asked["audio_file"], "audio_file", role="audio", max_bytes=video_schema.MAX_AUDIO_BYTES)


def _address(fields: read.Body, name: str, *, role: str) -> MediaInput:
    value = read.text(fields, name, schema.MAX_URL_CHARACTERS)
    if not value:
        raise read.missing(name, "it is the address of the file")
    if not value.lower().startswith(("http://", "https://")):
        raise read.broken(name, value, "it must be an http(s) address")
    return MediaInput(url=value, role=role)

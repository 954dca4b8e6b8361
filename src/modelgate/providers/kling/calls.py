"""The calls that Kling's work is ordered and followed by: a path for each kind of work, pictures as bare base64."""

from typing import Any
from urllib.parse import quote

from modelgate.core.providers import UpstreamCall
from modelgate.core.records import Json
from modelgate.formats.media.requests import ImageRequest, MediaInput, VideoRequest, inputs_in
from modelgate.formats.media.vendor_calls import EMPTY, base64_of, first_in, post_json, said

IMAGES_PATH = "/v1/images/generations"
TRY_ON_PATH = "/v1/images/kolors-virtual-try-on"
TEXT_PATH = "/v1/videos/text2video"
IMAGE_PATH = "/v1/videos/image2video"
SEVERAL_PATH = "/v1/videos/multi-image2video"
EXTEND_PATH = "/v1/videos/video-extend"
LIP_SYNC_PATH = "/v1/videos/lip-sync"
EFFECTS_PATH = "/v1/videos/effects"
PAIR_SCENES = ("hug", "kiss", "heart_gesture")
SINGLE_SCENES = ("squish", "expansion", "fuzzyfuzzy", "bloombloom", "dizzydizzy")


def encode_image(request: ImageRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call that starts a picture. Our task id goes along as `external_task_id`, to find the job by.

    Raises:
        ValueError: an input is still a blob's key. So do all of these.
    """
    options = request.options
    reference = options.get("kling_image_reference", "") if request.inputs else ""
    fields: dict[str, Any] = {
        "model_name": model,  # always: the vendor ignores `model` and falls back to its oldest
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "image": _first(request, "image"),
        "image_reference": reference,
        "image_fidelity": options.get("kling_image_fidelity") if request.inputs else None,
        "human_fidelity": options.get("kling_human_fidelity") if reference == "subject" else None,
        "resolution": options.get("kling_resolution"),
        "n": request.n,
        "aspect_ratio": request.aspect_ratio,
    }
    return _submit(IMAGES_PATH, fields, task_id=task_id, callback_url=callback_url)


def encode_try_on(request: ImageRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call that puts a garment on a person."""
    fields = {"model_name": model, "human_image": _first(request, "human"), "cloth_image": _first(request, "cloth")}
    return _submit(TRY_ON_PATH, fields, task_id=task_id, callback_url=callback_url)


def encode_video(request: VideoRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call that starts a video from words, from a first or last frame, or from several pictures."""
    path, options = video_path(request), request.options
    fields: dict[str, Any] = {
        "model_name": model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "mode": request.quality,
        "duration": str(request.seconds or ""),
        "aspect_ratio": request.aspect_ratio if path != IMAGE_PATH else "",  # there the picture decides
        "image_list": [{"image": _inline(item)} for item in inputs_in(request, "reference")],
        "image": _first(request, "first_frame"),
        "image_tail": _first(request, "last_frame"),
        "static_mask": _first(request, "static_mask"),
        "dynamic_masks": _masks(request),
        "sound": "on" if request.sound else "",
        "watermark_info": {"enabled": True} if options.get("kling_watermark") else None,
        **{name: options.get(f"kling_{name}") for name in VIDEO_OPTIONS},
        "multi_prompt": _shots(request),
    }
    return _submit(path, fields, task_id=task_id, callback_url=callback_url)


VIDEO_OPTIONS = ("cfg_scale", "camera_control", "multi_shot", "shot_type", "multi_prompt", "voice_list")
"""What goes to the vendor as the caller said it."""


def video_path(request: VideoRequest) -> str:
    """Return the path of a kind of video, for ordering and for following it."""
    roles = {item.role for item in request.inputs}
    if "reference" in roles:
        return SEVERAL_PATH
    return IMAGE_PATH if roles else TEXT_PATH


def encode_extend(request: VideoRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call that goes on with a video; its model is the earlier one's."""
    del model
    fields: dict[str, Any] = {
        "video_id": _parent(request),
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "cfg_scale": request.options.get("kling_cfg_scale"),
    }
    return _submit(EXTEND_PATH, fields, task_id=task_id, callback_url=callback_url)


def encode_lip_sync(request: VideoRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call that makes a face speak; videos and sounds go by address."""
    del model
    options, sound, video = request.options, first_in(request, "audio"), first_in(request, "video")
    asked: dict[str, Any] = {"video_url": video.url} if video is not None else {"video_id": _parent(request)}
    if sound is not None:
        asked |= {"mode": "audio2video", "audio_type": "url", "audio_url": sound.url}
    else:
        asked |= {
            "mode": "text2video",
            "text": request.prompt,
            "voice_id": options.get("kling_voice_id", ""),
            "voice_language": options.get("kling_voice_language", "en"),
            "voice_speed": options.get("kling_voice_speed", 1),
        }
    return _submit(LIP_SYNC_PATH, {"input": asked}, task_id=task_id, callback_url=callback_url)


def encode_effects(request: VideoRequest, task_id: str, model: str, *, callback_url: str) -> UpstreamCall:
    """Return the call for a ready-made effect with one person or two."""
    scene = request.options.get("kling_effect_scene", "")
    images = [_inline(item) for item in inputs_in(request, "image")]
    asked: dict[str, Any] = {"model_name": model, "duration": str(request.seconds)}
    asked |= {"mode": request.quality, "images": images} if scene in PAIR_SCENES else {"image": images[0] if images else ""}
    fields = {"effect_scene": scene, "input": said(asked, unsaid=EMPTY)}
    return _submit(EFFECTS_PATH, fields, task_id=task_id, callback_url=callback_url)


def encode_video_poll(vendor_task: str, *, request: VideoRequest) -> UpstreamCall:
    """Return the call that asks how a video stands; it takes the vendor's id, and our own `external_task_id` as well."""
    return poll_at(video_path(request), vendor_task)


def poll_at(path: str, vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job of one path stands, by either id."""
    return UpstreamCall(method="GET", path=f"{path}/{quote(vendor_task, safe='')}")


def _submit(path: str, fields: dict[str, Any], *, task_id: str, callback_url: str) -> UpstreamCall:
    return post_json(path, {**fields, "external_task_id": task_id, "callback_url": callback_url}, unsaid=EMPTY)


def _parent(request: VideoRequest) -> str:
    return request.parent.output if request.parent is not None else ""


def _masks(request: VideoRequest) -> list[Json]:
    """Join each mask with its path; how many there are of both was checked."""
    ways: Any = request.options.get("kling_trajectories", [])
    masks = inputs_in(request, "dynamic_mask")
    return [{"mask": _inline(mask), "trajectories": way} for mask, way in zip(masks, ways, strict=True)]


def _shots(request: VideoRequest) -> list[Json]:
    """Return the shots with their lengths as text, which the vendor insists on."""
    shots: Any = request.options.get("kling_multi_prompt", [])
    return [{**shot, "duration": str(shot["duration"])} for shot in shots]


def _first(request: ImageRequest | VideoRequest, role: str) -> str:
    item = first_in(request, role)
    return _inline(item) if item is not None else ""


def _inline(item: MediaInput) -> str:
    """Return an address, or bare base64: the vendor refuses a `data:` prefix."""
    return item.url or base64_of(item)

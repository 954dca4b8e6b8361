"""What a Midjourney client sends to begin something, checked rule by rule and made neutral.

Every decoder raises InvalidRequest, which names the field, its value and the rule it breaks.
"""

import msgspec

from modelgate.core.records import Json
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import Parent, VideoRequest
from modelgate.formats.midjourney import schema
from modelgate.formats.midjourney.buttons import MODELS
from modelgate.formats.midjourney.said import TaskFacts, need_file, need_prompt, parent_of, pictures_of, read_said


def decode_imagine(call: MediaCall) -> Ask:
    """Return what `/mj/submit/imagine` asks for."""
    said = read_said(call)
    need_prompt(said)
    inputs = pictures_of(said, low=0, why="")
    return said.image("IMAGINE", "image", f"/imagine {said.prompt}", inputs=inputs)


def decode_blend(call: MediaCall) -> Ask:
    """Return what `/mj/submit/blend` asks for."""
    said = read_said(call)
    dimensions = read.choice(said.fields, "dimensions", schema.DIMENSIONS)
    inputs = pictures_of(said, low=schema.MIN_BLENDED, why="the pictures to merge")
    ratio = schema.DIMENSIONS.get(dimensions, "")
    return said.image("BLEND", "image.blend", f"/blend {len(inputs)}", inputs=inputs, aspect_ratio=ratio)


def decode_describe(call: MediaCall) -> Ask:
    """Return what `/mj/submit/describe` asks for."""
    said = read_said(call)
    inputs = need_file(said, ("base64", "link"), "the picture to describe")
    options = {**said.options, "midjourney_language": read.text(said.fields, "language", schema.MAX_LANGUAGE_CHARACTERS)}
    return said.image("DESCRIBE", "image.describe", "/describe", inputs=inputs, options=options)


def decode_shorten(call: MediaCall) -> Ask:
    """Return what `/mj/submit/shorten` asks for."""
    said = read_said(call)
    need_prompt(said)
    return said.image("SHORTEN", "image.shorten", f"/shorten {said.prompt}")


def decode_edits(call: MediaCall) -> Ask:
    """Return what `/mj/submit/edits` asks for."""
    said = read_said(call)
    need_prompt(said)
    inputs = (*need_file(said, ("image",), "the picture to edit"), *said.inputs("maskBase64", role="mask"))
    return said.image("EDITS", "image.edit", f"/edits {said.prompt}", inputs=inputs)


def decode_upload(call: MediaCall) -> Ask:
    """Return what `/mj/submit/upload-discord-images` asks for."""
    said = read_said(call)
    return said.image("UPLOAD", "image.upload", "upload", inputs=pictures_of(said, low=1, why="the pictures to keep"))


def decode_swap(call: MediaCall) -> Ask:
    """Return what `/mj/insight-face/swap` asks for."""
    said = read_said(call)
    source = need_file(said, ("sourceBase64", "sourceUrl"), "the picture with the face", role="reference")
    target = need_file(said, ("targetBase64", "targetUrl"), "the picture that gets the face")
    return said.image("SWAP_FACE", "image.swap_face", "/swap", model="swap_face", inputs=(*source, *target))


def decode_video(call: MediaCall) -> Ask:
    """Return what `/mj/submit/video` asks for: a picture that moves, or a video that goes on."""
    said = read_said(call)
    fields = said.fields
    batch = read.whole_number(fields, "batchSize", low=1, high=4, default=4)
    if batch not in schema.BATCH_SIZES:
        raise read.broken("batchSize", batch, f"it must be one of {read.listed(schema.BATCH_SIZES)}")
    options: dict[str, Json] = {
        **said.options,
        "midjourney_motion": read.choice(fields, "motion", schema.MOTIONS),
        "midjourney_loop": read.flag(fields, "loop"),
        "midjourney_batch_size": batch,
    }
    resolution = schema.VIDEO_TYPES.get(read.choice(fields, "videoType", schema.VIDEO_TYPES), "")
    extends = read.choice(fields, "action", ("extend",))
    read.text(fields, "taskId", schema.MAX_ID_CHARACTERS)
    index = read.whole_number(fields, "index", low=0, high=3, default=0)
    request = VideoRequest(model=MODELS["VIDEO"], prompt=said.prompt, quality=said.quality, resolution=resolution, options=options)
    if extends:
        request = msgspec.structs.replace(request, parent=Parent(task=parent_of(said).task, index=index + 1))
        return said.ask(request, "video.extend", TaskFacts(action="VIDEO_EXTEND", description="/video extend"))
    first = need_file(said, ("image",), "the first frame", role="first_frame")
    request = msgspec.structs.replace(request, inputs=(*first, *said.inputs("endImage", role="last_frame")))
    return said.ask(request, "video", TaskFacts(action="VIDEO", description=f"/video {said.prompt}".rstrip()))


def decode_ids(call: MediaCall) -> tuple[str, ...]:
    """Return the tasks that `/mj/task/list-by-condition` asks for."""
    fields = read.object_of(call.body, call.content_type)
    ids = read.items(fields, "ids", low=0, high=schema.MAX_LISTED)
    return tuple(read.text({"ids": one}, "ids", schema.MAX_ID_CHARACTERS) for one in ids)

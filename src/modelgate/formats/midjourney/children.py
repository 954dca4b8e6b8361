"""What a Midjourney client does with an earlier task: change it, press a button, fill in a dialog. All raise InvalidRequest."""

import re

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json, Task
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, Parent, VideoRequest, decode_request
from modelgate.formats.midjourney import schema
from modelgate.formats.midjourney.buttons import MODELS, Pressed, read_custom_id
from modelgate.formats.midjourney.said import Said, TaskFacts, details_of, facts_of, parent_of, read_said

CHANGEABLE = frozenset(("IMAGINE", "VARIATION", "REROLL", "BLEND"))
"""Actions whose pictures `change` takes."""
_SIMPLE = re.compile(r"(\S{1,200}) (?:([UV])([1-4])|R)", re.IGNORECASE)


def decode_change(call: MediaCall) -> Ask:
    """Return what `/mj/submit/change` asks for."""
    said = read_said(call)
    parent = parent_of(said)
    action = read.choice(said.fields, "action", schema.CHANGES)
    if not action:
        raise read.missing("action", f"one of {read.listed(schema.CHANGES)}")
    given = said.fields.get("index")
    is_unsaid = type(given) is int and given == 0  # as clients whose numbers are never absent leave it out
    index = 0 if is_unsaid else read.whole_number(said.fields, "index", low=1, high=4, default=0)
    if action != "REROLL" and not index:
        raise read.missing("index", "which of the four pictures, 1 to 4")
    return _changed(said, parent.task, Pressed(action, 0 if action == "REROLL" else index))


def decode_simple_change(call: MediaCall) -> Ask:
    """Return what `/mj/submit/simple-change` asks for."""
    said = read_said(call)
    content = read.text(said.fields, "content", schema.MAX_ID_CHARACTERS + 4).strip()
    if not content:
        raise read.missing("content", "a task and what to do with it, like TASK U2")
    match = _SIMPLE.fullmatch(content)
    if match is None:
        raise read.broken("content", content, "it must be a task, one blank, and U1 to U4, V1 to V4 or R")
    action = {"U": "UPSCALE", "V": "VARIATION"}.get((match[2] or "").upper(), "REROLL")
    return _changed(said, match[1], Pressed(action, int(match[3] or 0)))


def _changed(said: Said, task: str, change: Pressed) -> Ask:
    short = {"UPSCALE": f"U{change.index}", "VARIATION": f"V{change.index}"}.get(change.action, "R")
    options = {**said.options, "midjourney_action": change.action}
    parent = Parent(task=task, index=change.index)
    return said.image(change.action, "image.change", f"/up {task} {short}", options=options, parent=parent)


def decode_action(call: MediaCall) -> Ask:
    """Return what `/mj/submit/action` asks for: a press of any button."""
    said = read_said(call)
    parent = parent_of(said)
    custom_id = read.text(said.fields, "customId", schema.MAX_CUSTOM_ID_CHARACTERS)
    if not custom_id:
        raise read.missing("customId", "name the button to press")
    read.flag(said.fields, "chooseSameChannel")
    pressed = read_custom_id(custom_id)
    if pressed is None:
        message = f"unknown_action:{custom_id}: customId must be a button that starts a job."
        raise InvalidRequest(message, param="customId", code="invalid_value")
    remix = read.flag(said.fields, "enableRemix")
    options: dict[str, Json] = {**said.options, "midjourney_custom_id": custom_id, "midjourney_remix": remix}
    facts = TaskFacts(action=pressed.action, description=f"/action {custom_id}", custom_id=custom_id)
    model = MODELS[pressed.action]
    if pressed.action == "VIDEO":
        video = VideoRequest(model=model, prompt=said.prompt, quality=said.quality, options=options, parent=parent)
        return said.ask(video, "video.action", facts)
    image = ImageRequest(model=model, prompt=said.prompt, quality=said.quality, options=options, parent=parent)
    return said.ask(image, "image.action", facts)


def decode_modal(call: MediaCall) -> Ask:
    """Return what `/mj/submit/modal` asks for: the second half of an action that opened a dialog."""
    said = read_said(call)
    parent = parent_of(said)
    mask = said.inputs("maskBase64", role="mask")
    return said.image("MODAL", "image.modal", "modal", parent=parent, inputs=mask)


def with_changed(ask: Ask, parent: Task) -> Ask:
    """Check that a task's picture can be changed, and go on with its prompt. Raises InvalidRequest."""
    action = facts_of(parent).action or ("IMAGINE" if parent.operation == "image" else "")
    if action not in CHANGEABLE:
        raise InvalidRequest(
            f"taskId names a task of {action or parent.operation}, but only those of a grid can be changed.", param="taskId"
        )
    return _with_prompt(ask, parent)


def with_pressed(ask: Ask, parent: Task) -> Ask:
    """Check that a task has the button that is pressed, and go on with its prompt. Raises InvalidRequest."""
    buttons = details_of(parent).buttons
    custom_id = ask.request.options["midjourney_custom_id"]
    if buttons and custom_id not in [button.custom_id for button in buttons]:
        raise read.broken("customId", custom_id, "the task has no such button")
    # What comes of shortening is drawn from the words that the button stands for: the vendor tells them.
    return ask if parent.operation == "image.shorten" else _with_prompt(ask, parent)


def with_dialog(ask: Ask, parent: Task) -> Ask:
    """Go on with the action whose dialog is filled in, and with its prompt unless there is another."""
    facts = msgspec.structs.replace(facts_of(parent), description="/modal")
    ask = msgspec.structs.replace(ask, facts=msgspec.json.encode(facts)) if facts.action else ask
    if facts.action == "INPAINT" and not ask.request.inputs:
        raise read.missing("maskBase64", "which region of the picture to draw anew")
    if facts.action == "CUSTOM_ZOOM" and "--zoom" not in ask.request.prompt:
        raise read.broken("prompt", ask.request.prompt, "the dialog of a custom zoom wants --zoom in it, such as --zoom 1.8")
    return _with_prompt(ask, parent)


def with_video(ask: Ask, parent: Task) -> Ask:
    """Check that a task has the video that is to go on. Raises InvalidRequest."""
    count = sum(1 for output in parent.outputs if output.kind == "video")
    named = ask.request.parent
    assert named is not None
    if named.index > count:
        raise read.broken("index", named.index - 1, f"the task has {count} videos, counted from 0")
    return _with_prompt(ask, parent)


def _with_prompt(ask: Ask, parent: Task) -> Ask:
    prompt = ask.request.prompt or decode_request(parent.operation, parent.request).prompt
    return msgspec.structs.replace(ask, request=msgspec.structs.replace(ask.request, prompt=prompt))

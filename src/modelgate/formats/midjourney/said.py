"""What all submits of the Midjourney dialect may say, checked rule by rule."""

import re
from collections.abc import Iterable

import msgspec

from modelgate.core.records import Json, Task
from modelgate.formats.media import fields as read
from modelgate.formats.media.family import Ask, MediaCall
from modelgate.formats.media.requests import ImageRequest, MediaInput, Parent, VideoRequest
from modelgate.formats.midjourney import schema
from modelgate.formats.midjourney.buttons import MODELS

_SPEED = re.compile(r"\s*--(fast|relax|turbo)\b(?!\S)", re.IGNORECASE)
_FLAGS = ("remix", "nijiRemix", "remixAutoConsidered")
_NAMES = ("channelId", "instanceId", "remark")


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the dialect keeps beside the neutral request (`Task.facts`)."""

    action: str = ""
    description: str = ""
    custom_id: str = ""


class TaskDetails(msgspec.Struct, frozen=True, kw_only=True):
    """What an upstream of this kind says about a task (`Task.details`)."""

    buttons: list[schema.Button] = []
    final_prompt: str = ""
    seed: str | int = ""


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What every submit may say."""

    fields: read.Body
    options: dict[str, Json]
    quality: str
    prompt: str
    callback_url: str

    def inputs(self, name: str, *, role: str = "image") -> tuple[MediaInput, ...]:
        return read.file(self.fields, name, role=role, max_bytes=schema.MAX_IMAGE_BYTES)

    def image(self, action: str, operation: str, description: str, **wanted: object) -> Ask:
        """Return the ask for a picture, or for words about one."""
        model = MODELS.get(action) or f"mj_{action.lower()}"
        request = ImageRequest(model=model, prompt=self.prompt, quality=self.quality, options=self.options)
        return self.ask(msgspec.structs.replace(request, **wanted), operation, TaskFacts(action=action, description=description))

    def ask(self, request: ImageRequest | VideoRequest, operation: str, facts: TaskFacts) -> Ask:
        options = {name: value for name, value in request.options.items() if value is not None and value != "" and value is not False}
        request = msgspec.structs.replace(request, options=options)
        return Ask(request=request, operation=operation, facts=msgspec.json.encode(facts), callback_url=self.callback_url)


def read_said(call: MediaCall) -> Said:
    """Return what a body says in common with all others. The speed is the path's, else the filter's, else the body's, else the prompt's."""
    fields = read.object_of(call.body, call.content_type)
    prompt = read.text(fields, "prompt", schema.MAX_PROMPT_CHARACTERS).strip()
    flag = _SPEED.search(prompt)
    path = call.alias.removeprefix("/mj-").partition("/")[0] if call.alias else ""
    filtered = _modes(fields)
    mode = read.choice(fields, "mode", schema.MODES) or (flag[1] if flag else "")
    hook = read.text(fields, "notifyHook", schema.MAX_HOOK_CHARACTERS)
    if hook and not hook.lower().startswith(("http://", "https://")):
        raise read.broken("notifyHook", hook, "it must be an http(s) address")
    options: dict[str, Json] = {
        "midjourney_bot_type": read.choice(fields, "botType", schema.BOT_TYPES),
        "midjourney_state": read.text(fields, "state", schema.MAX_STATE_CHARACTERS),
    }
    quality = (path or (filtered[0] if len(filtered) == 1 else "") or mode).lower()
    return Said(fields=fields, options=options, quality=quality, prompt=_SPEED.sub("", prompt).strip(), callback_url=hook)


def _modes(fields: read.Body) -> list[str]:
    """Return the modes of an account filter, whose other fields are checked and steer nothing."""
    given = read.inner(fields, "accountFilter")
    if given is None:
        return []
    named = {f"accountFilter.{name}": value for name, value in given.items()}
    modes = read.items(named, "accountFilter.modes", low=0, high=len(schema.MODES))
    for name in _NAMES:
        read.text(named, f"accountFilter.{name}", schema.MAX_REMARK_CHARACTERS)
    for name in _FLAGS:
        read.flag(named, f"accountFilter.{name}")
    return [read.choice({"accountFilter.modes": mode}, "accountFilter.modes", schema.MODES) for mode in modes]


def pictures_of(said: Said, *, low: int, why: str) -> tuple[MediaInput, ...]:
    given = read.items(said.fields, "base64Array", low=low, high=schema.MAX_IMAGES)
    if low and not given:
        raise read.missing("base64Array", why)
    return tuple(read.file_of(one, f"base64Array[{number}]", max_bytes=schema.MAX_IMAGE_BYTES) for number, one in enumerate(given))


def need_file(said: Said, names: Iterable[str], why: str, *, role: str = "image") -> tuple[MediaInput, ...]:
    """Return the file of the first of these fields that is there; the others are checked all the same."""
    given = {name: said.inputs(name, role=role) for name in names}
    for found in given.values():
        if found:
            return found
    raise read.missing(next(iter(given)), why)


def need_prompt(said: Said) -> None:
    if not said.prompt:
        raise read.missing("prompt", "say what the picture shows")


def parent_of(said: Said) -> Parent:
    task = read.text(said.fields, "taskId", schema.MAX_ID_CHARACTERS)
    if not task:
        raise read.missing("taskId", "name the task to build on")
    return Parent(task=task)


def facts_of(task: Task) -> TaskFacts:
    """Return what this dialect keeps of a task; nothing of one that came in by another."""
    return msgspec.json.decode(task.facts, type=TaskFacts) if task.family == "midjourney" else TaskFacts()


def details_of(task: Task) -> TaskDetails:
    """Return what the upstream said about a task; nothing where it is one of another kind."""
    try:
        return msgspec.json.decode(task.details, type=TaskDetails)
    except msgspec.ValidationError:
        return TaskDetails()

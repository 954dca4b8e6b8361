"""What the Suno-API relay, and Suno behind it, refuse: the secret, and the fields of songs and lyrics with their limits.

The relay itself checks little; the lengths are those that Suno's page has for each version of its model (aggregators write them
down too, read 2026-11).
"""

from typing import Final

import msgspec

from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.front import VendorRefused
from modelgate.sandbox.magic import MODEL_PREFIX

KEY = "suno-sandbox"
DEFAULT_MV = "chirp-v3-0"
VERSIONS: Final = {
    "chirp-v3-0": "v3",
    "chirp-v3-5": "v3.5",
    "chirp-v3-5-upload": "v3.5",
    "chirp-v4": "v4",
    "chirp-auk": "v4.5",
    "chirp-auk-turbo": "v4.5-all",
    "chirp-bluejay": "v4.5+",
    "chirp-crow": "v5",
    "chirp-v5": "v5",
}
"""What each `mv` is called in a clip."""

TASKS = ("extend", "upload_extend")
MAX_DESCRIPTION = 500
MAX_LYRICS_PROMPT = 2_000
MAX_URL = 2_048
MAX_CONTINUE_AT_S = 3_600.0
_OLDER = ("v3", "v3.5", "v4")
_OLDER_LIMITS: Final = {"prompt": 3_000, "tags": 200, "negative_tags": 200, "title": 80}
_LIMITS: Final = {"prompt": 5_000, "tags": 1_000, "negative_tags": 1_000, "title": 100}

_MAGIC_MODELS = frozenset(MODEL_PREFIX + word for word in MAGIC_WORDS)


class SunoRefused(VendorRefused):
    """The make-believe relay refuses."""

    def __init__(self, code: str, message: str, *, status: int) -> None:
        super().__init__(status, {"code": code, "message": message, "data": None}, message)
        self.code = code


class SunoOrder(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request: `description` for inspiration, `prompt` is the words that are sung, or what lyrics should be about.

    `task_id`, `clip_id` and `continue_at` name what a continuation goes on from.
    """

    action: str
    mv: str = ""
    description: str = ""
    prompt: str = ""
    title: str = ""
    tags: str = ""
    negative_tags: str = ""
    instrumental: bool = False
    task_id: str = ""
    clip_id: str = ""
    continue_at: float | None = None

    @property
    def version(self) -> str:
        """What the model's version is called in a clip."""
        return VERSIONS.get(self.mv, VERSIONS[DEFAULT_MV])


def invalid(message: str) -> SunoRefused:
    """Return a refusal of what was asked."""
    return SunoRefused("invalid_request", message, status=400)


def check_secret(authorization: str | None) -> None:
    """Check `Authorization: Bearer <secret>`. Raises SunoRefused."""
    if authorization != f"Bearer {KEY}":
        raise SunoRefused("unauthorized", "invalid secret token", status=401)


def check_lyrics(body: Json) -> SunoOrder:
    """Check a request for lyrics. Raises SunoRefused."""
    fields = _object(body)
    prompt = _text(fields, "prompt", most=MAX_LYRICS_PROMPT)
    if not prompt.strip():
        raise invalid("prompt_empty")
    return SunoOrder(action="LYRICS", prompt=prompt)


def check_music(body: Json) -> SunoOrder:
    """Check a request for songs; fields that nobody knows are dropped without a word, as the relay does. Raises SunoRefused."""
    fields = _object(body)
    mv = _text(fields, "mv", most=100) or DEFAULT_MV
    if mv not in VERSIONS and mv not in _MAGIC_MODELS:
        raise invalid(f"mv '{mv}' is not a model")
    limits = _OLDER_LIMITS if VERSIONS.get(mv) in _OLDER else _LIMITS
    texts = {name: _text(fields, name, most=most) for name, most in limits.items()}
    order = SunoOrder(
        action="MUSIC",
        mv=mv,
        description=_text(fields, "gpt_description_prompt", most=MAX_DESCRIPTION),
        instrumental=_flag(fields, "make_instrumental"),
        task_id=_text(fields, "task_id", most=100),
        clip_id=_text(fields, "continue_clip_id", most=100),
        continue_at=_seconds(fields, "continue_at"),
        **texts,
    )
    if (task := _text(fields, "task", most=100)) and task not in TASKS:
        raise invalid(f"task '{task}' is not one of {', '.join(TASKS)}")
    _check_sense(order, says_prompt="prompt" in fields)
    return order


def _check_sense(order: SunoOrder, *, says_prompt: bool) -> None:
    if order.clip_id and not order.task_id:
        raise invalid("task id is empty")
    if order.continue_at is not None and not order.clip_id:
        raise invalid("continue_at needs continue_clip_id")
    wants_words = not (order.description or order.prompt or order.instrumental or order.clip_id)
    if wants_words and not (says_prompt and (order.tags or order.title)):
        raise invalid("gpt_description_prompt and prompt are empty")


def _object(body: Json) -> dict[str, Json]:
    if not isinstance(body, dict):
        raise invalid("request body must be a JSON object")
    return body


def _text(fields: dict[str, Json], name: str, *, most: int) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    if len(value) > most:
        raise invalid(f"{name} is too long: {len(value)} characters, at most {most}")
    return value


def _flag(fields: dict[str, Json], name: str) -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean")
    return bool(value)


def _seconds(fields: dict[str, Json], name: str) -> float | None:
    value = fields.get(name)
    if value is None:
        return None
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise invalid(f"{name} must be a number")
    if not 0 < value <= MAX_CONTINUE_AT_S:
        raise invalid(f"{name} must be above 0 and at most {MAX_CONTINUE_AT_S:.0f}")
    return float(value)

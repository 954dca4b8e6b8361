"""A relay's answers, and what Suno and its relays allow, as data."""

from typing import Any, Final

import msgspec

from modelgate.formats.media import refusals
from modelgate.formats.media.vendor_status import Refusal

MAX_CLIPS = 2
MAX_POLL_MANY = 100
MAX_TEXT_CHARACTERS = 10_000
MAX_SECONDS = 86_400
LYRICS_TIMEOUT_S = 150.0
"""Lyrics are written before the submit is answered."""
CROWDED_PAUSE_S = 5.0
QUEUED, IN_PROGRESS, AUDIBLE = 5, 30, 60
"""Percents where the relay's own figure says less, which is mostly 0."""

OLDER: Final = frozenset(("", "chirp-v3-0", "chirp-v3-5", "chirp-v3-5-upload", "chirp-v4"))
OLDER_LIMITS: Final = {"prompt": 500, "lyrics": 3_000, "style": 200, "negative_style": 200, "title": 80}
LIMITS: Final = {"prompt": 500, "lyrics": 5_000, "style": 1_000, "negative_style": 1_000, "title": 100}
LYRICS_LIMITS: Final = {"prompt": 2_000}

CLIP_FACTS: Final = ("title", "major_model_version", "model_name", "created_at", "status")
SONG_FACTS: Final = ("tags", "prompt", "gpt_description_prompt", "audio_prompt_id", "type", "error_type", "error_message")


class Answer(msgspec.Struct):
    """What every answer is within."""

    code: str | int | None = None
    message: str | None = None
    data: Any = None
    error: Any = None


class Told(msgspec.Struct):
    """One task in the relay's answer."""

    task_id: str = ""
    status: str | None = None
    fail_reason: str | None = None
    progress: str | int | None = None
    data: Any = None


CREDENTIAL: Final = Refusal(refusals.CREDENTIAL_REFUSED, credential_fault=True)
ELSEWHERE: Final = Refusal(refusals.VENDOR_MISCONFIGURED)
CALLER: Final = Refusal(refusals.INVALID_REQUEST, retryable=False)
CONTENT: Final = Refusal(refusals.CONTENT_REFUSED, retryable=False)
_BALANCE = Refusal(refusals.VENDOR_BALANCE, credential_fault=True)
_CROWDED = Refusal(refusals.RATE_LIMITED, retry_after_s=CROWDED_PAUSE_S)

CODES: Final = {
    "invalid_request": CALLER,
    "unauthorized": CREDENTIAL,
    "quota_not_enough": _BALANCE,
    "insufficient_user_quota": _BALANCE,
    "insufficient_quota": _BALANCE,
    "rate_limit_exceeded": _CROWDED,
    "service_unavailable": Refusal(refusals.VENDOR_UNAVAILABLE, retry_after_s=CROWDED_PAUSE_S),
}
STATUSES: Final = {400: CALLER, 401: CREDENTIAL, 402: _BALANCE, 403: CREDENTIAL, 413: CALLER, 422: CALLER, 429: _CROWDED}
CONTENT_WORDS = ("moderation", "copyright", "artist name", "sensitive")
ACCOUNT_WORDS = ("captcha", "cookie", "session expired")
"""What the relay's account at Suno stumbles over: another upstream may do better, this one needs its operator."""

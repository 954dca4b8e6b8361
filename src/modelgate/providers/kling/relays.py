"""What New API says in place of Kling: a video object when it takes a job, a task of its own around Kling's answer later.

Source: contract of the family, 2026-11; invented samples.
"""

import msgspec

from modelgate.formats.media.vendor_answers import reader_of

STATES = {
    "not_start": "submitted",
    "submitted": "submitted",
    "queued": "submitted",
    "in_progress": "processing",
    "success": "succeed",
    "failure": "failed",
}
"""Its words (read in lower case) -> Kling's."""


class _VideoObject(msgspec.Struct):
    task_id: str = ""
    id: str = ""
    status: str = ""


class _Task(msgspec.Struct):
    task_id: str = ""
    status: str = ""
    fail_reason: str | None = None
    result_url: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Envelope(msgspec.Struct):
    code: str
    data: _Task | None = None


class Relayed(msgspec.Struct, frozen=True, kw_only=True):
    """A task as New API tells it, in Kling's words; `answer` is Kling's own answer inside, `url` the result where only that is told."""

    task_id: str
    word: str
    reason: str
    url: str
    answer: bytes


_read_object = reader_of(_VideoObject)
_read_envelope = reader_of(_Envelope)


def read_taken(body: bytes) -> str:
    """Return the id in a video object that says a job was taken, empty for anything else."""
    told = _read_object(body) or _VideoObject()
    return (told.task_id or told.id) if told.status.lower() in STATES else ""


def read_task(body: bytes) -> Relayed | None:
    """Return the task in an answer to a fetch, None for anything else."""
    envelope = _read_envelope(body)
    task = envelope.data if envelope is not None else None
    if task is None or task.status.lower() not in STATES:
        return None
    word, reason = STATES[task.status.lower()], task.fail_reason or ""
    # Its older versions keep the address of the result where the reason of a failure belongs.
    url = task.result_url or (reason if word == "succeed" and reason.startswith(("http://", "https://")) else "")
    return Relayed(task_id=task.task_id, word=word, reason=reason, url=url, answer=bytes(task.data))

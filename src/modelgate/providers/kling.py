"""Kling (Kuaishou): pictures by its native API.

Source: Kling's API documentation for developers (klingai.com), read 2026-11. Codes 1200 and above: their HTTP statuses come
from secondary sources, so the number decides and the status only helps.
"""

import base64
import hashlib
import hmac
from typing import Any
from urllib.parse import quote

import msgspec

from modelgate.core.providers import MediaOperation, Provider, UpstreamCall, VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput

IMAGES_PATH = "/v1/images/generations"
TOKEN_LIFETIME_S = 1800
TOKEN_BACKDATE_S = 5
CROWDED_PAUSE_S = 1.0
"""The vendor asks for at least a second of patience after 1302 and 1303."""
MAX_MESSAGE_CHARACTERS = 300
MAX_RESULT_IMAGES = 9
PROGRESS = {"submitted": 10, "processing": 50}

_JSON_HEADERS = (("content-type", "application/json"),)


class _ResultImage(msgspec.Struct):
    url: str = ""
    index: int | None = None
    id: str | None = None


class _TaskResult(msgspec.Struct):
    images: list[_ResultImage] | None = None


class _TaskData(msgspec.Struct):
    task_id: str = ""
    task_status: str = ""
    task_status_msg: str | None = None
    task_result: _TaskResult | None = None


class _Envelope(msgspec.Struct):
    code: int | str
    message: str | None = None
    data: _TaskData | None = None


class _Refusal(msgspec.Struct, frozen=True):
    """What one of the vendor's numbers means to us."""

    word: str
    retryable: bool = False
    credential_fault: bool = False
    retry_after_s: float | None = None


_CREDENTIAL = _Refusal(refusals.CREDENTIAL_REFUSED, retryable=True, credential_fault=True)
_CLOCK = _Refusal(refusals.CREDENTIAL_REFUSED, retryable=True)  # 1003, 1004: our clock or a stale token, not a bad key
_BALANCE = _Refusal(refusals.VENDOR_BALANCE, retryable=True, credential_fault=True)
_ELSEWHERE = _Refusal(refusals.VENDOR_MISCONFIGURED, retryable=True)
_CROWDED = _Refusal(refusals.RATE_LIMITED, retryable=True, retry_after_s=CROWDED_PAUSE_S)
_DOWN = _Refusal(refusals.VENDOR_UNAVAILABLE, retryable=True, retry_after_s=CROWDED_PAUSE_S)
_CALLER = _Refusal(refusals.INVALID_REQUEST)
_CONTENT = _Refusal(refusals.CONTENT_REFUSED)

# 5000 and 5002 are absent with intent: after them the job may exist, so they are ambiguous and the job is looked up.
_REFUSALS: dict[int, _Refusal] = {
    1000: _CREDENTIAL,
    1001: _ELSEWHERE,
    1002: _CREDENTIAL,
    1003: _CLOCK,
    1004: _CLOCK,
    1100: _BALANCE,
    1101: _BALANCE,
    1102: _BALANCE,
    1103: _ELSEWHERE,
    1200: _CALLER,
    1201: _CALLER,
    1202: _ELSEWHERE,
    1203: _ELSEWHERE,  # a submit names no task: the missing resource is a model this account has not
    1300: _CONTENT,
    1301: _CONTENT,
    1302: _CROWDED,
    1303: _CROWDED,
    1304: _ELSEWHERE,
    5001: _DOWN,
}
_STATUS_REFUSALS: dict[int, _Refusal] = {
    400: _CALLER,
    401: _CREDENTIAL,
    413: _CALLER,
    415: _CALLER,
    422: _CALLER,
    429: _CROWDED,
    529: _DOWN,
}
_UNKNOWN_TASK_CODE = 1203

_decode_envelope = msgspec.json.Decoder(_Envelope).decode
_encode = msgspec.json.Encoder().encode


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the authentication header for one credential at a time in seconds.

    `ACCESS|SECRET` makes a signed token, good for half an hour from `now`; anything else is an API key (or the key of
    another gateway, whose base URL then ends in `/kling`) and is sent as it is.
    """
    access, bar, secret_key = secret.partition("|")
    bearer = _signed_token(access, secret_key, int(now)) if bar else secret
    return (("authorization", f"Bearer {bearer}"),)


def _signed_token(access: str, secret_key: str, now: int) -> str:
    """Return a JSON Web Token by hand: HS256 is one HMAC, and a library would weigh on every relay."""
    header = _base64url(b'{"alg":"HS256","typ":"JWT"}')
    claims = _base64url(_encode({"iss": access, "exp": now + TOKEN_LIFETIME_S, "nbf": now - TOKEN_BACKDATE_S}))
    signed = header + b"." + claims
    signature = _base64url(hmac.digest(secret_key.encode(), signed, hashlib.sha256))
    return (signed + b"." + signature).decode()


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def encode_image_submit(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a picture. Our task id goes along as `external_task_id`, to find the job by.

    Raises:
        ValueError: an input is still a blob's key.
    """
    options = request.options
    reference = options.get("kling_image_reference", "") if request.inputs else ""
    fields: dict[str, Any] = {
        "model_name": model,  # always: the vendor ignores `model` and falls back to its oldest
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "image": _inline(request.inputs[0]) if request.inputs else "",
        "image_reference": reference,
        "image_fidelity": options.get("kling_image_fidelity") if request.inputs else None,
        "human_fidelity": options.get("kling_human_fidelity") if reference == "subject" else None,
        "resolution": options.get("kling_resolution"),
        "n": request.n,
        "aspect_ratio": request.aspect_ratio,
        "external_task_id": task_id,
    }
    body = _encode({name: value for name, value in fields.items() if value is not None and value != ""})
    return UpstreamCall(method="POST", path=IMAGES_PATH, headers=_JSON_HEADERS, body=body)


def _inline(item: MediaInput) -> str:
    """Return an address, or bare base64: the vendor refuses a `data:` prefix."""
    if item.url:
        return item.url
    if not item.data:
        raise ValueError("an input is neither an address nor bytes")
    return base64.b64encode(item.data).decode()


def encode_image_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job stands; it takes the vendor's id, and our own `external_task_id` as well."""
    return UpstreamCall(method="GET", path=f"{IMAGES_PATH}/{quote(vendor_task, safe='')}")


def parse_image_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit.

    Three outcomes: taken (`running`, or further), refused, or neither (`state` None and not `refused`): then the job may
    exist and must be looked up, never sent again.
    """
    envelope = _envelope_of(body)
    if envelope is not None and envelope.code == 0:
        return _taken(envelope.data) if envelope.data and envelope.data.task_id else VendorState()
    return _refused(status, envelope)


def parse_image_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll or a look-up. `refused` with `task_not_found`: the vendor says there is no such job.

    Every other trouble leaves the task as it is.
    """
    envelope = _envelope_of(body)
    if envelope is None:
        return VendorState(retry_after_s=CROWDED_PAUSE_S if status in (429, 503, 529) else None)
    if envelope.code == 0:
        return _task_state(envelope.data) if envelope.data else VendorState()
    if envelope.code == _UNKNOWN_TASK_CODE:
        return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message=_message(envelope))
    refusal = _refused(status, envelope)
    return msgspec.structs.replace(refusal, refused=False, retryable=False)


def _envelope_of(body: bytes) -> _Envelope | None:
    try:
        envelope = _decode_envelope(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(envelope.code, str) and envelope.code.isascii() and envelope.code.isdigit():
        envelope.code = int(envelope.code)
    return envelope


def _refused(status: int, envelope: _Envelope | None) -> VendorState:
    """Numbered cases: 1. the vendor's number is known; 2. it is ambiguous; 3. only the HTTP status speaks."""
    code = envelope.code if envelope is not None else None
    refusal = _REFUSALS.get(code) if isinstance(code, int) else None
    if refusal is None and code in (5000, 5002):
        return VendorState()
    if refusal is None:
        refusal = _refusal_by_status(status, answered=envelope is not None)
    if refusal is None:
        return VendorState()
    return VendorState(
        refused=True,
        retryable=refusal.retryable,
        credential_fault=refusal.credential_fault,
        error_code=refusal.word,
        error_message=_message(envelope),
        retry_after_s=refusal.retry_after_s,
    )


def _refusal_by_status(status: int, *, answered: bool) -> _Refusal | None:
    """Return what a status alone tells: a 4xx was surely not taken; a 5xx of something in between says nothing."""
    if status in _STATUS_REFUSALS and (answered or status < 500):
        return _STATUS_REFUSALS[status]
    if status == 503 and answered:
        return _DOWN
    return _ELSEWHERE if 300 <= status < 500 else None


def _message(envelope: _Envelope | None) -> str:
    return ((envelope.message if envelope else None) or "")[:MAX_MESSAGE_CHARACTERS]


def _taken(data: _TaskData) -> VendorState:
    state = _task_state(data)
    return state if state.state else VendorState(state="running", vendor_task=data.task_id)


def _task_state(data: _TaskData) -> VendorState:
    match data.task_status.lower():
        case "submitted" | "processing" as word:
            return VendorState(state="running", vendor_task=data.task_id, progress=PROGRESS[word])
        case "succeed" | "succeeded":
            return _succeeded(data)
        case "failed":
            message = (data.task_status_msg or "")[:MAX_MESSAGE_CHARACTERS]
            return VendorState(state="failed", vendor_task=data.task_id, error_code=refusals.GENERATION_FAILED, error_message=message)
        case _:
            # A new word must not end a task.
            return VendorState(vendor_task=data.task_id)


def _succeeded(data: _TaskData) -> VendorState:
    images = (data.task_result.images if data.task_result else None) or []
    ordered = sorted(images, key=lambda image: image.index if image.index is not None else 0)[:MAX_RESULT_IMAGES]
    outputs = tuple(TaskOutput(kind="image", url=image.url) for image in ordered if image.url)
    if not outputs:
        message = "The vendor finished without a picture."
        return VendorState(state="failed", vendor_task=data.task_id, error_code=refusals.GENERATION_FAILED, error_message=message)
    return VendorState(state="succeeded", vendor_task=data.task_id, progress=100, outputs=outputs)


PROVIDER = Provider(
    name="kling",
    title="Kling",
    base_url="https://api-singapore.klingai.com",
    media={
        "image": MediaOperation(
            encode_submit=encode_image_submit,
            parse_submit=parse_image_submit,
            encode_poll=encode_image_poll,
            parse_poll=parse_image_poll,
            encode_lookup=encode_image_poll,  # the same path takes our external_task_id
            parse_lookup=parse_image_poll,
            poll_interval_s=2.0,
            deadline_s=1800.0,
            max_n=MAX_RESULT_IMAGES,
            takes=frozenset(
                (
                    "negative_prompt",
                    "image",
                    "kling_resolution",
                    "kling_image_reference",
                    "kling_image_fidelity",
                    "kling_human_fidelity",
                )
            ),
        )
    },
    sign=sign,
    environment={"KLING_ACCESS_KEY|KLING_SECRET_KEY": "secret", "KLING_API_KEY": "secret"},
    documentation="https://app.klingai.com/global/dev/document-api, read 2026-11",
)

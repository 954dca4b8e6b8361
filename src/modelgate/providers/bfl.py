"""Black Forest Labs (Flux): pictures by its native API, one picture a job.

Source: docs.bfl.ai, "Get Result", "Errors", "Pricing" and the OpenAPI pages of each model, read 2026-11. The polling address of an
answer must be asked, for a job lives in one region; sizes of FLUX.1 are multiples of 32 from 256 to 1440, of FLUX.2 multiples of 16.
What an invalid key is answered with (401 or 403) is not on those pages; both are taken for it.
"""

from typing import Any, cast
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from modelgate.core.providers import MediaOperation, Provider, Twin, UpstreamCall, VendorState
from modelgate.core.records import TaskOutput
from modelgate.formats.media import refusals
from modelgate.formats.media.requests import ImageRequest, MediaInput
from modelgate.formats.media.vendor_answers import UNREADABLE, failed, finished, percent_of, reader_of
from modelgate.formats.media.vendor_calls import base64_of, post_json
from modelgate.formats.media.vendor_status import submit_refused

RESULT_PATH = "/v1/get_result"
MAX_REASONS = 5
MAX_HOST_CHARACTERS = 100


class _Model(msgspec.Struct, frozen=True, kw_only=True):
    """What a family of models is asked with. `picture_field` holds the first input, `…_2` and so on the others."""

    sized_by: str = "pixels"
    picture_field: str = "image_prompt"
    max_pictures: int = 1
    takes_addresses: bool = False


_FLUX_1 = _Model()
_MODELS: dict[str, _Model] = {
    "flux-pro-1.1-ultra": _Model(sized_by="ratio"),
    "flux-kontext": _Model(sized_by="ratio", picture_field="input_image", max_pictures=4, takes_addresses=True),
    "flux-2-klein": _Model(picture_field="input_image", max_pictures=4, takes_addresses=True),
    "flux-2": _Model(picture_field="input_image", max_pictures=8, takes_addresses=True),
}
"""By the beginning of a model's name, the first that fits; all others are as FLUX.1 [pro] is."""

_PIXELS: dict[str, tuple[int, int]] = {
    "21:9": (1344, 576),
    "16:9": (1312, 736),
    "4:3": (1152, 864),
    "3:2": (1248, 832),
    "1:1": (1024, 1024),
    "2:3": (832, 1248),
    "3:4": (864, 1152),
    "9:16": (736, 1312),
    "9:21": (576, 1344),
}
"""Width and height that say a ratio to models which take pixels: multiples of 32, none beyond one megapixel (the price's first step)."""


class _Submitted(msgspec.Struct):
    id: str = ""
    polling_url: str = ""


class _Result(msgspec.Struct):
    sample: str = ""


class _Polled(msgspec.Struct):
    status: str
    result: _Result | None = None
    progress: float | None = None
    details: dict[str, Any] | None = None


class _Fault(msgspec.Struct):
    msg: str = ""
    loc: list[str | int] = []


class _Answer(msgspec.Struct):
    """An answer that is no 200: a sentence, or one fault for each field as FastAPI writes them."""

    detail: str | list[_Fault] | None = None


_MODERATED = {
    "request moderated": "The vendor's content policy refuses this prompt or picture.",
    "content moderated": "The vendor's content policy refuses the picture that was made.",
}

_read_submitted = reader_of(_Submitted)
_read_polled = reader_of(_Polled)
_decode_answer = msgspec.json.Decoder(_Answer).decode


def sign(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Return the authentication headers; the key is a plain one."""
    del now
    return (("x-key", secret),)


def encode_image_submit(request: ImageRequest, task_id: str, model: str) -> UpstreamCall:
    """Return the call that starts a picture. The vendor has no place for our task id.

    Raises:
        ValueError: an input is still a blob's key, or more is asked than one job can do.
    """
    del task_id
    kind = _model_of(model)
    if request.n != 1 or len(request.inputs) > kind.max_pictures:
        raise ValueError("one job makes one picture, from as many as its model takes")
    fields: dict[str, Any] = {
        "prompt": request.prompt,
        **_size_of(request.aspect_ratio, kind),
        "output_format": request.output_format or None,
        "seed": request.seed,
        "safety_tolerance": request.options.get("bfl_safety_tolerance"),
        "prompt_upsampling": request.options.get("bfl_prompt_upsampling"),
    }
    for index, item in enumerate(request.inputs):
        fields[kind.picture_field + (f"_{index + 1}" if index else "")] = _inline(item, kind)
    return post_json(f"/v1/{quote(model, safe='')}", fields)


def _model_of(model: str) -> _Model:
    return next((kind for beginning, kind in _MODELS.items() if model.startswith(beginning)), _FLUX_1)


def _size_of(ratio: str, kind: _Model) -> dict[str, Any]:
    """Return the fields that say a ratio, none for the vendor's default. Raises ValueError: not one of `_PIXELS`."""
    if not ratio:
        return {}
    if ratio not in _PIXELS:
        raise ValueError(f"no size is known for {ratio}")
    if kind.sized_by == "ratio":
        return {"aspect_ratio": ratio}
    width, height = _PIXELS[ratio]
    return {"width": width, "height": height}


def _inline(item: MediaInput, kind: _Model) -> str:
    return item.url if item.url and kind.takes_addresses else base64_of(item)


def encode_image_poll(vendor_task: str) -> UpstreamCall:
    """Return the call that asks how a job stands; `vendor_task` is the job's id, after `HOST/` where another host has it."""
    host, _, job = vendor_task.rpartition("/")
    return UpstreamCall(method="GET", path=f"{RESULT_PATH}?id={quote(job, safe='')}", host=host)


def parse_image_submit(status: int, body: bytes) -> VendorState:
    """Read the answer to a submit.

    Three outcomes: taken (`running`), refused, or neither (`state` None and not `refused`): then the job may exist.
    """
    if status != 200:
        return submit_refused(status, _said(body))
    submitted = _read_submitted(body) or _Submitted()
    job = submitted.id
    if not job or "/" in job:
        return VendorState()
    return VendorState(state="running", vendor_task=f"{host}/{job}" if (host := _host_of(submitted)) else job)


def _host_of(submitted: _Submitted) -> str:
    """Return the host to poll at, empty for the upstream itself: only an address that asks for this very job is believed."""
    try:
        parts = urlsplit(submitted.polling_url)
        host = parts.hostname or ""
        plain = parts.scheme == "https" and parts.port is None and parts.username is None and parts.path == RESULT_PATH
    except ValueError:
        return ""
    asks_for_it = plain and parse_qs(parts.query).get("id") == [submitted.id]
    return host if asks_for_it and len(host) <= MAX_HOST_CHARACTERS else ""


def parse_image_poll(status: int, body: bytes) -> VendorState:
    """Read the answer to a poll. `refused` with `task_not_found`: the vendor says there is no such job.

    Every other trouble leaves the task as it is.
    """
    polled = _read_polled(body)
    if polled is None:
        refusal = submit_refused(status, _said(body))
        return msgspec.structs.replace(refusal, refused=False, retryable=False)
    match polled.status.lower():
        case "pending" | "queued" | "processing":
            return VendorState(state="running", progress=percent_of(polled.progress))
        case "ready":
            sample = polled.result.sample if polled.result is not None else ""
            return finished((TaskOutput(kind="image", url=sample),) if sample else ())
        case ("request moderated" | "content moderated") as word:
            return failed(_MODERATED[word] + _reasons(polled), word=refusals.CONTENT_REFUSED)
        case "error" | "failed":
            return failed("")
        case "task not found":
            return VendorState(refused=True, error_code=refusals.TASK_NOT_FOUND, error_message="The vendor does not know the job.")
        case _:
            return VendorState()  # a new word must not end a task


def _reasons(polled: _Polled) -> str:
    """Return the moderation's reasons as a sentence, or nothing."""
    told = (polled.details or {}).get("Moderation Reasons")
    words = [one for one in cast(list[object], told)[:MAX_REASONS] if isinstance(one, str)] if isinstance(told, list) else []
    return f" Reasons: {', '.join(words)}." if words else ""


def _said(body: bytes) -> str | None:
    """Return the vendor's words of a refusal, None when it is not the vendor that speaks."""
    try:
        return _message(_decode_answer(body))
    except msgspec.ValidationError:
        return ""  # JSON, but of no shape we know: the vendor spoke all the same
    except UNREADABLE:
        return None


def _message(answer: _Answer) -> str:
    """Return the vendor's own words, with the field where it names one."""
    detail = answer.detail
    if isinstance(detail, list):
        first = detail[0] if detail else _Fault()
        field = ".".join(str(one) for one in first.loc[1:])
        detail = f"{field}: {first.msg}" if field and first.msg else first.msg
    return detail or ""


PROVIDER = Provider(
    name="bfl",
    title="Black Forest Labs",
    base_url="https://api.bfl.ai",
    media={
        "image": MediaOperation(
            encode_submit=encode_image_submit,
            parse_submit=parse_image_submit,
            encode_poll=encode_image_poll,
            parse_poll=parse_image_poll,
            poll_interval_s=1.0,
            deadline_s=900.0,
            takes=frozenset(("image", "output_format", "seed", "bfl_safety_tolerance", "bfl_prompt_upsampling")),
        )
    },
    sign=sign,
    environment={"BFL_API_KEY": "secret"},
    probe_path="/v1/credits",
    twin=Twin(key="bfl-sandbox"),
    documentation="https://docs.bfl.ai/api-reference, read 2026-11",
)

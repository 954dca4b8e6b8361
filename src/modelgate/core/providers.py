"""What a provider (a vendor as data) and its media operations look like. Filled in by one file per vendor in `providers/`."""

from collections.abc import Callable
from typing import Literal

import msgspec

from modelgate.core.records import Json, TaskOutput


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make: path (and query) relative to the upstream's base URL, header pairs, body bytes."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class VendorState(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's answer to a submit or poll says, in our words.

    `state` None: the word was not known; leave the task as it is. `refused`: the vendor says it did NOT take the job, so
    another upstream may be tried when `retryable`, else the caller is at fault and `error_code` 4xx tells why.
    `retry_after_s`: not before.
    """

    state: Literal["running", "succeeded", "failed"] | None = None
    vendor_task: str = ""
    progress: int = 0
    outputs: tuple[TaskOutput, ...] = ()
    error_code: str = ""
    error_message: str = ""
    refused: bool = False
    retryable: bool = False
    credential_fault: bool = False
    retry_after_s: float | None = None


class MediaOperation(msgspec.Struct, frozen=True, kw_only=True):
    """The pure functions of one kind of media work at one vendor. No I/O: they make calls and read answers.

    encode_submit(request, task_id, model) -> UpstreamCall; `request` is the hub's media request, inputs already inlined
        or as URLs as the vendor wants.
    parse_submit(status, body) -> VendorState
    encode_poll(vendor_task) -> UpstreamCall; parse_poll(status, body) -> VendorState
    encode_lookup(task_id) -> UpstreamCall, for vendors that can find a job by OUR id after a submit without an answer,
        with parse_lookup; None otherwise.
    """

    encode_submit: Callable[..., UpstreamCall]
    parse_submit: Callable[[int, bytes], VendorState]
    encode_poll: Callable[[str], UpstreamCall]
    parse_poll: Callable[[int, bytes], VendorState]
    encode_lookup: Callable[[str], UpstreamCall] | None = None
    parse_lookup: Callable[[int, bytes], VendorState] | None = None
    poll_interval_s: float = 5.0
    deadline_s: float = 3600.0


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as data. `formats` are the wire formats it serves (`openai_chat`), `media` its operations by name
    (`image`). `sign(secret, now) -> headers` makes the authentication headers from one credential's secret.
    `environment`: variables whose presence at first start adds an upstream (name of the variable -> what it holds:
    `secret` or `base_url`). `documentation`: the vendor's page and the date it was read.
    """

    name: str
    title: str
    base_url: str
    formats: tuple[str, ...] = ()
    media: dict[str, MediaOperation] = {}
    sign: Callable[[str, float], tuple[tuple[str, str], ...]]
    environment: dict[str, str] = {}
    quirks: dict[str, Json] = {}
    documentation: str = ""

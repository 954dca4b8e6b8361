"""What a provider (a vendor as data) and its media operations look like. Filled in by one file per vendor in `providers/`."""

from collections.abc import Callable, Mapping
from typing import Any, Literal
from urllib.parse import quote, urlsplit

import msgspec

from modelgate.core.http import HeaderBlock
from modelgate.core.records import Json, TaskOutput


class UpstreamCall(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP call to make: path (and query) relative to the upstream's base URL, header pairs, body bytes.

    `host`: another host of the same vendor that has the answer. It is asked, over TLS, only where it and the upstream's own host lie under
    the domain of the vendor's `base_url`; else the upstream is asked as ever. `otherwise`: the path by servers that have no such `path`,
    asked when the answer is 404.
    """

    method: str
    path: str
    otherwise: str = ""
    host: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class VendorState(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's answer to a submit or poll says, in our words.

    `state` None: the word was not known; leave the task as it is. `refused`: the vendor says it did NOT take the job, so
    another upstream may be tried when `retryable`, else the caller is at fault and `error_code` 4xx tells why.
    `retry_after_s`: not before. `outputs` of a job that still runs are previews. `details`: what else it says about the job. `billed`: how
    many of the results asked for it charges; None: all. `further`: a call whose answer, read by `parse_result`, tells the rest.
    """

    state: Literal["running", "waiting_input", "succeeded", "failed", "canceled"] | None = None
    vendor_task: str = ""
    progress: int = 0
    outputs: tuple[TaskOutput, ...] = ()
    error_code: str = ""
    error_message: str = ""
    refused: bool = False
    retryable: bool = False
    credential_fault: bool = False
    retry_after_s: float | None = None
    details: dict[str, Json] = {}
    billed: int | None = None
    further: UpstreamCall | None = None


class MediaOperation(msgspec.Struct, frozen=True, kw_only=True):
    """The pure functions of one kind of media work at one vendor. No I/O: they make calls and read answers.

    encode_submit(request, task_id, model) -> UpstreamCall; `request` is the hub's media request, its inputs as bytes, or as addresses with
        `inputs_by_url`. With `has_callbacks` it gets `callback_url=` too (empty: none), which the vendor is to call when the job changes.
    parse_submit(status, body) -> VendorState; `succeeded` at once for a vendor that answers with the results.
    encode_poll(vendor_task) -> UpstreamCall; parse_poll(status, body) -> VendorState. None: its submit tells all.
    encode_poll_many(vendor_tasks), at most `max_poll_many` of them, with parse_poll_many(status, body) -> VendorState by vendor_task, None
        when the answer cannot be read: for vendors that tell of many jobs in one answer. One that is not in it is not known there.
    parse_result(status, body) -> VendorState, after a poll that said `further`.
    encode_cancel(vendor_task), parse_cancel(status, body) -> VendorState, `canceled` when it surely is; None: the vendor cannot.
    encode_question(vendor_task), parse_question(status, body) -> details (empty: it did not say), for what a vendor tells of a finished job
        only when asked.
    encode_lookup(task_id) -> UpstreamCall, for vendors that can find a job by OUR id after a submit without an answer,
        with parse_lookup; None otherwise.
    With `asks_by_request` encode_poll and encode_lookup get `request=` too: where the vendor's path depends on the kind of work.
    check(request, model) raises InvalidRequest, with the neutral name of a field as `param`, for what this model of the vendor cannot do.
    inherit(request, earlier) -> request with what the work that it builds on, the hub's `Earlier`, decides and the price depends on: mode,
        length. Raises InvalidRequest for what contradicts it. None: it decides nothing.
    complete(request, model) -> request with the vendor's own defaults that the price depends on.
    measure(request, outputs) -> request with the length that was made, where `complete` could only say the longest there may be, which is
        held; what was made is charged. None: what is held is charged.
    `inputs`: the hub's `InputRules` by role, for files that it takes within narrower bounds than a dialect may.
    `max_n`: the most results of one job. `takes`: what it understands beside model, prompt, n and aspect ratio: fields, options, roles of
        inputs; a request that says more is refused before anybody is asked. `takes_everything`: it understands every word and judges
        itself. `submit_timeout_s`: how long a submit may take.
    """

    encode_submit: Callable[..., UpstreamCall]
    parse_submit: Callable[[int, bytes], VendorState]
    encode_poll: Callable[..., UpstreamCall] | None = None
    parse_poll: Callable[[int, bytes], VendorState] | None = None
    encode_poll_many: Callable[[list[str]], UpstreamCall] | None = None
    parse_poll_many: Callable[[int, bytes], dict[str, VendorState] | None] | None = None
    max_poll_many: int = 100
    parse_result: Callable[[int, bytes], VendorState] | None = None
    encode_cancel: Callable[[str], UpstreamCall] | None = None
    parse_cancel: Callable[[int, bytes], VendorState] | None = None
    encode_question: Callable[[str], UpstreamCall] | None = None
    parse_question: Callable[[int, bytes], dict[str, Json]] | None = None
    encode_lookup: Callable[..., UpstreamCall] | None = None
    parse_lookup: Callable[[int, bytes], VendorState] | None = None
    check: Callable[[Any, str], None] | None = None
    inherit: Callable[[Any, Any], Any] | None = None
    complete: Callable[[Any, str], Any] | None = None
    measure: Callable[[Any, tuple[TaskOutput, ...]], Any] | None = None
    has_callbacks: bool = False
    asks_by_request: bool = False
    inputs_by_url: bool = False
    poll_interval_s: float = 5.0
    deadline_s: float = 3600.0
    submit_timeout_s: float = 60.0
    max_n: int = 1
    takes: frozenset[str] = frozenset()
    takes_everything: bool = False
    inputs: Mapping[str, Any] = {}


CHAT_FORMATS = ("openai_chat", "openai_responses", "anthropic_messages", "gemini_content")
"""The dialects of conversations. Whoever serves one of them serves callers of all: what they do not speak is translated."""
CHAT = "chat"
"""The operation that all of them are."""
_OPERATIONS = {
    **dict.fromkeys(CHAT_FORMATS, CHAT),
    "openai_completions": CHAT,
    "openai_embeddings": "embeddings",
    "gemini_embeddings": "embeddings",
}


def operation_of(name: str) -> str:
    """Return the operation that a format says, which several may say; one that no other says is an operation of its own name."""
    return _OPERATIONS.get(name, name)


ReasoningField = Literal["reasoning_effort", "thinking", "enable_thinking", "reasoning", ""]


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor departs from the dialect it speaks, as data.

    `self_hosted`: a server of one's own, free of charge and without a key unless told otherwise. `base_path`: its API's path where the
    operator's address names none. `paths`: operation, wire format or `models` (the list of them) -> path in place of the dialect's,
    with `{model}` for the model's name. `query`: appended to every path. `renames`: top-level request field of the OpenAI dialects ->
    its name here. `refuses`: fields of the neutral request that this vendor answers with an error: they are left out and named as
    ignored. `accepts`: what it understands beyond OpenAI's own: `top_k`, `image_config`, `cache` (cache marks on parts), `file_url`
    (files by address). `reasoning`: the field that says how much to think (empty: none). `system_role`: how instructions are called.
    `has_developer_role`: it takes messages of the role `developer`; where it does not, they go as `system`. `has_stream_options`: it
    understands `stream_options.include_usage`. `has_json_schema`: structured output by schema, not only JSON mode. `fetches_images`: it
    fetches picture addresses itself; None: as its dialect does. `counts_writes_in_reads`: tokens written to its cache are counted among
    those read.
    """

    self_hosted: bool = False
    base_path: str = ""
    paths: dict[str, str] = {}
    query: str = ""
    renames: dict[str, str] = {}
    refuses: frozenset[str] = frozenset()
    accepts: frozenset[str] = frozenset()
    reasoning: ReasoningField = "reasoning_effort"
    system_role: Literal["system", "developer"] = "system"
    has_developer_role: bool = True
    has_stream_options: bool = True
    has_json_schema: bool = True
    fetches_images: bool | None = None
    counts_writes_in_reads: bool = False

    def path_of(self, wire_format: str, usual: str, *, model: str) -> str:
        """Return the path of a call for a model, whose name may be a caller's own: it cannot lead anywhere else."""
        return self.paths.get(wire_format, usual).replace("{model}", quote(model, safe=""))


NO_QUIRKS = Quirks()


def bearer(secret: str, now: float) -> tuple[tuple[str, str], ...]:
    """Sign in the usual way, `Authorization: Bearer`; where no key is wanted there is none to send."""
    del now  # such a secret does not age
    return (("authorization", f"Bearer {secret}"),) if secret else ()


def joined(base_path: str, path: str) -> str:
    """Return a call's path below a base URL's; a base that ends in the segment with which the path begins (`/v1`) says it for both."""
    last = base_path[base_path.rfind("/") :] if base_path else ""
    return base_path + (path[len(last) :] if last and path.startswith(last + "/") else path)


class Twin(msgspec.Struct, frozen=True, kw_only=True):
    """How the vendor's make-believe twin in `sandbox/` is reached: test keys are served by it.

    `key` is the one it takes, public by design; its place there says the same. `path` is that of the API below the sandbox's address,
    empty: the vendor's name, then the path of its own `base_url`. `max_concurrent`: how much it does at once (0: any). `shown_paths`: where
    it has what callers are given by its own address, which the gateway shows them in its place.
    """

    key: str
    path: str = ""
    max_concurrent: int = 0
    shown_paths: tuple[str, ...] = ()


class SignedCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a call to us brings along to prove whose it is: an Ed25519 `signature` of `message`, made at `made_at` by the caller's clock."""

    message: bytes
    signature: bytes
    made_at: float


class CallbackProof(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor signs its calls to us.

    `keys_url` is its public set of keys (JWKS); of an upstream that is not the vendor itself, it is at `keys_path` below that one's own
    address. `read(headers, body)` returns what was signed, None for a call that is not. `tolerance_s`: how far off its clock may be.
    """

    keys_url: str
    keys_path: str
    read: Callable[[HeaderBlock, bytes | bytearray], SignedCall | None]
    tolerance_s: float = 300.0


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """A vendor as data.

    `formats` are the conversation dialects it speaks, the best first (`openai_chat`), and its other one-call operations
    (`openai_embeddings`); `elsewhere_formats`: what other people's servers that speak its protocol can be trusted to serve, where that is
    less (empty: the same). `media` its media operations by name (`image`); `media_any` how it does any other, for a gateway whose models
    may be any vendor's: it is asked for those that the price list says a model serves. `sign(secret, now) -> headers` makes the
    authentication headers from one credential's secret. `environment`: variables whose presence at first start adds an
    upstream (name of the
    variable -> what it holds: `secret` or `base_url`). `probe_headers` go with a call for the list of models, where the
    dialect's own calls bring more than `sign` does; `probe_path`: a free GET that only a good key may ask, for vendors of media whose
    polls do not show it. `callback_proof`: how its calls to us are known to be its own; None: by the token
    in the address alone. `twin`: where the sandbox plays it; None: it does not. `documentation`: the vendor's page, and when it was read.
    """

    name: str
    title: str
    base_url: str
    formats: tuple[str, ...] = ()
    elsewhere_formats: tuple[str, ...] = ()
    media: dict[str, MediaOperation] = {}
    media_any: Callable[[str], MediaOperation] | None = None
    sign: Callable[[str, float], tuple[tuple[str, str], ...]]
    environment: dict[str, str] = {}
    quirks: Quirks = NO_QUIRKS
    probe_headers: tuple[tuple[str, str], ...] = ()
    probe_path: str = ""
    callback_proof: CallbackProof | None = None
    twin: Twin | None = None
    documentation: str = ""

    def twin_path(self) -> str:
        """Return the path of the twin's API below the sandbox's address."""
        path = self.twin.path if self.twin is not None else ""
        return path or f"/{self.name}{urlsplit(self.base_url).path}"

    def operation(self, name: str) -> MediaOperation | None:
        """Return how it does a media operation; None: not at all."""
        known = self.media.get(name)
        return self.media_any(name) if known is None and self.media_any is not None else known

    def formats_at(self, base_url: str) -> tuple[str, ...]:
        """Return what is served at an address: the vendor's own, or a server that imitates it."""
        is_own = urlsplit(base_url).hostname == urlsplit(self.base_url).hostname
        return self.formats if is_own or not self.elsewhere_formats else self.elsewhere_formats


def format_for(formats: tuple[str, ...], wanted: str) -> str:
    """Return the dialect in which a server of these is asked for what came in as `wanted`, empty when it cannot be.

    Legacy completions are asked for in their own dialect or as a conversation, and nothing else is asked for as completions.
    """
    if wanted in formats:
        return wanted
    operation = operation_of(wanted)
    return next((name for name in formats if operation_of(name) == operation and name != "openai_completions"), "")

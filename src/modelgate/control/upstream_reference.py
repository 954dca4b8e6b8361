"""Upstreams as published: types and endpoints. Secrets go in and never come back."""

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from modelgate.control.declared import declared
from modelgate.control.errors import CALLER_ERRORS, CHANGE_ERRORS, AlreadyTaken, NoSuchObject
from modelgate.control.lists import BookName, Next
from modelgate.core import upstreams as bounds
from modelgate.core.endpoints import Case
from modelgate.core.money import Book
from modelgate.identity.key_bounds import MAX_MODEL_LENGTH, MAX_NAME_LENGTH

MAX_URL_LENGTH: Final = 2048
MAX_MODELS: Final = 2000
MAX_PROVIDER_LENGTH: Final = 100

HealthState = Literal["idle", "ok", "failing"]
Cancel = Literal["drain", "cancel"]

_Name = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)]
_Url = Annotated[str, Meta(max_length=MAX_URL_LENGTH)]
_ModelName = Annotated[str, Meta(min_length=1, max_length=MAX_MODEL_LENGTH)]
_Models = Annotated[dict[_ModelName, _ModelName], Meta(max_length=MAX_MODELS)]
_Priority = Annotated[int, Meta(ge=-bounds.MAX_PRIORITY, le=bounds.MAX_PRIORITY)]
_Weight = Annotated[int, Meta(ge=0, le=bounds.MAX_WEIGHT)]
_Timeout = Annotated[float, Meta(ge=bounds.MIN_TIMEOUT_S, le=bounds.MAX_TIMEOUT_S)]
_Concurrent = Annotated[int, Meta(ge=0, le=bounds.MAX_CONCURRENT)]
_Secret = Annotated[str, Meta(min_length=1, max_length=bounds.MAX_SECRET_LENGTH)]
_Secrets = Annotated[list[_Secret], Meta(max_length=bounds.MAX_SECRETS)]

_NAME = "What to call it; each name once."
_URL = "Where it is, such as `https://llm.example/v1`; empty: the vendor's own address."
_MODELS = "Models it serves: the name that callers use to the name that it uses. Empty: every priced model of its vendor."
_PRIORITY = "Higher goes first."
_WEIGHT = "Share among those of equal priority; 0: only when others fail."
_DISABLED = "Whether it is paused: nothing more is sent there, what runs is finished."
_FREE = "Whether it costs nothing, so that its models need no price."
_CANCEL = "What a caller's leaving does to a running answer: `drain` lets it finish, `cancel` breaks it off."
_TIMEOUT = "Seconds to wait for the first byte."
_CONCURRENT = "Most requests at once, of each relay (tasks: of all); 0: no bound."
_SECRETS = "Its keys. They are kept encrypted and never shown again; one of two parts is written `ACCESS|SECRET`."


class UpstreamHealth(Struct, frozen=True, kw_only=True):
    """What became of requests and tasks that ended at it in the last 15 minutes. Cooldowns live in each relay's memory and are not in here.

    A request that failed at it and was answered by another upstream counts for that one.
    """

    state: Annotated[
        HealthState, Meta(description="`failing` when half or more failed, the latest among them; `idle` when there were none.")
    ]
    requests: Annotated[int, Meta(description="Requests and tasks that ended there.")]
    failed: Annotated[int, Meta(description="Those of them that failed by its fault.")]
    last_error: Annotated[str | None, Meta(description="Code or words of the latest failure.")]
    last_status: Annotated[int | None, Meta(description="HTTP status of the latest failure; null for a task's.")]
    last_failed_at: Annotated[float | None, Meta(description="When that was, seconds since the epoch.")]
    last_ok_at: Annotated[float | None, Meta(description="When something last went well there.")]


class UpstreamObject(Struct, frozen=True, kw_only=True):
    """An account at a vendor, or a server of one's own."""

    id: Annotated[str, Meta(description="Id of the upstream.")]
    name: Annotated[str, Meta(description=_NAME)]
    provider: Annotated[str, Meta(description="Whose it is; `GET /api/providers` lists them.")]
    provider_title: Annotated[str, Meta(description="The vendor's name as people write it.")]
    base_url: Annotated[str, Meta(description=_URL)]
    book: BookName
    models: Annotated[dict[str, str], Meta(description=_MODELS)]
    priority: Annotated[int, Meta(description=_PRIORITY)]
    weight: Annotated[int, Meta(description=_WEIGHT)]
    disabled: Annotated[bool, Meta(description=_DISABLED)]
    free: Annotated[bool, Meta(description=_FREE)]
    cancel: Annotated[Cancel, Meta(description=_CANCEL)]
    timeout_s: Annotated[float, Meta(description=_TIMEOUT)]
    max_concurrent: Annotated[int, Meta(description=_CONCURRENT)]
    ca_file: Annotated[str, Meta(description="PEM file of authorities trusted for it; chosen on the command line.")]
    secrets_count: Annotated[int, Meta(description="How many keys it has.")]
    health: Annotated[UpstreamHealth, Meta(description="How it has been lately.")]
    object: Annotated[Literal["upstream"], Meta(description="Always `upstream`.")] = "upstream"


class UpstreamList(Struct, frozen=True, kw_only=True):
    """Upstreams, oldest first."""

    data: Annotated[list[UpstreamObject], Meta(description="The upstreams. The sandbox's, which answer test keys, are not among them.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


class UpstreamBody(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An upstream to add."""

    provider: Annotated[
        Annotated[str, Meta(min_length=1, max_length=MAX_PROVIDER_LENGTH)],
        Meta(description="Whose it is; `GET /api/providers` lists them.", examples=["vllm"]),
    ]
    book: Annotated[Book, Meta(description="Whose requests it answers: those of live keys, or of test keys beside the sandbox.")] = "live"
    secrets: Annotated[_Secrets, Meta(description=_SECRETS)] = []
    keyless: Annotated[bool, Meta(description="Whether it wants no key.")] = False
    name: Annotated[_Name | UnsetType, Meta(description=f"{_NAME} Without one it is called after its provider.")] = UNSET
    base_url: Annotated[_Url | UnsetType, Meta(description=_URL)] = UNSET
    models: Annotated[_Models | UnsetType, Meta(description=_MODELS)] = UNSET
    priority: Annotated[_Priority | UnsetType, Meta(description=_PRIORITY)] = UNSET
    weight: Annotated[_Weight | UnsetType, Meta(description=_WEIGHT)] = UNSET
    disabled: Annotated[bool | UnsetType, Meta(description=_DISABLED)] = UNSET
    free: Annotated[bool | UnsetType, Meta(description=f"{_FREE} Without it, servers of one's own are free.")] = UNSET
    cancel: Annotated[Cancel | UnsetType, Meta(description=_CANCEL)] = UNSET
    timeout_s: Annotated[_Timeout | UnsetType, Meta(description=_TIMEOUT)] = UNSET
    max_concurrent: Annotated[_Concurrent | UnsetType, Meta(description=_CONCURRENT)] = UNSET


class UpstreamEdit(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change about an upstream; what is not named stays as it is."""

    secrets: Annotated[_Secrets | UnsetType, Meta(description=f"{_SECRETS} They replace those it has.")] = UNSET
    name: Annotated[_Name | UnsetType, Meta(description=_NAME)] = UNSET
    base_url: Annotated[_Url | UnsetType, Meta(description=_URL)] = UNSET
    models: Annotated[_Models | UnsetType, Meta(description=_MODELS)] = UNSET
    priority: Annotated[_Priority | UnsetType, Meta(description=_PRIORITY)] = UNSET
    weight: Annotated[_Weight | UnsetType, Meta(description=_WEIGHT)] = UNSET
    disabled: Annotated[bool | UnsetType, Meta(description=_DISABLED)] = UNSET
    free: Annotated[bool | UnsetType, Meta(description=_FREE)] = UNSET
    cancel: Annotated[Cancel | UnsetType, Meta(description=_CANCEL)] = UNSET
    timeout_s: Annotated[_Timeout | UnsetType, Meta(description=_TIMEOUT)] = UNSET
    max_concurrent: Annotated[_Concurrent | UnsetType, Meta(description=_CONCURRENT)] = UNSET


FIELDS: Final = tuple(name for name in UpstreamEdit.__struct_fields__ if name != "secrets")
"""What can be chosen about an upstream besides its keys, when it is added and later."""


class CredentialTest(Struct, frozen=True, kw_only=True):
    """What one key is good for."""

    ok: Annotated[bool, Meta(description="Whether it works.")]
    status: Annotated[int | None, Meta(description="HTTP status of the answer; null: there was none.")]
    latency_ms: Annotated[int | None, Meta(description="How long the answer took; null: there was none.")]
    message: Annotated[str, Meta(description="What was found, in a sentence.")]


class UpstreamTest(Struct, frozen=True, kw_only=True):
    """What a real call with each key showed. It costs nothing at the vendor."""

    ok: Annotated[bool, Meta(description="Whether every key works.")]
    status: Annotated[int | None, Meta(description="HTTP status of the first bad answer, else of the first; null: there was none.")]
    latency_ms: Annotated[int | None, Meta(description="How long that answer took.")]
    message: Annotated[str, Meta(description="What was found, in a sentence.")]
    models: Annotated[list[str], Meta(description="Models that it says it has; empty where it was not asked.")]
    credentials: Annotated[list[CredentialTest], Meta(description="The same for each key, in their order.")]
    object: Annotated[Literal["upstream_test"], Meta(description="Always `upstream_test`.")] = "upstream_test"


class ProviderObject(Struct, frozen=True, kw_only=True):
    """A vendor whose protocol is known here."""

    name: Annotated[str, Meta(description="What upstreams name it by.")]
    title: Annotated[str, Meta(description="Its name as people write it.")]
    base_url: Annotated[str, Meta(description="Its own address; empty: one has to be given.")]
    needs_base_url: Annotated[bool, Meta(description="Whether an upstream has to say where it is.")]
    needs_secret: Annotated[bool, Meta(description="Whether an upstream has to have a key, unless it says that it is `keyless`.")]
    operations: Annotated[list[str], Meta(description="What its models can be asked for.")]
    documentation: Annotated[str, Meta(description="The vendor's own page.")]


class ProviderList(Struct, frozen=True, kw_only=True):
    """Providers by title."""

    data: Annotated[list[ProviderObject], Meta(description="The providers.")]
    next: Next = None
    object: Annotated[Literal["list"], Meta(description="Always `list`.")] = "list"


_ID = "up_3mKx8QpLw2VbTnZc5RyD7S"
_AT = {"upstream": _ID}
_UPSTREAM = {
    "object": "upstream",
    "id": _ID,
    "name": "own server",
    "provider": "vllm",
    "provider_title": "vLLM",
    "base_url": "https://llm.example/v1",
    "book": "live",
    "models": {"my-model": "acme/my-model-7b"},
    "priority": 0,
    "weight": 1,
    "disabled": False,
    "free": False,
    "cancel": "drain",
    "timeout_s": 600.0,
    "max_concurrent": 0,
    "ca_file": "",
    "secrets_count": 1,
    "health": {
        "state": "ok",
        "requests": 412,
        "failed": 3,
        "last_error": "upstream_timeout",
        "last_status": 504,
        "last_failed_at": 1763884011.2,
        "last_ok_at": 1763884920.5,
    },
}
_IDLE = {
    "state": "idle",
    "requests": 0,
    "failed": 0,
    "last_error": None,
    "last_status": None,
    "last_failed_at": None,
    "last_ok_at": None,
}
_FRESH = {**_UPSTREAM, "health": _IDLE}

LIST_UPSTREAMS: Final = declared(
    "GET",
    "/api/upstreams",
    "list_upstreams",
    family="admin",
    summary="List upstreams",
    description="Where answers come from, oldest first, each with how it has been in the last 15 minutes. Their keys are never shown.",
    response=UpstreamList,
    errors=CALLER_ERRORS,
    cases=(Case(name="upstreams", title="All", prose="One server.", response={"object": "list", "data": [_UPSTREAM], "next": None}),),
)
ADD_UPSTREAM: Final = declared(
    "POST",
    "/api/upstreams",
    "add_upstream",
    family="admin",
    summary="Add an upstream",
    description=(
        "Adds an account at a vendor or a server of one's own; every process uses it within a second. Its address may lead anywhere, also "
        "into a private network: who may add upstreams is trusted."
    ),
    request=UpstreamBody,
    response=UpstreamObject,
    errors=(*CHANGE_ERRORS, AlreadyTaken),
    cases=(
        Case(
            name="own-server",
            title="A server of one's own",
            prose="Test it next.",
            request={
                "provider": "vllm",
                "name": "own server",
                "base_url": "https://llm.example/v1",
                "models": {"my-model": "acme/my-model-7b"},
                "secrets": ["…"],
            },
            response=_FRESH,
            status=201,
        ),
    ),
)
EDIT_UPSTREAM: Final = declared(
    "PATCH",
    "/api/upstreams/{upstream}",
    "edit_upstream",
    family="admin",
    summary="Change an upstream",
    description="Changes what is named and leaves the rest. `secrets` replaces all keys.",
    request=UpstreamEdit,
    response=UpstreamObject,
    errors=(*CHANGE_ERRORS, NoSuchObject, AlreadyTaken),
    cases=(
        Case(
            name="pause",
            title="Pause it",
            prose="What runs is finished.",
            request={"disabled": True},
            response={**_UPSTREAM, "disabled": True},
            path_values=_AT,
        ),
    ),
)
REMOVE_UPSTREAM: Final = declared(
    "DELETE",
    "/api/upstreams/{upstream}",
    "remove_upstream",
    family="admin",
    summary="Forget an upstream",
    description="Forgets it and its keys. Tasks that run there cannot be followed any more: pause it first and let them end.",
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(Case(name="remove", title="Forget it", prose="The answer is empty.", status=204, path_values=_AT),),
)
TEST_UPSTREAM: Final = declared(
    "POST",
    "/api/upstreams/{upstream}/test",
    "test_upstream",
    family="admin",
    summary="Test an upstream",
    description="Calls it with each of its keys and says what is wrong, if anything. It costs nothing at the vendor.",
    response=UpstreamTest,
    errors=(*CHANGE_ERRORS, NoSuchObject),
    cases=(
        Case(
            name="works",
            title="It works",
            prose="It was asked for the list of its models.",
            response={
                "object": "upstream_test",
                "ok": True,
                "status": 200,
                "latency_ms": 84,
                "message": "it works and has 1 models: acme/my-model-7b",
                "models": ["acme/my-model-7b"],
                "credentials": [{"ok": True, "status": 200, "latency_ms": 84, "message": "it works and has 1 models: acme/my-model-7b"}],
            },
            path_values=_AT,
        ),
    ),
)
LIST_PROVIDERS: Final = declared(
    "GET",
    "/api/providers",
    "list_providers",
    family="admin",
    summary="List providers",
    description="The vendors whose protocols are known here, and what an upstream of each has to say.",
    response=ProviderList,
    errors=CALLER_ERRORS,
    cases=(
        Case(
            name="providers",
            title="All providers",
            prose="Shortened.",
            response={
                "object": "list",
                "data": [
                    {
                        "name": "vllm",
                        "title": "vLLM",
                        "base_url": "",
                        "needs_base_url": True,
                        "needs_secret": False,
                        "operations": ["chat", "embeddings"],
                        "documentation": "https://docs.vendor.example",
                    }
                ],
                "next": None,
            },
        ),
    ),
)

"""What a client dialect for media work brings along, so that one pipeline serves every family."""

import importlib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

import modelgate.formats
from modelgate.core import errors
from modelgate.core.endpoints import KEY_ERRORS, Endpoint
from modelgate.core.errors import ModelgateError
from modelgate.core.records import Task, TaskState
from modelgate.formats.media.requests import MediaRequest, fills_dialog

READ_ERRORS: tuple[type[ModelgateError], ...] = (*KEY_ERRORS, errors.RateExceeded, errors.Overloaded)
"""What looking at tasks may meet."""
FETCH_ERRORS: tuple[type[ModelgateError], ...] = (*READ_ERRORS, errors.TaskNotFound)
"""What looking at one task may meet."""
SUBMIT_ERRORS: tuple[type[ModelgateError], ...] = (
    *READ_ERRORS,
    errors.InvalidRequest,
    errors.BodyTooLarge,
    errors.ModelNotAllowed,
    errors.UnknownModel,
    errors.UnpricedModel,
    errors.BalanceExhausted,
    errors.LimitExhausted,
    errors.UpstreamRefused,
    errors.UpstreamError,
    errors.NoUpstream,
)
"""What starting a task may meet."""
JSON_SUBMIT_ERRORS: tuple[type[ModelgateError], ...] = (*SUBMIT_ERRORS, errors.UnsupportedMediaType)
"""The same where a form is not taken."""


class MediaCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sent to a route: `values` fill the path's placeholders, `alias` is the prefix by which the path came, where it was not
    the family's own. `operations_of(model)` tells what a model can be asked for."""

    body: bytes | bytearray = b""
    content_type: str = ""
    values: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    alias: str = ""
    operations_of: Callable[[str], tuple[str, ...]] = lambda model: ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Which tasks of an account a list shows, newest first: `limit` of them, after the task `after`, `offset` further on."""

    limit: int
    after: str = ""
    offset: int = 0


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What a client wants, made neutral.

    `facts`: the dialect's own, as JSON bytes (`Task.facts`). `callback_url`: where the caller wants to hear of changes. `written`: how the
    caller wrote what the neutral request says otherwise, by its field.
    """

    request: MediaRequest
    operation: str
    facts: bytes = b"{}"
    callback_url: str = ""
    written: Mapping[str, str] = {}

    @property
    def parent_states(self) -> tuple[TaskState, ...]:
        """Return what the task that it builds on may be in."""
        return ("waiting_input", "running") if fills_dialog(self.operation) else ("succeeded",)


class InputRules(msgspec.Struct, frozen=True, kw_only=True):
    """What a family takes as an input file of one role. `field` is its name for messages, `url_field` that of a place for addresses alone.

    Pictures are opened: `min_side_pixels` and `max_ratio` (the longer side by the shorter; 0: any) hold for them, and `same_size_as`: the
    role of the pictures whose size they must have, one by one, and `same_ratio_as`: that of the one picture whose shape they must have.
    Other kinds are told by their first bytes; a clip lasts from `shortest_s` to `longest_s` (0: any), where its head tells its length.
    """

    field: str
    content_types: tuple[str, ...]
    max_bytes: int
    min_side_pixels: int = 1
    max_ratio: float = 0.0
    same_size_as: str = ""
    same_ratio_as: str = ""
    shortest_s: int = 0
    longest_s: int = 0

    def within(self, other: "InputRules") -> "InputRules":
        """Return these rules where others hold too; what the field is called stays."""
        return msgspec.structs.replace(
            self,
            content_types=tuple(name for name in self.content_types if name in other.content_types),
            max_bytes=min(self.max_bytes, other.max_bytes),
            min_side_pixels=max(self.min_side_pixels, other.min_side_pixels),
            max_ratio=min(self.max_ratio or other.max_ratio, other.max_ratio or self.max_ratio),
            shortest_s=max(self.shortest_s, other.shortest_s),
            longest_s=min(self.longest_s or other.longest_s, other.longest_s or self.longest_s),
        )

    url_field: str = ""


Action = Literal["submit", "make", "quote", "fetch", "fetch_many", "list", "events", "cancel", "content", "file", "answer"]


class MediaRoute(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint of a family and what it does.

    `submit` starts the task that `decode(call) -> Ask` asks for; `make` waits for its end too. `fetch` shows the task `{task_id}` of the
    path, `fetch_many` those whose ids `decode(call)` returns, `cancel` ends one, `content` gives its first file (`decode(call)` may refuse
    what is asked for), `file` gives it to whoever knows the id, `events` streams its changes. `list` shows the `Page` that `decode(call)`
    returns, by `encode(pairs, page=…, has_more=…, request_id=…)`.
    `quote` prices an ask: `encode(model=…, operation=…, amount_nanos=…, price=…, request_id=…)`. `answer` says something without a task:
    `encode(call, request_id=…)`.
    `encode(task, urls=…, request_id=…)` takes the place of the family's own encoder; for `fetch_many` it takes pairs of a task and its
    urls. `encode_error` takes the place of the family's as well. `with_parent(ask, task) -> Ask` may look at the task that the ask builds
    on. `lacks(task)`: its vendor has to be asked before it can be shown. `inputs` are the rules for files by role; `field_names`: how
    this route calls what the family calls otherwise; `status` is that of a good answer: with 204 it is empty.
    """

    endpoint: Endpoint
    action: Action
    decode: Callable[[MediaCall], Any] | None = None
    inputs: Mapping[str, InputRules] = {}
    encode: Callable[..., bytes] | None = None
    encode_error: Callable[..., tuple[int, bytes]] | None = None
    with_parent: Callable[[Ask, Task], Ask] | None = None
    lacks: Callable[[Task], bool] | None = None
    field_names: Mapping[str, str] = {}
    status: int = 200


class MediaFamily(msgspec.Struct, frozen=True, kw_only=True):
    """One client dialect: its routes and how it words tasks and errors. All functions are pure.

    encode_submitted(task, urls=…, request_id=…) -> JSON and encode_fetched(task, urls=…, request_id=…) -> JSON, `urls` one for each
    output, empty for one without a file; encode_error(error, request_id=…) -> (HTTP status, JSON). `prefix` is the path all its routes
    share; `aliases`: other prefixes -> what they stand for; `field_names`: how fields, options and roles of the neutral request are called
    here, where otherwise. `kinds`: which kinds of tasks it can show. `preview_path`: the path of its route `file`, where that shows tasks
    that still run too; empty: it has no previews. `tells_progress`: its clients expect to hear of progress at the address they gave, not of
    states alone.
    """

    name: str
    prefix: str
    routes: tuple[MediaRoute, ...]
    encode_submitted: Callable[..., bytes]
    encode_fetched: Callable[..., bytes]
    encode_error: Callable[..., tuple[int, bytes]]
    field_names: Mapping[str, str] = {}
    aliases: Mapping[str, str] = {}
    kinds: frozenset[str] = frozenset(("image", "video", "music"))
    preview_path: str = ""
    tells_progress: bool = False

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return every prefix of a path that is this family's."""
        return (self.prefix, *self.aliases)


def load_media_families() -> tuple[MediaFamily, ...]:
    """Return every media family: each package of `formats` that has a module `family` holding `FAMILY`.

    Raises:
        TypeError: a module `family` without one.
    """
    families: list[MediaFamily] = []
    for package in pkgutil.iter_modules(modelgate.formats.__path__, "modelgate.formats."):
        if not package.ispkg or package.name == "modelgate.formats.media":
            continue
        found = importlib.util.find_spec(f"{package.name}.family")
        if found is None:
            continue
        family = getattr(importlib.import_module(found.name), "FAMILY", None)
        if not isinstance(family, MediaFamily):
            raise TypeError(f"{found.name} must hold FAMILY, a MediaFamily")
        families.append(family)
    return tuple(families)

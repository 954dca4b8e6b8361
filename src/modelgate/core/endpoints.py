"""An endpoint is declared once: the gateway routes it, the portal documents it, tests iterate over its cases."""

from typing import Any, Literal

import msgspec

from modelgate.core.errors import DisabledKey, ExpiredKey, ForeignAddress, InvalidKey, MissingKey, ModelgateError
from modelgate.core.records import Json

Home = Literal["relay", "desk"]
"""The process that answers: one call long, or with a database at hand."""


KEY_ERRORS: tuple[type[ModelgateError], ...] = (MissingKey, InvalidKey, ExpiredKey, DisabledKey, ForeignAddress)
"""What a call with a key may meet because of it."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One named way to use an endpoint, with examples that the conformance tests send and compare.

    `name` is a slug, unique in its endpoint; `prose` is Markdown. `path_values` fill the path's parameters, `query` and `headers` are what
    the request says besides. In a form a value that begins with `@` names a file.
    """

    name: str
    title: str
    prose: str
    request: Json | None = None
    response: Json | None = None
    status: int = 200
    path_values: dict[str, str] = {}
    query: dict[str, str] = {}
    headers: dict[str, str] = {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One method on one path.

    `path` holds parameters in braces: `/kling/v1/images/generations/{task_id}`. `request`, `response` and `error` are types that
    msgspec can describe, None for no body (or, for a response, a body without a schema of `content_type`); `query` and `headers` are
    structs of the query's parameters and of the headers that mean something here, under their own names. `errors` are those a caller may
    meet besides the unexpected one, `statuses` those that this dialect answers with another status than the error's own.
    `request_type` is the content type of requests. `price_unit` says what is counted (`image`, `token`), empty when it is free.
    """

    method: str
    path: str
    name: str
    family: str
    home: Home
    summary: str
    description: str
    request: Any = None
    response: Any = None
    error: Any = None
    query: Any = None
    headers: Any = None
    errors: tuple[type[ModelgateError], ...] = ()
    statuses: dict[type[ModelgateError], int] = {}
    request_type: str = "application/json"
    price_unit: str = ""
    content_type: str = "application/json"
    needs_key: bool = True
    cases: tuple[Case, ...] = ()

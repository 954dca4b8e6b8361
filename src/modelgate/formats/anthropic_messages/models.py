"""GET /v1/models and GET /v1/models/{model} in this dialect: rows in, JSON out, page by page."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import parse_qs

import msgspec

from modelgate.core.errors import InvalidRequest

DEFAULT_LIMIT = 20
MAX_LIMIT = 1000
MAX_QUERY_FIELDS = 32


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of one model. `created_at` is in unix seconds; limits in tokens, None where they are not known."""

    id: str
    created_at: int = 0
    display_name: str = ""
    max_input_tokens: int | None = None
    max_tokens: int | None = None


class ModelInfo(msgspec.Struct, frozen=True, kw_only=True):
    """One model. Times are RFC 3339; what is not known is not said."""

    id: str
    display_name: str
    created_at: str
    max_input_tokens: int | msgspec.UnsetType = msgspec.UNSET
    max_tokens: int | msgspec.UnsetType = msgspec.UNSET
    type: Literal["model"] = msgspec.field(default="model")


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """One page of models; `first_id` and `last_id` are cursors for the pages beside it."""

    data: list[ModelInfo]
    has_more: bool
    first_id: str | None
    last_id: str | None


class PageAsk(msgspec.Struct, frozen=True, kw_only=True):
    """Which page is asked for. At most one of the cursors is set."""

    limit: int = DEFAULT_LIMIT
    after_id: str = ""
    before_id: str = ""


def parse_page(query: str) -> PageAsk:
    """Return which page a query asks for; what else stands in it is passed over.

    Raises:
        InvalidRequest: a limit that is no number or out of range, or both cursors.
    """
    try:
        fields = parse_qs(query, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError:
        raise InvalidRequest("The query has too many fields.", code="invalid_value") from None
    limit = fields.get("limit", [str(DEFAULT_LIMIT)])[-1]
    if not (limit.isascii() and limit.isdigit() and len(limit) <= 4 and 1 <= int(limit) <= MAX_LIMIT):
        raise InvalidRequest(f"limit: Input should be between 1 and {MAX_LIMIT}", param="limit", code="invalid_value")
    after, before = fields.get("after_id", [""])[-1], fields.get("before_id", [""])[-1]
    if after and before:
        raise InvalidRequest("after_id: cannot be given with before_id", param="after_id", code="invalid_value")
    return PageAsk(limit=int(limit), after_id=after, before_id=before)


def encode_models(rows: Sequence[ModelRow], ask: PageAsk) -> bytes:
    """Return one page of models, newest first. A cursor that names no model is past the end: the page is empty."""
    ordered = sorted(rows, key=lambda row: (-row.created_at, row.id))
    ids = [row.id for row in ordered]
    if ask.after_id:
        rest = ordered[ids.index(ask.after_id) + 1 :] if ask.after_id in ids else []
        page, has_more = rest[: ask.limit], len(rest) > ask.limit
    elif ask.before_id:
        rest = ordered[: ids.index(ask.before_id)] if ask.before_id in ids else []
        page, has_more = rest[-ask.limit :], len(rest) > ask.limit
    else:
        page, has_more = ordered[: ask.limit], len(ordered) > ask.limit
    data = [_info(row) for row in page]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return msgspec.json.encode(ModelPage(data=data, has_more=has_more, first_id=first, last_id=last))


def encode_model(row: ModelRow) -> bytes:
    """Return one model."""
    return msgspec.json.encode(_info(row))


def _info(row: ModelRow) -> ModelInfo:
    created = datetime.fromtimestamp(row.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return ModelInfo(
        id=row.id,
        display_name=row.display_name or row.id,
        created_at=created,
        max_input_tokens=msgspec.UNSET if row.max_input_tokens is None else row.max_input_tokens,
        max_tokens=msgspec.UNSET if row.max_tokens is None else row.max_tokens,
    )

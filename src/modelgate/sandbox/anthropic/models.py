"""Which models the make-believe Anthropic lists, and what it says of them."""

from collections.abc import Mapping

from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.magic import CHAT_MODEL, MODEL_PREFIX, is_served

MAX_INPUT_TOKENS = 200_000
UNLISTED_OUTPUT_TOKENS = 1_000_000
"""What a model that is served but not listed may say at most."""

PAGE = 20
MAX_PAGE = 1_000
_CREATED_AT = "2026-01-01T00:00:00Z"
_LISTED = {
    "claude-opus-4-5": ("Claude Opus 4.5", "2025-11-24T00:00:00Z", 64_000),
    "claude-haiku-4-5": ("Claude Haiku 4.5", "2025-10-15T00:00:00Z", 64_000),
    "claude-sonnet-4-5": ("Claude Sonnet 4.5", "2025-09-29T00:00:00Z", 64_000),
    **{model: (model, _CREATED_AT, UNLISTED_OUTPUT_TOKENS) for model in (CHAT_MODEL, *(MODEL_PREFIX + word for word in MAGIC_WORDS))},
}
"""Display name, date of release and most output tokens; the newest first. Other names are served too, see `is_served`."""

MODELS = tuple(_LISTED)


def most_output_tokens(model: str) -> int:
    """Return the highest `max_tokens` that a model takes."""
    return _LISTED[model][2] if model in _LISTED else UNLISTED_OUTPUT_TOKENS


def check_served(model: str) -> None:
    """Refuse a model that is not served, with the vendor's 404. Raises Refused."""
    if not is_served(model):
        raise Refused(f"model: {model[:200]}", status=404)


def describe_model(model: str) -> dict[str, Json]:
    """Return what the vendor says of a model. Raises Refused."""
    check_served(model)
    name, created_at, most = _LISTED.get(model, (model, _CREATED_AT, UNLISTED_OUTPUT_TOKENS))
    return {
        "type": "model",
        "id": model,
        "display_name": name,
        "created_at": created_at,
        "lifecycle": "active",
        "max_input_tokens": MAX_INPUT_TOKENS,
        "max_tokens": most,
    }


def list_models(query: Mapping[str, str]) -> dict[str, Json]:
    """Return a page of models: the first, or those after `after_id`, or those right before `before_id`. Raises Refused."""
    limit = _limit(query.get("limit", str(PAGE)))
    after, before = query.get("after_id"), query.get("before_id")
    if after is not None and before is not None:
        raise Refused("Only one of `after_id` and `before_id` may be given")
    if before is not None:
        end = _place(before, name="before_id")
        start = max(end - limit, 0)
        has_more = start > 0
    else:
        start = 0 if after is None else _place(after, name="after_id") + 1
        end = start + limit
        has_more = end < len(MODELS)
    page = MODELS[start:end]
    return {
        "data": [describe_model(model) for model in page],
        "has_more": has_more,
        "first_id": page[0] if page else None,
        "last_id": page[-1] if page else None,
    }


def _limit(given: str) -> int:
    if not given.isdecimal() or len(given) > 9:
        raise Refused("limit: Input should be a valid integer, unable to parse string as an integer")
    if not 1 <= int(given) <= MAX_PAGE:
        raise Refused(f"limit: Input should be between 1 and {MAX_PAGE}")
    return int(given)


def _place(model: str, *, name: str) -> int:
    if model not in MODELS:
        raise Refused(f"{name}: no such model: {model[:200]}")
    return MODELS.index(model)

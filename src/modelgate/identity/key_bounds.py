"""What a key may be told, for the command line and the account API alike."""

from collections.abc import Sequence
from typing import Final

from modelgate.identity.keys import ANY_END, parse_networks

MAX_NAME_LENGTH: Final = 200
MAX_GROUP_LENGTH: Final = 100
MAX_RATE_LIMIT: Final = 1_000_000_000
MAX_CACHE_S: Final = 86_400
MAX_EXPIRY_DAYS: Final = 36_500
"""Of a span of time; a day may be any that calendars name."""
MAX_EXPIRY_AT: Final = 253_402_300_799
"""The last second of the year 9999."""
MAX_MODELS: Final = 500
MAX_MODEL_LENGTH: Final = 200
MAX_NETWORKS: Final = 200
MAX_NETWORK_LENGTH: Final = 64
MAX_GRACE_S: Final = 30 * 86_400


def check_expiry(expires_at: float | None, *, now: float) -> None:
    """Raise ValueError when a key could not end then; None is never."""
    if expires_at is None:
        return
    if expires_at <= now:
        raise ValueError("it is in the past")
    if expires_at > MAX_EXPIRY_AT:
        raise ValueError("it is behind the year 9999")


def clean_names(names: Sequence[str]) -> tuple[str, ...]:
    """Return names without the space around them and without twins. Raises ValueError for an empty one."""
    cleaned = tuple(dict.fromkeys(name.strip() for name in names))
    if "" in cleaned:
        raise ValueError("an empty name is none")
    return cleaned


def clean_models(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of models, and beginnings such as `gpt-*`, as they are kept. Raises ValueError for what would match nothing."""
    cleaned = clean_names(names)
    for name in cleaned:
        if ANY_END in name[:-1]:
            raise ValueError(f"{name!r} is not a model's name: {ANY_END} stands at its end only, as in gpt-*")
    return cleaned


def clean_networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Return IP addresses and networks as they are kept, checked. Raises ValueError for what is none."""
    cleaned = clean_names(texts)
    parse_networks(cleaned)
    return cleaned

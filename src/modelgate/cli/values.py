"""Values of options as people write them: money, times, lists, and the words that mean "no bound"."""

import re
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import click
from click.core import ParameterSource
from msgspec import UNSET

from modelgate.core.money import parse_usd, render_usd
from modelgate.identity.key_bounds import (
    MAX_CACHE_S,
    MAX_EXPIRY_DAYS,
    MAX_GRACE_S,
    MAX_MODEL_LENGTH,
    MAX_MODELS,
    MAX_NETWORKS,
    MAX_RATE_LIMIT,
    check_expiry,
    clean_models,
    clean_networks,
)

NO_WORDS = frozenset(("none", "never", "any", "unlimited"))

_SPAN = re.compile(r"(\d{1,9})([smhdw])")
_SPAN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Parsed(click.ParamType[Any]):
    """An option's type made of a function that raises ValueError with a text for people."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Show the words to type as they are typed."""
        del param, ctx
        return self.name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:  # click's signature
        """Parse what was typed."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def parse_amount(text: str) -> int:
    """Return nano-USD above zero."""
    nanos = parse_usd(text)
    if nanos <= 0:
        raise ValueError(f"{text!r} is not above zero")
    return nanos


def parse_limit(text: str) -> int | None:
    """Return nano-USD from zero up; None for `none`."""
    if text.lower() in NO_WORDS:
        return None
    nanos = parse_usd(text)
    if nanos < 0:
        raise ValueError(f"{text!r} is below zero")
    return nanos


def parse_count(text: str) -> int | None:
    """Return a rate limit of at least 1; None for `none`."""
    if text.lower() in NO_WORDS:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_RATE_LIMIT:
        raise ValueError(f"{text!r} is not a whole number from 1 to {MAX_RATE_LIMIT}, or none")
    return int(text)


def parse_cache_seconds(text: str) -> int | None:
    """Return seconds that an answer may be old; None for `none`."""
    if text.lower() in NO_WORDS:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MAX_CACHE_S:
        raise ValueError(f"{text!r} is not a whole number of seconds from 1 to {MAX_CACHE_S}, or none")
    return int(text)


def parse_list(text: str) -> tuple[str, ...]:
    """Return the parts between commas, each once; none for `any`."""
    if text.lower() in NO_WORDS:
        return ()
    return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))


def parse_span(text: str) -> float:
    """Return the seconds of a span such as `90s`, `30m`, `12h`, `30d`, `2w`."""
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a span of time such as 30m, 12h, 30d")
    seconds = int(found[1]) * _SPAN_SECONDS[found[2]]
    if seconds > MAX_EXPIRY_DAYS * 86_400:
        raise ValueError(f"{text!r} is longer than {MAX_EXPIRY_DAYS} days")
    return float(seconds)


def parse_grace(text: str) -> float:
    """Return the seconds of a span within the bound of what an old secret may still work."""
    seconds = parse_span(text)
    if seconds > MAX_GRACE_S:
        raise ValueError(f"{text!r} is longer than {MAX_GRACE_S // 86_400} days")
    return seconds


def parse_expiry(text: str, now: Callable[[], float] = time.time) -> float | None:
    """Return when something ends, in seconds since the epoch: a span from now, a day (to its end, UTC), or a time; None for `never`."""
    if text.lower() in NO_WORDS:
        return None
    if _SPAN.fullmatch(text.strip()):
        return now() + parse_span(text)
    try:
        if len(text.strip()) == len("2026-12-31"):
            moment = datetime.combine(date.fromisoformat(text.strip()) + timedelta(days=1), datetime.min.time(), UTC)
        else:
            moment = datetime.fromisoformat(text.strip())
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        raise ValueError(f"{text!r} is not a day (2026-12-31), a time (2026-12-31T18:00Z), a span (30d) or never") from None
    try:
        check_expiry(seconds, now=now())
    except ValueError as error:
        raise ValueError(f"{text!r} cannot be used: {error}") from None
    return seconds


def parse_model_map(text: str) -> dict[str, str]:
    """Return the caller's model name to the upstream's, of `a,b=upstream-name`; none for `any`."""
    pairs = {}
    for part in parse_list(text):
        name, equals, upstream_name = (piece.strip() for piece in part.partition("="))
        if not name or (equals and not upstream_name):
            raise ValueError(f"{part!r} is neither a model name nor name=upstream-name")
        pairs[name] = upstream_name or name
    return pairs


def parse_models_list(text: str) -> tuple[str, ...]:
    """Return the names of models, and beginnings such as `gpt-*`, between commas, within the bounds of a key's list; none for `any`."""
    names = clean_models(parse_list(text))
    if len(names) > MAX_MODELS:
        raise ValueError(f"{len(names)} models are more than the {MAX_MODELS} that a key can be bound to")
    for name in names:
        if len(name) > MAX_MODEL_LENGTH:
            raise ValueError(f"{name[:40] + '…'!r} is longer than the {MAX_MODEL_LENGTH} characters of a model's name")
    return names


def parse_networks_list(text: str) -> tuple[str, ...]:
    """Return IP addresses and networks between commas, checked; none for `any`."""
    networks = clean_networks(parse_list(text))
    if len(networks) > MAX_NETWORKS:
        raise ValueError(f"{len(networks)} addresses and networks are more than the {MAX_NETWORKS} that a key can be bound to")
    return networks


def show_time(seconds: float | None) -> str:
    """Return a time in UTC as people read it; `never` for None."""
    return "never" if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def show_usd(nanos: int | None) -> str:
    """Return an amount in USD; `none` for no bound."""
    return "none" if nanos is None else render_usd(nanos)


AMOUNT = Parsed("USD", parse_amount)
LIMIT = Parsed("USD|none", parse_limit)
COUNT = Parsed("N|none", parse_count)
SECONDS = Parsed("SECONDS|none", parse_cache_seconds)
MODELS = Parsed("A,B|any", parse_models_list)
NETWORKS = Parsed("IP,NET|any", parse_networks_list)
MODEL_MAP = Parsed("A,B=UPSTREAM-NAME|any", parse_model_map)
EXPIRY = Parsed("DAY|TIME|SPAN|never", parse_expiry)
GRACE = Parsed("SPAN", parse_grace)


def given_only(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Tell "not given" (`UNSET`) from "none" (None): the callback of options that leave things as they are."""
    is_given = context.get_parameter_source(parameter.name or "") is not ParameterSource.DEFAULT
    return value if is_given else UNSET

"""Values of options as people write them."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click
import pytest
from click.testing import CliRunner
from msgspec import UNSET

from modelgate.cli.values import (
    LIMIT,
    given_only,
    parse_amount,
    parse_count,
    parse_expiry,
    parse_grace,
    parse_limit,
    parse_list,
    parse_model_map,
    parse_models_list,
    parse_networks_list,
    parse_span,
    show_time,
    show_usd,
)
from modelgate.identity.key_bounds import MAX_MODEL_LENGTH, MAX_MODELS, MAX_NETWORKS

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC).timestamp()


def at(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[arg-type, misc]  # year, month, day, …


@pytest.mark.parametrize(
    ("parse", "text", "value"),
    [
        (parse_amount, "12.50", 12_500_000_000),
        (parse_amount, "$1", 1_000_000_000),
        (parse_limit, "0", 0),
        (parse_limit, "None", None),
        (parse_count, "60", 60),
        (parse_count, "none", None),
        (parse_list, "a, b,,a", ("a", "b")),
        (parse_list, "any", ()),
        (parse_span, "90s", 90.0),
        (parse_span, "30m", 1800.0),
        (parse_span, "12h", 43_200.0),
        (parse_span, "30d", 2_592_000.0),
        (parse_span, "2w", 1_209_600.0),
        (parse_grace, "30d", 2_592_000.0),
        (parse_models_list, "a, b*,a", ("a", "b*")),
        (parse_model_map, "a,b=c", {"a": "a", "b": "c"}),
        (parse_model_map, "any", {}),
        (parse_networks_list, "10.0.0.0/8, 2001:db8::1", ("10.0.0.0/8", "2001:db8::1")),
        (parse_networks_list, "any", ()),
    ],
)
def test_what_is_taken(parse: Callable[[str], Any], text: str, value: object) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_amount, "0"),
        (parse_amount, "-1"),
        (parse_amount, "none"),
        (parse_amount, "ten"),
        (parse_amount, "0.0000000001"),
        (parse_limit, "-0.01"),
        (parse_count, "0"),
        (parse_count, "1.5"),
        (parse_count, "-3"),
        (parse_count, "²"),
        (parse_count, "1000000001"),
        (parse_span, "30"),
        (parse_span, "1y"),
        (parse_span, "999999999w"),
        (parse_model_map, "=a"),
        (parse_model_map, "a="),
        (parse_networks_list, "10.0.0.0/8,nowhere"),
        (parse_networks_list, ",".join(f"10.0.0.{number}" for number in range(MAX_NETWORKS + 1))),
        (parse_models_list, ",".join(f"m{number}" for number in range(MAX_MODELS + 1))),
        (parse_models_list, "gpt-4o,gpt-*-mini"),
        (parse_models_list, "m" * (MAX_MODEL_LENGTH + 1)),
        (parse_grace, "31d"),
    ],
)
def test_what_is_refused(parse: Callable[[str], Any], text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(text)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("never", None),
        ("30d", NOW + 30 * 86_400),
        ("2026-12-31", at(2027, 1, 1)),
        ("2026-11-23", at(2026, 11, 24)),
        ("2026-12-31T18:00Z", at(2026, 12, 31, 18)),
        ("2026-12-31T18:00", at(2026, 12, 31, 18)),
        ("2026-12-31T18:00+02:00", at(2026, 12, 31, 16)),
    ],
)
def test_when_something_ends(text: str, moment: float | None) -> None:
    assert parse_expiry(text, now=lambda: NOW) == moment


@pytest.mark.parametrize("text", ["2026-11-22", "2020-01-01T00:00Z", "soon", "2026-13-01", "31.12.2026", "9999-12-31"])
def test_an_end_in_the_past_or_in_no_calendar_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=text):
        parse_expiry(text, now=lambda: NOW)


def test_what_is_shown() -> None:
    assert show_time(NOW) == "2026-11-23 12:00 UTC"
    assert show_time(None) == "never"
    assert (show_usd(1_500_000_000), show_usd(0), show_usd(None)) == ("1.50", "0.00", "none")


def test_none_and_not_given_are_told_apart() -> None:
    seen: list[object] = []

    @click.command()
    @click.option("--limit", type=LIMIT, callback=given_only)
    def command(limit: object) -> None:
        seen.append(limit)

    for arguments in ([], ["--limit", "none"], ["--limit", "2"]):
        assert CliRunner().invoke(command, arguments).exit_code == 0
    assert seen == [UNSET, None, 2_000_000_000]
    refused = CliRunner().invoke(command, ["--limit", "much"])
    assert refused.exit_code == 2
    assert "'much' is not an amount in USD" in refused.stderr

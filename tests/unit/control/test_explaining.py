"""Why this route, why this price, why refused."""

from fractions import Fraction

import msgspec
import pytest

from modelgate.control.explaining import CandidateNow, explain_price, explain_refusal, explain_route, parse_formula
from modelgate.core.log import LogPosition, LogRow
from modelgate.core.records import RequestFacts
from modelgate.core.usage import Usage
from modelgate.gateway.call import units_of
from modelgate.metering.prices import Price, PriceEntry

RATES = {
    "input": "2.50",
    "cached": "1.25",
    "cache_write": "3",
    "audio_input": "40",
    "output": "10.00",
    "image_output": "30",
    "image": "0.04",
    "second": "0.1",
    "characters": "15",
    "call": "0.001",
}


def row(usage: Usage, price: Price, **changes: object) -> LogRow:
    """Return the row that a call leaves behind."""
    facts = RequestFacts(
        "m",
        1,
        "req_1",
        "acct_1",
        "key_1",
        "live",
        "openai_chat",
        cached_tokens=usage.cached_tokens,
        units=units_of(usage),
        price=price.formula,
    )
    values = {
        "kind": "request",
        "position": LogPosition(1.0, 0, "inc_1/1"),
        "request_id": "req_1",
        "account": "acct_1",
        "key": "key_1",
        "book": "live",
        "model": "m",
        "upstream": "up_a",
    }
    made = {
        "endpoint": "openai_chat",
        "status": 200,
        "error": "",
        "outcome": "captured",
        "facts": facts,
        "amount_nanos": price.charge(usage),
        "attempts": 1,
    }
    counted = {"input_tokens": usage.input_tokens, "output_tokens": usage.output_tokens, "cached_tokens": usage.cached_tokens}
    return LogRow(**{**values, **made, **counted, **changes})  # type: ignore[arg-type]  # by name


@pytest.mark.parametrize("multiplier", [Fraction(1), Fraction(6, 5), Fraction(1, 3)])
@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=1200, output_tokens=300, cached_tokens=200),
        Usage(input_tokens=1001, output_tokens=7, cached_tokens=3, cache_write_tokens=5, input_audio_tokens=11, output_image_tokens=2),
        Usage(input_tokens=0, output_tokens=0, images=3, variant="high"),
        Usage(input_tokens=0, output_tokens=0, milliseconds=12_345, characters=77),
    ],
    ids=str,
)
def test_the_parts_sum_up_to_what_was_charged(usage: Usage, multiplier: Fraction) -> None:
    price = Price(PriceEntry(model="m", rates=RATES), multiplier=multiplier)
    found = explain_price(row(usage, price))
    assert found is not None
    assert found.sum_nanos == price.charge(usage)
    assert found.text.endswith(" USD.")


def test_a_part_without_a_rate_costs_what_its_whole_costs() -> None:
    usage = Usage(input_tokens=10, output_tokens=4, cached_tokens=6, output_audio_tokens=1)
    price = Price(PriceEntry(model="m", rates={"input": "1", "output": "2"}))
    found = explain_price(row(usage, price))
    assert found is not None
    assert {part.unit: (part.count, part.rate) for part in found.parts} == {
        "input": (4, "1"),
        "cached": (6, "1"),
        "output": (3, "2"),
        "audio_output": (1, "2"),
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount_nanos": 1, "estimated": True}, "an estimate is never above what was held"),
        ({"amount_nanos": 0, "outcome": "released"}, "nothing was charged"),
        ({"amount_nanos": 5}, "not kept beside it"),
    ],
)
def test_another_amount_is_explained(changes: dict[str, object], words: str) -> None:
    price = Price(PriceEntry(model="m", rates={"input": "1", "output": "2"}))
    found = explain_price(row(Usage(input_tokens=10, output_tokens=4), price, **changes))
    assert found is not None
    assert words in found.text


def test_an_answer_from_the_cache_is_explained() -> None:
    price = Price(PriceEntry(model="m", rates={"input": "1"}))
    made = row(Usage(calls=0), price, amount_nanos=3)
    assert made.facts is not None
    found = explain_price(msgspec.structs.replace(made, facts=msgspec.structs.replace(made.facts, note="cache_hit")))
    assert found is not None
    assert "from the cache" in found.text


def test_free_and_unreadable_prices() -> None:
    free = explain_price(row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True))))
    assert free is not None
    assert (free.sum_nanos, free.formula) == (0, "free")
    made = row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True)))
    assert made.facts is not None
    other = explain_price(msgspec.structs.replace(made, facts=msgspec.structs.replace(made.facts, price="something else 7")))
    assert other is not None
    assert other.sum_nanos is None
    assert explain_price(msgspec.structs.replace(made, facts=None)) is None


def test_a_formula_is_read_as_it_is_rendered() -> None:
    price = Price(PriceEntry(model="m", rates=RATES), multiplier=Fraction(6, 5))
    assert parse_formula(price.formula) == (RATES, Fraction(6, 5))


NOW = [
    CandidateNow(upstream="up_c", name="c", priority=9, weight=1),
    CandidateNow(upstream="up_a", name="a", priority=5, weight=3),
    CandidateNow(upstream="up_d", name="d", priority=5, weight=1),
    CandidateNow(upstream="up_e", name="e", priority=0, weight=1),
]


def test_tries_come_in_order_then_who_was_not_asked() -> None:
    made = row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True)), attempts=2)
    assert made.facts is not None
    made = msgspec.structs.replace(
        made, facts=msgspec.structs.replace(made.facts, tried=("up_gone:429 rate_limit_exceeded", "up_c:502 upstream_unreachable"))
    )
    steps = explain_route(made, NOW)
    assert [(step.upstream, step.outcome) for step in steps] == [
        ("up_gone", "failed"),
        ("up_c", "failed"),
        ("up_a", "answered"),
        ("up_d", "not_asked"),
        ("up_e", "not_asked"),
    ]
    assert steps[0].priority is None
    assert "does not serve the model now" in steps[0].why
    assert "by weight: 1 to 3 as configured now" in steps[3].why
    assert "lower than 5" in steps[4].why


def test_a_higher_one_that_was_not_asked_is_explained() -> None:
    steps = explain_route(row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True))), NOW)
    assert [step.outcome for step in steps] == ["answered", "not_asked", "not_asked", "not_asked"]
    assert "resting after failures" in steps[1].why


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": 429, "error": "insufficient_quota", "outcome": "refused"}, "credit"),
        ({"status": 404, "error": "model_not_found", "outcome": "refused"}, "Correct the name"),
        ({"status": 400, "error": "unsupported_operation", "outcome": "refused"}, "Ask another model"),
        ({"status": 400, "error": "made_up", "outcome": "refused"}, "Correct what the message names"),
        ({"status": 529, "error": "made_up", "outcome": "released"}, "add another upstream"),
        ({"status": 0, "error": "orphaned", "outcome": "orphaned"}, "may try again"),
    ],
)
def test_why_it_was_refused_and_what_mends_it(changes: dict[str, object], words: str) -> None:
    found = explain_refusal(row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True)), **changes))
    assert found is not None
    assert words in found.fix


def test_what_was_answered_is_no_refusal() -> None:
    assert explain_refusal(row(Usage(input_tokens=1), Price(PriceEntry(model="m", free=True)))) is None

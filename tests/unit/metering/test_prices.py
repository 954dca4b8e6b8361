from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.records import PriceRow
from modelgate.core.usage import MAX_UNITS, Usage
from modelgate.metering.price_list import read_shipped_prices
from modelgate.metering.prices import (
    DEFAULT_OUTPUT_TOKENS,
    IMAGE_TOKENS,
    MAX_CHARGE_NANOS,
    Price,
    PriceBook,
    PriceEntry,
    check_row,
    parse_multiplier,
    parse_rate,
)


def price(rates: dict[str, str], **more: object) -> Price:
    return Price(PriceEntry(model="m", rates=rates, **more))  # type: ignore[arg-type]


def book(*rows: PriceRow, groups: dict[str, str] | None = None) -> PriceBook:
    entries = (
        PriceEntry(
            model="big",
            provider="acme",
            aliases=("big-2026",),
            rates={"input": "2.50", "cached": "1.25", "output": "10.00"},
            max_output_tokens=100,
        ),
        PriceEntry(model="toy", provider="acme", rates={"input": "1"}, book="test"),
    )
    return PriceBook(entries, rows, groups or {})


def test_cached_tokens_are_a_part_of_the_input_at_their_own_rate() -> None:
    charged = price({"input": "2.50", "cached": "1.25", "output": "10.00"}).charge(
        Usage(input_tokens=1000, cached_tokens=400, output_tokens=10)
    )

    assert charged == 600 * 2500 + 400 * 1250 + 10 * 10_000


def test_a_part_without_a_rate_costs_what_its_total_costs() -> None:
    usage = Usage(
        input_tokens=100,
        cached_tokens=30,
        cache_write_tokens=20,
        input_audio_tokens=10,
        output_tokens=50,
        reasoning_tokens=40,
        output_audio_tokens=5,
    )

    assert price({"input": "3", "output": "15"}).charge(usage) == 100 * 3000 + 50 * 15_000


def test_every_unit_counts_once() -> None:
    rates = {
        "audio_input": "40",
        "image_input": "5",
        "audio_output": "80",
        "image_output": "30",
        "cache_write": "3.75",
        "input": "3",
        "output": "15",
    }
    rates |= {"characters": "12", "image": "0.04", "second": "0.1", "call": "0.01"}
    usage = Usage(
        input_tokens=100,
        cache_write_tokens=10,
        input_audio_tokens=20,
        input_image_tokens=30,
        output_tokens=90,
        output_audio_tokens=40,
        output_image_tokens=50,
        images=2,
        milliseconds=1500,
        characters=1000,
        calls=1,
    )

    tokens = 40 * 3000 + 10 * 3750 + 20 * 40_000 + 30 * 5000 + 40 * 80_000 + 50 * 30_000
    assert price(rates).charge(usage) == tokens + 80_000_000 + 150_000_000 + 12_000_000 + 10_000_000


def test_tokens_cached_for_an_hour_are_a_part_of_those_written() -> None:
    usage = Usage(input_tokens=100, cached_tokens=50, cache_write_tokens=30, cache_write_1h_tokens=10)
    rates = {"input": "3", "cached": "0.30", "cache_write": "3.75", "cache_write_1h": "6"}

    assert price(rates).charge(usage) == 20 * 3000 + 50 * 300 + 20 * 3750 + 10 * 6000
    del rates["cache_write_1h"]
    assert price(rates).charge(usage) == 20 * 3000 + 50 * 300 + 30 * 3750
    assert price({"input": "3"}).charge(usage) == 100 * 3000


def test_rounds_half_up_once() -> None:
    half = price({"input": "0.0005", "output": "0.0005"})  # half a nano-dollar a token

    assert half.charge(Usage(input_tokens=1)) == 1
    assert half.charge(Usage(input_tokens=1, output_tokens=1)) == 1
    assert half.charge(Usage(input_tokens=2, output_tokens=1)) == 2
    assert price({"input": "0.00049"}).charge(Usage(input_tokens=1)) == 0


def test_two_discounts_on_the_same_tokens_never_pay_out() -> None:
    cheap = price({"input": "10", "cached": "1", "image_input": "1"})

    assert cheap.charge(Usage(input_tokens=10, cached_tokens=10, input_image_tokens=10)) == 0


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input_tokens=-1),
        Usage(output_tokens=-5),
        Usage(input_tokens=10, cached_tokens=-1),
        Usage(input_tokens=10, cached_tokens=11),
        Usage(input_tokens=10, cached_tokens=6, cache_write_tokens=5),
        Usage(input_tokens=10, cache_write_tokens=5, cache_write_1h_tokens=6),
        Usage(input_tokens=10, cache_write_tokens=5, cache_write_1h_tokens=-1),
        Usage(input_tokens=MAX_UNITS + 1),
        Usage(input_tokens=10, input_audio_tokens=11),
        Usage(output_tokens=10, output_image_tokens=-1, output_audio_tokens=1),
        Usage(output_tokens=10, reasoning_tokens=-1),
        Usage(images=-1),
        Usage(milliseconds=MAX_UNITS + 1),
        Usage(calls=-1),
    ],
)
def test_usage_that_cannot_be_is_refused(usage: Usage) -> None:
    """A gateway once took negative usage for credit."""
    with pytest.raises(ValueError, match="cannot be"):
        price({"input": "1", "output": "1", "image": "1", "call": "1"}).charge(usage)


def test_a_charge_beyond_every_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="beyond every bound"):
        price({"image": "1000000"}).charge(Usage(images=MAX_UNITS))


counts = st.integers(0, 10_000_000)
rates = st.decimals(min_value=0, max_value=1000, places=4)


@given(rates, rates, rates, counts, counts, counts, st.decimals(min_value=0, max_value=10, places=3))
def test_agrees_with_plain_decimals(
    per_in: Decimal, per_cached: Decimal, per_out: Decimal, fresh: int, cached: int, output: int, multiplier: Decimal
) -> None:
    prices = PriceBook(
        [PriceEntry(model="m", rates={"input": str(per_in), "cached": str(per_cached), "output": str(per_out)})], (), {"g": str(multiplier)}
    )
    found = prices.find("m", group="g")
    assert found is not None

    exact = (fresh * per_in + cached * per_cached + output * per_out) * 1000 * multiplier

    assert found.charge(Usage(input_tokens=fresh + cached, cached_tokens=cached, output_tokens=output)) == int(
        exact.quantize(Decimal(1), ROUND_HALF_UP)
    )


@given(st.integers(1, 100_000), counts, st.integers(0, 20_000), st.integers(1, 5))
def test_the_estimate_covers_every_usage_within_it(body_bytes: int, prompt: int, answer: int, n: int) -> None:
    rate = price(
        {"input": "1.7", "cache_write": "2.125", "cache_write_1h": "3.4", "cached": "0.17", "output": "9.9", "call": "0.001"},
        context=50_000,
    )
    prompt = min(prompt, body_bytes, 50_000)

    estimate = rate.estimate_chat(body_bytes=body_bytes, images=0, max_output_tokens=answer, n=n)

    assert (
        rate.charge(Usage(input_tokens=prompt, cache_write_tokens=prompt, cache_write_1h_tokens=prompt, output_tokens=answer * n))
        <= estimate
    )


def test_the_estimate_takes_the_smaller_output_limit_and_allows_for_images() -> None:
    rate = price({"input": "1", "output": "1"}, max_output_tokens=50)

    assert rate.estimate_chat(body_bytes=10, images=0, max_output_tokens=None, n=1) == 60_000
    assert rate.estimate_chat(body_bytes=10, images=0, max_output_tokens=7, n=3) == (10 + 21) * 1000
    assert rate.estimate_chat(body_bytes=10, images=0, max_output_tokens=10**12, n=1) == 60_000
    assert rate.estimate_chat(body_bytes=10, images=2, max_output_tokens=0, n=1) == (10 + 2 * IMAGE_TOKENS) * 1000
    assert rate.estimate_chat(body_bytes=10, images=0, max_output_tokens=-1, n=0) == 60_000
    assert price({"output": "1"}).estimate_chat(body_bytes=10, images=0, max_output_tokens=None, n=1) == DEFAULT_OUTPUT_TOKENS * 1000
    assert price({"output": "1000000"}).estimate_chat(body_bytes=1, images=0, max_output_tokens=MAX_UNITS, n=128) == MAX_CHARGE_NANOS


def test_media_is_priced_by_the_piece_and_variant() -> None:
    rate = price({"image": "0.02", "image:with_image": "0.04", "second": "0.084", "call": "0.001"})

    assert rate.charge_media(images=3) == 61_000_000
    assert rate.charge_media(images=3, words=frozenset(("with_image", "pro"))) == 121_000_000
    assert rate.charge_media(images=1, words=frozenset(("unheard",))) == 21_000_000
    assert rate.charge_media(seconds=5) == 421_000_000
    with pytest.raises(ValueError, match="cannot be"):
        rate.charge_media(images=-1)


def test_images_of_a_kind_cost_what_the_kind_costs() -> None:
    rate = price({"image": "0.04", "image:1792x1024-hd": "0.12", "call": "0.001"})
    assert rate.charge(Usage(images=2, variant="1792x1024-hd")) == 241_000_000
    assert rate.charge(Usage(images=2, variant="512x512")) == rate.charge(Usage(images=2)) == 81_000_000
    assert rate.charge(Usage(variant="1792x1024-hd")) == 1_000_000
    with pytest.raises(ValueError, match="cannot be"):
        rate.charge(Usage(images=-1, variant="1792x1024-hd"))


def test_a_group_multiplies_and_an_unknown_one_pays_the_list() -> None:
    prices = book(groups={"vip": "1.2", "staff": "0"})
    usage = Usage(input_tokens=1_000_000)

    assert [found.charge(usage) for group in ("vip", "staff", "default", "nobody") if (found := prices.find("big", group=group))] == [
        3_000_000_000,
        0,
        2_500_000_000,
        2_500_000_000,
    ]
    assert prices.find("big-2026", group="vip").charge(usage) == 3_000_000_000  # type: ignore[union-attr]


def test_a_model_without_a_price_is_refused_unless_free() -> None:
    prices = book()

    assert prices.find("unheard", group="default") is None
    free = prices.find("unheard", group="default", free=True)
    assert free is not None
    assert free.charge(Usage(input_tokens=5, images=3)) == 0
    assert free.formula == "free"
    assert prices.find("big", group="default") is not None


def test_the_operators_row_replaces_all_rates_of_a_model_and_its_aliases() -> None:
    prices = book(
        PriceRow(model="big", rates={"input": "1"}), PriceRow(model="own", rates={"output": "4"}), PriceRow(model="toy", free=True)
    )
    usage = Usage(input_tokens=10, cached_tokens=10, output_tokens=10)

    assert [prices.find(name, group="default").charge(usage) for name in ("big", "big-2026", "own", "toy")] == [10_000, 10_000, 40_000, 0]  # type: ignore[union-attr]
    assert book(PriceRow(model="big-2026", rates={"input": "7"})).find("big", group="default").charge(usage) == 10 * 1250 + 100_000  # type: ignore[union-attr]


def test_models_of_a_provider_and_book() -> None:
    assert book().models_of("acme") == ("big", "big-2026", "toy")
    assert book().models_of("acme", book="live") == ("big", "big-2026")
    assert book().models_of("acme", book="test") == ("big", "big-2026", "toy")
    assert book().models_of("other") == ()


def test_a_name_of_several_vendors_costs_what_its_own_asks() -> None:
    entries = (
        PriceEntry(model="open", provider="acme", rates={"input": "1"}, context=8),
        PriceEntry(model="open", provider="zeta", aliases=("open-z",), rates={"input": "3"}, context=9),
    )
    prices, usage = PriceBook(entries), Usage(input_tokens=1_000_000)

    asked = ("", "acme", "zeta", "zeta", "other")
    assert [prices.find("open", provider=who).charge(usage) // 10**9 for who in asked] == [1, 1, 3, 3, 1]  # type: ignore[union-attr]
    assert (prices.models_of("acme"), prices.models_of("zeta")) == (("open",), ("open", "open-z"))
    assert [prices.entry("open", provider=who).context for who in asked] == [8, 8, 9, 9, 8]  # type: ignore[union-attr]
    own = PriceBook(entries, (PriceRow(model="open", rates={"input": "7"}),))
    assert [own.find("open", provider=who).charge(usage) // 10**9 for who in asked] == [7] * 5  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("inputs", "1"),
        ("input:fast", "1"),
        ("image:", "1"),
        ("input", "-1"),
        ("input", "x"),
        ("input", "NaN"),
        ("call", "1000001"),
        ("call", "1e-19"),
    ],
)
def test_a_rate_that_is_none_is_refused(unit: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"is not|decimals"):
        parse_rate(unit, text)


def test_rows_and_multipliers_are_checked() -> None:
    for row in (PriceRow(model="", free=True), PriceRow(model="m"), PriceRow(model="m", rates={"input": "much"})):
        with pytest.raises(ValueError, match=r"model|rate|price"):
            check_row(row)
    for text in ("-1", "x", "1001", "Infinity"):
        with pytest.raises(ValueError, match="multiplier"):
            parse_multiplier(text)
    with pytest.raises(ValueError, match="multiplier"):
        book(groups={"g": "twice"})


def test_the_formula_names_every_rate() -> None:
    prices = book(groups={"vip": "1.2"})

    assert prices.find("big", group="default").formula == "input 2.50/M + cached 1.25/M + output 10.00/M"  # type: ignore[union-attr]
    assert prices.find("big", group="vip").formula == "(input 2.50/M + cached 1.25/M + output 10.00/M) × 6/5"  # type: ignore[union-attr]


def test_prices_are_kept_but_made_up_names_are_not() -> None:
    prices = PriceBook(read_shipped_prices())

    assert prices.find("gpt-4o") is prices.find("gpt-4o", group="anything")
    before = len(prices._prices)
    for number in range(50):
        prices.find(f"made-up-{number}", free=True)
    assert len(prices._prices) == before

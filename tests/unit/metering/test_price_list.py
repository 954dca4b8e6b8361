import pytest

from modelgate.core.providers import operation_of
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.metering.price_list import parse_price_list, read_shipped_prices
from modelgate.metering.prices import PriceBook
from modelgate.providers import load_providers

AHEAD = {"openai_speech", "openai_transcriptions", "openai_images"}
"""Priced before they are served."""
SECTION = b"""
[[vendors]]
provider = "acme"
source = "https://acme.example/prices"
listed = "2026-11"
[vendors.models.a]
rates = { input = "1.00" }
"""


def test_every_shipped_price_can_be_made() -> None:
    entries = read_shipped_prices()
    prices = PriceBook(entries)

    assert all(prices.find(entry.model) for entry in entries)
    assert all(entry.source and entry.listed and (entry.rates or entry.free) for entry in entries)


def test_every_shipped_price_is_of_a_vendor_that_serves_it() -> None:
    providers = load_providers()
    for entry in read_shipped_prices():
        does = {operation_of(name) for name in providers[entry.provider].formats} | set(providers[entry.provider].media)
        assert not entry.serves or set(entry.serves) & (does | AHEAD), entry.model


def test_the_sandbox_has_prices_that_live_upstreams_do_not_offer() -> None:
    prices = PriceBook(read_shipped_prices())
    make_believe = {"sandbox-chat", *(f"sandbox-{word}" for word in MAGIC_WORDS)}

    assert make_believe <= set(prices.models_of("openai", book="test"))
    assert not make_believe & set(prices.models_of("openai", book="live"))


def test_kling_charges_more_when_shown_an_image() -> None:
    price = PriceBook(read_shipped_prices()).find("kling-v2")
    assert price is not None

    assert (price.charge_media(images=2), price.charge_media(images=2, words=frozenset(("with_image",)))) == (40_000_000, 80_000_000)


def test_chat_models_know_their_limits_and_cached_input_is_never_dearer() -> None:
    for entry in read_shipped_prices():
        if "output" in entry.rates and (not entry.serves or "chat" in entry.serves):
            assert entry.context > 0
            assert entry.max_output_tokens
            assert float(entry.rates.get("cached", "0")) < float(entry.rates["input"]) <= float(entry.rates["output"])


def test_vendors_may_share_a_name_each_at_its_own_price() -> None:
    entries = parse_price_list(SECTION + SECTION.replace(b"acme", b"zeta").replace(b"1.00", b"2.00"))

    assert [(entry.provider, entry.rates["input"]) for entry in entries] == [("acme", "1.00"), ("zeta", "2.00")]


@pytest.mark.parametrize(
    "text",
    [
        SECTION + SECTION,
        SECTION.replace(b'"1.00"', b'"one"'),
        SECTION.replace(b"input", b"inputs"),
        SECTION.replace(b"[vendors.models.a]", b"[vendors.models.a]\ncolour = 1"),
        b"[[vendors]",
    ],
)
def test_a_list_that_is_not_well_formed_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # each reader's own sentence
        parse_price_list(text)

"""The shipped price list: `data/prices.toml`, read once at start."""

from importlib.resources import files

import msgspec

from modelgate.core.money import Book
from modelgate.metering.prices import IMAGE_TOKENS, PriceEntry, parse_rate


class _Model(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    aliases: tuple[str, ...] = ()
    rates: dict[str, str] = {}
    free: bool = False
    serves: tuple[str, ...] = ()
    max_output_tokens: int | None = None
    context: int = 0
    image_tokens: int = IMAGE_TOKENS


class _Vendor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One section of the file; `listed` is the month its figures were entered, `serves` what its models are for where they do not say."""

    provider: str
    source: str
    listed: str
    book: Book | None = None
    serves: tuple[str, ...] = ()
    models: dict[str, _Model]


class _PriceList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    vendors: tuple[_Vendor, ...]


def read_shipped_prices() -> tuple[PriceEntry, ...]:
    """Return the entries of the shipped list. Raises ValueError when the file is not well formed."""
    return parse_price_list(files("modelgate.metering").joinpath("data/prices.toml").read_bytes())


def parse_price_list(text: bytes) -> tuple[PriceEntry, ...]:
    """Return the entries of a price list in TOML; see the shipped file for its shape.

    Raises:
        ValueError: not well formed, a rate that is none, or a name that is there twice for one vendor.
    """
    entries: list[PriceEntry] = []
    names: set[tuple[str, str]] = set()  # several vendors may serve a model by one name, each at a price of its own
    for vendor in msgspec.toml.decode(text, type=_PriceList).vendors:
        for model, listed in vendor.models.items():
            for name in (model, *listed.aliases):
                if (vendor.provider, name) in names:
                    raise ValueError(f"{name!r} is priced twice")
                names.add((vendor.provider, name))
            for unit, rate in listed.rates.items():
                parse_rate(unit, rate)
            entries.append(_entry(vendor, model, listed))
    return tuple(entries)


def _entry(vendor: _Vendor, model: str, listed: _Model) -> PriceEntry:
    return PriceEntry(
        model=model,
        provider=vendor.provider,
        aliases=listed.aliases,
        rates=listed.rates,
        free=listed.free,
        serves=listed.serves or vendor.serves,
        max_output_tokens=listed.max_output_tokens,
        context=listed.context,
        image_tokens=listed.image_tokens,
        book=vendor.book,
        source=vendor.source,
        listed=vendor.listed,
    )

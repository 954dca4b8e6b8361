"""What a model costs: the shipped list, the operator's rows over it, the group's multiplier; usage in, nano-USD out.

Rates are decimal strings in USD (see `UNITS`). A price turns them once into integers over one common denominator, so that
a charge is a handful of integer products and one rounding, half up. Floats never come near.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import lcm
from operator import attrgetter

import msgspec

from modelgate.core.money import NANOS_PER_USD, Book
from modelgate.core.records import PriceRow
from modelgate.core.usage import MAX_UNITS, Usage

MILLION = 1_000_000

UNITS: Mapping[str, int] = {
    "input": MILLION,
    "cached": MILLION,
    "cache_write": MILLION,
    "cache_write_1h": MILLION,
    "audio_input": MILLION,
    "image_input": MILLION,
    "output": MILLION,
    "audio_output": MILLION,
    "image_output": MILLION,
    "characters": MILLION,
    "image": 1,
    "second": 1,
    "call": 1,
}
"""Unit of a rate -> how many of the counted thing it is for: USD per million tokens or characters, or USD each.

A part without a rate of its own is charged like the total it is part of (`cached` like `input`, `cache_write_1h` like `cache_write`).
`image`, `second` and `call` may carry a variant after a colon (`image:with_image`, `second:pro+sound`); without one of its own a variant
costs what the plain unit costs.
"""

VARIANT_UNITS = frozenset(("image", "second", "call"))
MAX_RATE_USD = 1_000_000
MAX_RATE_DECIMALS = 18
MAX_MULTIPLIER = 1_000
MAX_CHARGE_NANOS = 10**18
"""The largest charge of one request: a billion USD; it fits a signed 64-bit column."""

IMAGE_TOKENS = 4_000
"""Allowance per image reference where the list does not know better; above what tiled vision models count."""
DEFAULT_OUTPUT_TOKENS = 16_384
"""Taken for a model whose output limit is not known, when the request names none."""
MAX_CHOICES = 128
MAX_IMAGES = 10_000
MILLISECONDS = 1_000


class PriceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one model.

    `book` "test": only make-believe upstreams serve it. `serves` names the operations it is for (`chat`, `embeddings`, …); empty: whatever
    its provider does. `context` 0: not known. `max_output_tokens` None: not known. `image_tokens` bounds what one image in a prompt can
    count.
    """

    model: str
    provider: str = ""
    aliases: tuple[str, ...] = ()
    rates: dict[str, str] = {}
    free: bool = False
    max_output_tokens: int | None = None
    context: int = 0
    image_tokens: int = IMAGE_TOKENS
    book: Book | None = None
    serves: tuple[str, ...] = ()
    source: str = ""
    listed: str = ""


def parse_rate(unit: str, text: str) -> Fraction:
    """Return a rate in nano-USD per single counted thing, exact.

    Raises:
        ValueError: an unknown unit, not a decimal, negative, finer or larger than rates may be.
    """
    plain, colon, variant = unit.partition(":")
    if plain not in UNITS or (colon and not (variant and plain in VARIANT_UNITS)):
        raise ValueError(f"{unit!r} is not a unit of price: {', '.join(UNITS)}")
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a price in USD, such as 2.50") from None
    if not amount.is_finite() or not 0 <= amount <= MAX_RATE_USD:
        raise ValueError(f"{text!r} is not a price between 0 and {MAX_RATE_USD} USD")
    if -int(amount.as_tuple().exponent) > MAX_RATE_DECIMALS:
        raise ValueError(f"{text!r} has more than {MAX_RATE_DECIMALS} decimals")
    return Fraction(amount) * NANOS_PER_USD / UNITS[plain]


def parse_multiplier(text: str) -> Fraction:
    """Return a group's price multiplier, such as `"1.2"`. Raises ValueError when it is not between 0 and `MAX_MULTIPLIER`."""
    try:
        amount = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a multiplier, such as 1.2") from None
    if not amount.is_finite() or not 0 <= amount <= MAX_MULTIPLIER or -int(amount.as_tuple().exponent) > MAX_RATE_DECIMALS:
        raise ValueError(f"{text!r} is not a multiplier between 0 and {MAX_MULTIPLIER}")
    return Fraction(amount)


def check_row(row: PriceRow) -> None:
    """Raise ValueError when an operator's row could not be used as it stands."""
    if not row.model:
        raise ValueError("a price needs the name of a model")
    if not row.free and not row.rates:
        raise ValueError(f"the price of {row.model!r} names no rate and is not free")
    for unit, text in row.rates.items():
        parse_rate(unit, text)


_parts_of = attrgetter(*(name for name in Usage.__struct_fields__ if name not in ("input_tokens", "output_tokens", "calls", "estimated")))
"""All counts that are seldom there: one look at them together costs less than one at each."""


class Price:
    """The price of one model for one group, ready to multiply. Immutable; made by `PriceBook.find`."""

    __slots__ = (
        "_audio_in",
        "_audio_out",
        "_cache_write",
        "_cache_write_1h",
        "_cached",
        "_call",
        "_characters",
        "_context",
        "_denominator",
        "_image",
        "_image_in",
        "_image_out",
        "_image_tokens",
        "_input",
        "_max_output",
        "_millisecond",
        "_output",
        "_output_upper",
        "_prompt_upper",
        "_variants",
        "formula",
    )

    def __init__(self, entry: PriceEntry, *, multiplier: Fraction = Fraction(1), free: bool = False) -> None:
        free = free or entry.free
        rates = {unit: parse_rate(unit, text) * multiplier for unit, text in entry.rates.items()} if not free else {}
        self.formula = "free" if free else _formula(entry.rates, multiplier)
        zero = Fraction(0)
        price_in, price_out = rates.get("input", zero), rates.get("output", zero)
        second = rates.get("second", zero)
        # Whatever is named divides the denominator, a millisecond being the finest use of a per-second price.
        self._denominator = denominator = lcm(*(rate.denominator for rate in rates.values()), (second / MILLISECONDS).denominator)

        def scaled(rate: Fraction) -> int:
            return int(rate * denominator)

        # Parts are held as differences from their total: charging the total at its rate and adding these is exact,
        # and a part that the upstream did not report costs no work.
        self._input, self._output = scaled(price_in), scaled(price_out)
        self._cached = scaled(rates.get("cached", price_in) - price_in)
        price_written = rates.get("cache_write", price_in)
        self._cache_write = scaled(price_written - price_in)
        self._cache_write_1h = scaled(rates.get("cache_write_1h", price_written) - price_written)
        self._audio_in = scaled(rates.get("audio_input", price_in) - price_in)
        self._image_in = scaled(rates.get("image_input", price_in) - price_in)
        self._audio_out = scaled(rates.get("audio_output", price_out) - price_out)
        self._image_out = scaled(rates.get("image_output", price_out) - price_out)
        self._characters = scaled(rates.get("characters", zero))
        self._image, self._call = scaled(rates.get("image", zero)), scaled(rates.get("call", zero))
        self._millisecond = scaled(second / MILLISECONDS)
        self._variants = {unit: scaled(rate) for unit, rate in rates.items() if ":" in unit}
        self._prompt_upper = self._input + max(
            0, self._cached, self._cache_write, self._cache_write + self._cache_write_1h, self._audio_in, self._image_in
        )
        self._output_upper = self._output + max(0, self._audio_out, self._image_out)
        self._max_output = entry.max_output_tokens
        self._context = entry.context or MAX_UNITS
        self._image_tokens = entry.image_tokens

    def estimate_chat(self, *, body_bytes: int, images: int = 0, max_output_tokens: int | None = None, n: int = 1) -> int:
        """Return an upper bound in nano-USD, without a tokenizer: no text has more tokens than bytes.

        The prompt is bounded by the model's context, the answer by the smaller of the requested and the model's limit.
        """
        prompt = body_bytes + images * self._image_tokens
        if prompt > self._context:
            prompt = self._context
        answer = self._max_output
        if max_output_tokens is not None and max_output_tokens >= 0:
            if answer is None or max_output_tokens < answer:
                answer = max_output_tokens if max_output_tokens < MAX_UNITS else MAX_UNITS
        elif answer is None:
            answer = DEFAULT_OUTPUT_TOKENS
        if n != 1:
            answer *= min(max(n, 1), MAX_CHOICES)
        total = prompt * self._prompt_upper + answer * self._output_upper + self._call
        return min(-(-total // self._denominator), MAX_CHARGE_NANOS)

    def charge(self, usage: Usage) -> int:
        """Return what the usage costs in nano-USD, exact, rounded half up once.

        Raises:
            ValueError: a negative or unbelievable count, or a part larger than its total.
        """
        tokens_in, tokens_out = usage.input_tokens, usage.output_tokens
        if not (0 <= tokens_in <= MAX_UNITS and 0 <= tokens_out <= MAX_UNITS):
            raise ValueError(f"an upstream counted what cannot be: {usage}")
        total = tokens_in * self._input + tokens_out * self._output
        if self._call:
            total += _believed(usage.calls, usage) * self._call
        if any(_parts_of(usage)):
            total += self._parts(usage)
        return self._rounded(total, usage)

    def _parts(self, usage: Usage) -> int:
        """Sum what the less usual counts cost beyond plain tokens."""
        cached, written = usage.cached_tokens, usage.cache_write_tokens
        if cached < 0 or written < 0 or cached + written > usage.input_tokens:
            raise ValueError(f"an upstream counted what cannot be: {usage}")
        total = cached * self._cached + written * self._cache_write
        if usage.cache_write_1h_tokens:
            total += self._kept_longer(usage)
        if usage.input_audio_tokens or usage.input_image_tokens or usage.output_audio_tokens or usage.output_image_tokens:
            total += self._modal(usage)
        if usage.images or usage.milliseconds or usage.characters or usage.reasoning_tokens < 0:
            total += self._each(usage)
        return total

    def charge_media(self, *, images: int = 0, seconds: int = 0, words: frozenset[str] = frozenset()) -> int:
        """Return what so many images or whole seconds cost in nano-USD, with the price per call.

        Of a unit's variants the one counts whose words (joined by `+`) all apply, the one with most words first.

        Raises:
            ValueError: a negative or unbelievable count.
        """
        image, call = self._variant("image", words, self._image), self._variant("call", words, self._call)
        second = self._variant("second", words, self._millisecond * MILLISECONDS)
        what = f"{images} images, {seconds} seconds"
        return self._rounded(_believed(images, what) * image + _believed(seconds, what) * second + call, what)

    def _variant(self, unit: str, words: frozenset[str], plain: int) -> int:
        """Return the rate of the variant that fits best; of equally good ones the first listed."""
        most, rate = 0, plain
        for name, variant_rate in self._variants.items():
            kind, _, variant = name.partition(":")
            needed = variant.split("+")
            if kind == unit and len(needed) > most and words.issuperset(needed):
                most, rate = len(needed), variant_rate
        return rate

    def _kept_longer(self, usage: Usage) -> int:
        """Return what tokens cost that are cached for an hour, beyond other written ones."""
        if not 0 <= usage.cache_write_1h_tokens <= usage.cache_write_tokens:
            raise ValueError(f"an upstream counted what cannot be: {usage}")
        return usage.cache_write_1h_tokens * self._cache_write_1h

    def _modal(self, usage: Usage) -> int:
        """Sum what audio and image tokens cost beyond plain ones."""
        audio_in, image_in = usage.input_audio_tokens, usage.input_image_tokens
        audio_out, image_out = usage.output_audio_tokens, usage.output_image_tokens
        parts_fit = audio_in + image_in <= usage.input_tokens and audio_out + image_out <= usage.output_tokens
        if not parts_fit or min(audio_in, image_in, audio_out, image_out) < 0:
            raise ValueError(f"an upstream counted what cannot be: {usage}")
        return audio_in * self._audio_in + image_in * self._image_in + audio_out * self._audio_out + image_out * self._image_out

    def _each(self, usage: Usage) -> int:
        """Sum what is counted by the piece."""
        _believed(usage.reasoning_tokens, usage)  # priced as output, but a negative one makes the whole report suspect
        image = self._variants.get(f"image:{usage.variant}", self._image) if usage.variant else self._image
        return (
            _believed(usage.images, usage) * image
            + _believed(usage.milliseconds, usage) * self._millisecond
            + _believed(usage.characters, usage) * self._characters
        )

    def _rounded(self, total: int, what: object) -> int:
        """Round half up, once. Two discounts on the same tokens (cached images) may not fall below zero."""
        if total <= 0:
            return 0
        denominator = self._denominator
        nanos = (2 * total + denominator) // (2 * denominator)
        if nanos > MAX_CHARGE_NANOS:
            raise ValueError(f"a charge beyond every bound for {what}")
        return nanos


def _believed(count: int, what: object) -> int:
    if not 0 <= count <= MAX_UNITS:
        raise ValueError(f"an upstream counted what cannot be: {what}")
    return count


def _formula(rates: Mapping[str, str], multiplier: Fraction) -> str:
    """Render rates for a request's record: `input 2.50/M + cached 1.25/M + output 10.00/M`, ` × 6/5` for a group."""
    named = " + ".join(f"{unit} {text}{'/M' if UNITS[unit.partition(':')[0]] == MILLION else ''}" for unit, text in rates.items())
    return named if multiplier == 1 else f"({named}) × {multiplier}"


class PriceBook:
    """Every price of one configuration: the shipped list under the operator's rows. Made anew with each snapshot."""

    def __init__(self, shipped: Iterable[PriceEntry], rows: Iterable[PriceRow] = (), groups: Mapping[str, str] | None = None) -> None:
        """A row replaces all the rates of its model (and of the model's aliases, unless they have rows of their own).

        Raises:
            ValueError: a row or a group's multiplier is not usable.
        """
        self._entries: dict[str, PriceEntry] = {}
        self._by_vendor: dict[tuple[str, str], PriceEntry] = {}
        by_row = {row.model: row for row in rows}
        for entry in shipped:
            for name in (entry.model, *entry.aliases):
                row = by_row.get(name) or by_row.get(entry.model)
                priced = entry if row is None else msgspec.structs.replace(entry, rates=row.rates, free=row.free)
                self._by_vendor[entry.provider, name] = priced
                self._entries.setdefault(name, priced)
        for row in by_row.values():
            check_row(row)
            if row.model not in self._entries:
                self._entries[row.model] = PriceEntry(model=row.model, rates=row.rates, free=row.free)
        self._multipliers = {group: parse_multiplier(text) for group, text in (groups or {}).items()}
        self._prices: dict[tuple[str, str, str, bool], Price] = {}  # at most names x vendors x (groups + 1) x 2
        self._free = Price(PriceEntry(model=""), free=True)

    def find(self, model: str, *, provider: str = "", group: str = "default", free: bool = False) -> Price | None:
        """Return the price of a model for a group (one without a multiplier pays the list), None when it has none.

        `provider`: who serves it. Of a name that it does not have itself the price is that of the first vendor listed with it.
        `free`: whoever serves it costs nothing, so that a model without a price is free instead of refused.
        """
        if group not in self._multipliers:
            group = ""
        price = self._prices.get((model, provider, group, free))
        return price if price is not None else self._make(model, provider=provider, group=group, free=free)

    def models_of(self, provider: str, *, book: Book | None = None, operation: str = "") -> tuple[str, ...]:
        """Return the names, aliases too, under which a provider's models are priced; those for another book or operation left out."""
        return tuple(
            name
            for (vendor, name), entry in self._by_vendor.items()
            if vendor == provider
            and (book is None or entry.book is None or entry.book == book)
            and (not operation or not entry.serves or operation in entry.serves)
        )

    def entry(self, model: str, *, provider: str = "") -> PriceEntry | None:
        """Return what is known of a model by its name or alias; `provider` as for `find`."""
        return self._by_vendor.get((provider, model)) or self._entries.get(model)

    def _make(self, model: str, *, provider: str, group: str, free: bool) -> Price | None:
        entry = self.entry(model, provider=provider)
        if entry is None:
            return self._free if free else None  # a name the caller made up is not remembered
        price = self._prices[model, provider, group, free] = Price(entry, multiplier=self._multipliers.get(group, Fraction(1)), free=free)
        return price

"""Why a call went where it went, cost what it cost, or was refused: from what is kept of it and what is configured now. Pure."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from fractions import Fraction
from typing import NamedTuple

import msgspec

from modelgate.control.request_reference import Outcome, PriceExplained, PricePart, RefusalExplained, RouteStep
from modelgate.core.log import LogRow
from modelgate.core.money import Book, render_usd
from modelgate.metering.prices import UNITS, parse_rate

FORMULA_END = ") × "


class CandidateNow(msgspec.Struct, frozen=True, kw_only=True):
    """An upstream that serves a model as configured now."""

    upstream: str
    name: str
    priority: int
    weight: int


CandidatesNow = Callable[[Book, str, str], Awaitable[Sequence[CandidateNow]]]
"""(book, model, endpoint) -> who serves it now, in the order of priority."""


class Rule(NamedTuple):
    """What refuses, and what mends it."""

    rule: str
    fix: str


_RULES: dict[str, Rule] = {
    "insufficient_quota": Rule(
        "A call begins only when what it may cost at most can be held out of the balance and the key's limit.",
        "Give the account credit or a credit limit, raise the key's limit, or ask for less (such as a lower `max_tokens`).",
    ),
    "rate_limit_exceeded": Rule(
        "A key's requests and tokens of a minute are bounded by its `rpm` and `tpm`; a vendor may have bounds of its own.",
        "Send more slowly, or raise the key's limits; where a vendor said it, add another upstream for the model.",
    ),
    "model_not_allowed": Rule("The key may use only the models it lists.", "Add the model to the key, or use another key."),
    "model_not_found": Rule(
        "Only models that an upstream of the key's book serves can be called.", "Correct the name, or add an upstream that serves it."
    ),
    "unsupported_operation": Rule(
        "A model does what it is for, by the price list or by the upstreams that have it.",
        "Ask another model, or this one for its own work.",
    ),
    "model_not_priced": Rule("What has no price is not served.", "Set a price for the model, or call it free."),
    "no_upstream": Rule(
        "A call needs an upstream that serves the model and may be asked now: it is enabled, has room, and does not rest after failures.",
        "Look at the upstreams' state; add one, enable one, or raise its bound of concurrent requests.",
    ),
    "slow_down": Rule(
        "Rather than wait without end, a relay turns calls away when money or the book does not answer in time.",
        "Try again shortly; if it stays, look at /readyz and `modelgate doctor`.",
    ),
    "expired_api_key": Rule("A key ends at its `expires_at`.", "Give it a later end, or make a new key."),
    "disabled_api_key": Rule("A disabled key answers nothing.", "Enable it, or use another key."),
    "ip_not_allowed": Rule("The key may be used only from the networks it lists.", "Add the address to the key."),
    "body_too_large": Rule("A request body has a bound.", "Send less, or raise `--max-body-bytes`."),
    "internal_error": Rule("Something went wrong in the gateway itself.", "Look for the request id in the server's log."),
    "upstream_unreachable": Rule("No upstream of the model could be reached.", "Test the upstream; look at its address and the network."),
    "upstream_timeout": Rule("The upstream did not answer within its time.", "Raise the upstream's time, or add another one."),
    "bad_upstream_response": Rule("The upstream gave no usable answer.", "Test the upstream: its account, its secret, its address."),
    "idempotency_key_reused": Rule("An Idempotency-Key stands for one request.", "Use a new key for a new request."),
    "idempotency_in_progress": Rule("A request is not begun again while the first with its key runs.", "Wait for the first."),
    "client_left": Rule("The client closed its connection before there was an answer.", "Give the client more time."),
    "orphaned": Rule("The relay that served it ended in the middle.", "Look for why in the server's log; the caller may try again."),
}
_BAD_REQUEST = Rule("The request is not one that the endpoint or the vendor takes.", "Correct what the message names.")
_VENDOR = Rule("The vendor failed, after every attempt.", "Try again later, or add another upstream for the model.")


def explain_refusal(row: LogRow) -> RefusalExplained | None:
    """Return why a call got no answer, None when it got one."""
    failed = row.status >= 400 or row.outcome in ("refused", "orphaned")
    if not failed:
        return None
    code = row.error or "internal_error"
    known = _RULES.get(code) or (_VENDOR if row.status >= 500 else _BAD_REQUEST)
    return RefusalExplained(code=code, message=row.message, rule=known.rule, fix=known.fix)


# --- route


def explain_route(row: LogRow, now: Sequence[CandidateNow]) -> list[RouteStep]:
    """Return the tries in order, then those that serve the model now and were not asked."""
    by_id = {one.upstream: one for one in now}
    steps: list[RouteStep] = []
    tried = row.facts.tried if row.facts is not None else ()
    for one in tried:
        upstream, _, why = one.partition(":")
        steps.append(_step(upstream, by_id, "failed", f"It gave no answer: {why}."))
    has_answered = row.upstream and (row.outcome in ("captured", "succeeded") or (row.kind == "task" and row.status < 300))
    if has_answered:
        first = "It was asked first and answered." if not steps else "It was asked after those before and answered."
        steps.append(_step(row.upstream, by_id, "answered", first, name=row.upstream_name))
    elif row.upstream and row.upstream not in {step.upstream for step in steps}:
        steps.append(_step(row.upstream, by_id, "failed", f"It gave no answer: {row.status} {row.error}.", name=row.upstream_name))
    asked = {step.upstream for step in steps}
    chosen = by_id.get(row.upstream)
    steps += [_step(one.upstream, by_id, "not_asked", _why_not(one, chosen, row)) for one in now if one.upstream not in asked]
    return steps


def _step(upstream: str, by_id: dict[str, CandidateNow], outcome: Outcome, why: str, *, name: str = "") -> RouteStep:
    found = by_id.get(upstream)
    if found is None:
        return RouteStep(
            upstream=upstream, name=name, priority=None, weight=None, outcome=outcome, why=f"{why} It does not serve the model now."
        )
    return RouteStep(upstream=upstream, name=found.name, priority=found.priority, weight=found.weight, outcome=outcome, why=why)


def _why_not(one: CandidateNow, chosen: CandidateNow | None, row: LogRow) -> str:
    if row.kind == "refusal":
        return "The call was refused before anybody was asked."
    if chosen is None:
        return "As configured now it serves the model; whether it did then is not kept."
    if one.priority < chosen.priority:
        return f"Its priority, {one.priority} as configured now, is lower than {chosen.priority}."
    if one.priority > chosen.priority:
        return "As configured now its priority is higher: it was not there then, full, or resting after failures."
    return f"Among equals chance decides, by weight: {one.weight} to {chosen.weight} as configured now."


# --- price


def explain_price(row: LogRow) -> PriceExplained | None:
    """Return how a request's amount came about by the formula that was kept with it; None: nothing was priced."""
    facts = row.facts
    if facts is None or not facts.price:
        return None
    if facts.price == "free":
        return PriceExplained(formula="free", ratio="1", parts=[], sum_nanos=0, text="The model is free.")
    try:
        rates, ratio = parse_formula(facts.price)
        exact = [(part, value) for part, value in _parts(row, rates, ratio)]
    except ValueError:
        return PriceExplained(formula=facts.price, ratio="1", parts=[], sum_nanos=None, text="The formula is of another version.")
    total = sum((value for _, value in exact), Fraction(0))
    sum_nanos = max(0, int(total + Fraction(1, 2)))
    parts = [part for part, _ in exact]
    return PriceExplained(
        formula=facts.price, ratio=_decimal(ratio), parts=parts, sum_nanos=sum_nanos, text=_say(row, parts, ratio, sum_nanos)
    )


def parse_formula(formula: str) -> tuple[dict[str, str], Fraction]:
    """Return rates by unit, decimal strings, and the group's ratio, of what `metering.prices` renders. Raises ValueError."""
    ratio = Fraction(1)
    if formula.startswith("(") and FORMULA_END in formula:
        formula, _, written = formula[1:].rpartition(FORMULA_END)
        ratio = Fraction(written)
    rates: dict[str, str] = {}
    for part in formula.split(" + "):
        unit, _, rate = part.rpartition(" ")
        text = rate.removesuffix("/M")
        parse_rate(unit, text)
        rates[unit] = text
    return rates, ratio


_INSTEAD = {"cached": "input", "cache_write": "input", "audio_input": "input", "image_input": "input", "audio_output": "output"}
_INSTEAD |= {"image_output": "output", "cache_write_1h": "cache_write"}


def _parts(row: LogRow, rates: dict[str, str], ratio: Fraction) -> Iterator[tuple[PricePart, Fraction]]:
    for unit, count in _counts(row):
        priced = unit
        while priced not in rates and (priced in _INSTEAD or ":" in priced):
            priced = _INSTEAD.get(priced, priced.partition(":")[0])
        if not count or priced not in rates:
            continue
        per = UNITS[priced.partition(":")[0]] * (1000 if priced.startswith("second") else 1)
        value = parse_rate(priced, rates[priced]) * ratio * count / (1000 if priced.startswith("second") else 1)
        part = PricePart(unit=unit, count=count, rate=rates[priced], per=per, amount_nanos=int(value + Fraction(1, 2)))
        yield part, value


def _counts(row: LogRow) -> list[tuple[str, int]]:
    """Return what was counted by unit of price; parts are taken out of their wholes."""
    units = row.facts.units if row.facts is not None else {}
    parts_in = {
        "cached": row.cached_tokens,
        "cache_write": units.get("cache_write_tokens", 0),
        "audio_input": units.get("input_audio_tokens", 0),
        "image_input": units.get("input_image_tokens", 0),
    }
    parts_out = {"audio_output": units.get("output_audio_tokens", 0), "image_output": units.get("output_image_tokens", 0)}
    images = {name.replace("images", "image", 1): count for name, count in units.items() if name.partition(":")[0] == "images"}
    return [
        ("input", row.input_tokens - sum(parts_in.values())),
        *parts_in.items(),
        ("output", row.output_tokens - sum(parts_out.values())),
        *parts_out.items(),
        *images.items(),
        ("second", units.get("milliseconds", 0)),
        ("characters", units.get("characters", 0)),
        ("call", 1 if row.outcome == "captured" else 0),
    ]


def _say(row: LogRow, parts: Sequence[PricePart], ratio: Fraction, sum_nanos: int) -> str:
    products = " + ".join(f"{part.count:,} {part.unit} × {part.rate}{f' / {part.per:,}' if part.per > 1 else ''}" for part in parts) or "0"
    text = f"{products} = {render_usd(sum_nanos)} USD" if ratio == 1 else f"({products}) × {_decimal(ratio)} = {render_usd(sum_nanos)} USD"
    if sum_nanos == row.amount_nanos:
        return f"{text}."
    note = row.facts.note.split() if row.facts is not None else []
    paid = f"{render_usd(row.amount_nanos)} USD were charged"
    if row.outcome == "released":
        return f"{text}, of which nothing was charged: there was no answer."
    if "cache_hit" in note:
        return f"The answer came from the cache: {paid}, the share of the original charge that the operator set."
    if row.estimated:
        return f"{text}; {paid}: an estimate is never above what was held."
    return f"{text}; {paid}: the request counted something whose number is not kept beside it, such as tokens cached for an hour."


def _decimal(ratio: Fraction) -> str:
    scaled = ratio * 10**18
    whole, rest = divmod(int(scaled), 10**18)
    return f"{whole}.{rest:018d}".rstrip("0").rstrip(".")

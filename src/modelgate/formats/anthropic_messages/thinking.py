"""How much a model shall think, in this dialect's words, and which models understand which of them.

What models take, by name, is data here: the API refuses what a model does not know. Source: the vendor's model pages, read 2026-11;
the numbers that stand for an effort are a choice of ours, no vendor's fact.
"""

import re
from collections.abc import Mapping

import msgspec

from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.schema import OutputOption, ThinkingOption
from modelgate.formats.chat.request import Reasoning

MIN_BUDGET_TOKENS = 1024
DEFAULT_MAX_TOKENS = 8192
"""The API wants a bound; what a request without one gets, besides room to think."""
ADAPTIVE_ROOM_TOKENS = 16_384
BUDGETS: Mapping[str, int] = {"low": 1024, "medium": 4096, "high": 16_384, "xhigh": 20_480, "max": 20_480}
EFFORTS_BY_BUDGET = ((2048, "low"), (8192, "medium"))
"""Up to so many tokens a budget is that effort, beyond the last it is high."""


class Traits(msgspec.Struct, frozen=True, kw_only=True):
    """What a model takes. `takes_sampling`: temperature, top_p and top_k; `takes_both`: temperature beside top_p; `takes_xhigh`: that
    effort."""

    takes_budget: bool = True
    takes_adaptive: bool = False
    takes_format: bool = True
    takes_sampling: bool = True
    takes_both: bool = False
    takes_xhigh: bool = True


_END = r"(?=$|[^\d.-]|-\d{8}|-[a-z])"


def _fourth(minor: str) -> str:
    """Return a pattern for names of the fourth generation: `claude-opus-4-5-20251101`, `claude-4.5-sonnet`."""
    return rf"claude-(?:(?:opus|sonnet|haiku)-4{minor}|4{minor}-(?:opus|sonnet|haiku)){_END}"


_TRAITS = (
    (re.compile(r"claude-(?:instant|2|3(?![-.]7))"), Traits(takes_budget=False, takes_format=False, takes_both=True)),
    (re.compile(rf"claude-3[-.]7|{_fourth('(?:[-.]0)?')}"), Traits(takes_format=False, takes_both=True)),
    (re.compile(_fourth("[-.][15]")), Traits()),
    (re.compile(_fourth("[-.]6")), Traits(takes_adaptive=True, takes_xhigh=False)),
)
_NEWEST = Traits(takes_budget=False, takes_adaptive=True, takes_sampling=False)
_FOREIGN = Traits(takes_adaptive=True, takes_both=True)
"""Other vendors' models behind this protocol: nothing is known against them."""


def traits_of(model: str) -> Traits:
    """Return what a model of this name takes; a Claude not in the table is a newer one."""
    found = next((traits for pattern, traits in _TRAITS if pattern.search(model)), None)
    if found is not None:
        return found
    return _NEWEST if "claude" in model else _FOREIGN


def decode_reasoning(thinking: ThinkingOption | None, output: OutputOption | None) -> Reasoning | None:
    """Return how much a client wants thought."""
    effort = (output.effort if output is not None else None) or ""
    if thinking is None:
        return Reasoning(effort=effort) if effort else None
    show = None if thinking.display is None else thinking.display != "omitted"
    if thinking.type == "disabled":
        return Reasoning(effort="none")
    if thinking.type == "adaptive" or thinking.budget_tokens is None:
        return Reasoning(adaptive=True, effort=effort, show=show)
    return Reasoning(budget_tokens=thinking.budget_tokens, show=show)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is said to an upstream. `thinking` None: nothing. `is_left_out`: asked for, and this model or request cannot have it."""

    max_tokens: int
    thinking: Json = None
    effort: str = ""
    is_left_out: bool = False

    @property
    def is_on(self) -> bool:
        """Return whether the model will think."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def plan_thinking(asked: Reasoning | None, *, max_tokens: int | None, traits: Traits, is_possible: bool) -> Plan:
    """Return how to say what was asked, and the bound on tokens beside it.

    `is_possible`: nothing else in the request forbids thinking. Raises KeyError: an effort that is no word of the hub.
    """
    bound = DEFAULT_MAX_TOKENS if max_tokens is None else max_tokens
    if asked is None or not (asked.effort or asked.adaptive or asked.budget_tokens is not None):
        return Plan(max_tokens=bound)
    if asked.effort in ("none", "minimal") or asked.budget_tokens == 0:
        return Plan(max_tokens=bound, thinking={"type": "disabled"} if traits.takes_budget or traits.takes_adaptive else None)
    if asked.effort and asked.effort not in BUDGETS:
        raise KeyError(asked.effort)
    says_budget = traits.takes_budget and (asked.budget_tokens is not None or not traits.takes_adaptive)
    effort = asked.effort or ("" if asked.budget_tokens is None or says_budget else _effort_of(asked.budget_tokens))
    if not is_possible or not (traits.takes_budget or traits.takes_adaptive):
        return Plan(max_tokens=bound, effort=effort if traits.takes_adaptive else "", is_left_out=True)
    if effort == "xhigh" and not traits.takes_xhigh:
        effort = "high"
    display = {} if asked.show is None else {"display": "summarized" if asked.show else "omitted"}
    if not says_budget:
        if max_tokens is None:
            bound += ADAPTIVE_ROOM_TOKENS
        return Plan(max_tokens=bound, thinking={"type": "adaptive", **display}, effort=effort)
    budget = _fitting(asked, max_tokens)
    if budget is None:
        return Plan(max_tokens=bound, is_left_out=True)
    if max_tokens is None:
        bound = budget + DEFAULT_MAX_TOKENS
    return Plan(max_tokens=bound, thinking={"type": "enabled", "budget_tokens": budget, **display})


def _effort_of(budget_tokens: int) -> str:
    return next((effort for most, effort in EFFORTS_BY_BUDGET if budget_tokens <= most), "high")


def _fitting(asked: Reasoning, max_tokens: int | None) -> int | None:
    """Return a budget below the caller's bound, as the API demands, None where not even the least fits.

    The bound itself is never raised: money was held for it. A budget that only stands for an effort takes at most half of it.
    """
    budget = asked.budget_tokens if asked.budget_tokens is not None else BUDGETS[asked.effort or "medium"]
    if max_tokens is not None:
        budget = min(budget, max_tokens - 1 if asked.budget_tokens is not None else max_tokens // 2)
    budget = max(budget, MIN_BUDGET_TOKENS)
    return budget if max_tokens is None or budget < max_tokens else None

import pytest

from modelgate.formats.anthropic_messages.thinking import plan_thinking, traits_of
from modelgate.formats.chat.request import Reasoning


@pytest.mark.parametrize(
    ("model", "budget", "adaptive", "format", "sampling", "both"),
    [
        ("claude-3-opus-20240229", False, False, False, True, True),
        ("claude-3-5-sonnet-20241022", False, False, False, True, True),
        ("claude-3-7-sonnet-latest", True, False, False, True, True),
        ("claude-sonnet-4-20250514", True, False, False, True, True),
        ("us.anthropic.claude-opus-4-20250514-v1:0", True, False, False, True, True),
        ("claude-opus-4-0", True, False, False, True, True),
        ("claude-opus-4-1-20250805", True, False, True, True, False),
        ("anthropic/claude-sonnet-4.5", True, False, True, True, False),
        ("claude-haiku-4-5@20251001", True, False, True, True, False),
        ("claude-opus-4-6", True, True, True, True, False),
        ("anthropic/claude-4.5-sonnet", True, False, True, True, False),
        ("claude-4.7-opus", False, True, True, False, False),
        ("claude-opus-4-7", False, True, True, False, False),
        ("claude-opus-4-15", False, True, True, False, False),
        ("claude-sonnet-5", False, True, True, False, False),
        ("kimi-k2", True, True, True, True, True),
    ],
)
def test_what_a_model_takes_is_known_by_its_name(
    model: str, budget: bool, adaptive: bool, format: bool, sampling: bool, both: bool
) -> None:
    traits = traits_of(model)
    found = (traits.takes_budget, traits.takes_adaptive, traits.takes_format, traits.takes_sampling, traits.takes_both)
    assert found == (budget, adaptive, format, sampling, both)


@pytest.mark.parametrize("effort", ["low", "medium", "high", "xhigh", "max"])
@pytest.mark.parametrize("max_tokens", [None, 0, 1, 1024, 2047, 5000, 100_000])
def test_a_budget_always_leaves_room_for_an_answer(effort: str, max_tokens: int | None) -> None:
    plan = plan_thinking(Reasoning(effort=effort), max_tokens=max_tokens, traits=traits_of("claude-sonnet-4-5"), is_possible=True)
    if max_tokens is not None:
        assert plan.max_tokens == max_tokens  # money was held for the caller's bound: it holds
    if max_tokens is not None and max_tokens <= 1024:
        assert (plan.thinking, plan.is_left_out) == (None, True)
    else:
        assert 1024 <= plan.thinking["budget_tokens"] < plan.max_tokens


def test_nothing_asked_is_nothing_said() -> None:
    for asked in (None, Reasoning(), Reasoning(show=True)):
        plan = plan_thinking(asked, max_tokens=5, traits=traits_of("claude-opus-4-6"), is_possible=True)
        assert (plan.max_tokens, plan.thinking, plan.effort, plan.is_on, plan.is_left_out) == (5, None, "", False, False)

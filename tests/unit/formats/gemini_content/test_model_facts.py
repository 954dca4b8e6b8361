import pytest

from modelgate.formats.gemini_content.model_facts import budget_of, effort_of_budget, facts_of, level_of, within_budget


@pytest.mark.parametrize(
    ("model", "thinking", "signs", "outputs"),
    [
        ("gemini-2.5-flash", "budget", False, ()),
        ("models/gemini-2.5-pro", "budget", False, ()),
        ("gemini-3-pro-preview", "level", True, ()),
        ("Gemini-3.1-Flash", "level", True, ()),
        ("gemini-2.0-flash", "none", False, ()),
        ("gemini-2.0-flash-exp-image-generation", "none", False, ("TEXT", "IMAGE")),
        ("gemini-3-pro-image-preview", "none", False, ("TEXT", "IMAGE")),
        ("gemini-2.5-pro-preview-tts", "none", False, ("AUDIO",)),
        ("gemma-3-27b-it", "none", False, ()),
        ("my-alias", "budget", False, ()),
    ],
)
def test_names_tell_what_models_can(model: str, thinking: str, signs: bool, outputs: tuple[str, ...]) -> None:
    facts = facts_of(model)
    assert (facts.thinking, facts.signs_calls, facts.outputs) == (thinking, signs, outputs)


@pytest.mark.parametrize(
    ("model", "effort", "budget_tokens"),
    [
        ("gemini-2.5-flash", "none", 0),
        ("gemini-2.5-flash", "low", 1024),
        ("gemini-2.5-flash", "high", 24_576),
        ("gemini-2.5-flash", "max", 24_576),
        ("gemini-2.5-pro", "none", 128),
        ("gemini-2.5-pro", "xhigh", 32_768),
        ("gemini-2.5-flash-lite", "none", 0),
    ],
)
def test_an_effort_is_a_budget(model: str, effort: str, budget_tokens: int) -> None:
    assert budget_of(effort, facts_of(model)) == budget_tokens


@pytest.mark.parametrize(
    ("model", "effort", "level"),
    [
        ("gemini-3-pro-preview", "none", "LOW"),
        ("gemini-3-pro-preview", "medium", "HIGH"),
        ("gemini-3.1-pro-preview", "medium", "MEDIUM"),
        ("gemini-3-flash-preview", "none", "MINIMAL"),
        ("gemini-3-flash-preview", "max", "HIGH"),
    ],
)
def test_an_effort_is_a_level(model: str, effort: str, level: str) -> None:
    assert level_of(effort, facts_of(model)) == level


def test_budgets_are_kept_within_the_models_range() -> None:
    lite, pro = facts_of("gemini-2.5-flash-lite"), facts_of("gemini-2.5-pro")
    assert [within_budget(tokens, lite) for tokens in (0, 1, 600, 99_999)] == [0, 512, 600, 24_576]
    assert within_budget(0, pro) == 128
    assert [effort_of_budget(tokens) for tokens in (0, 1, 1024, 1025, 8193)] == ["none", "low", "low", "medium", "high"]

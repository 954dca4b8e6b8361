"""What models can do, told by their names. Data, read off the vendor's pages in 2026-11; an unknown name gets what most can do."""

import re
from typing import Literal

import msgspec


class ModelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """How one generation is asked.

    `thinking`: by a budget in tokens within `budgets` (`may_stop`: 0 is allowed too), by one of `levels`, or not at all. `has_json_schema`:
    takes JSON Schema as it is. `signs_calls`: refuses calls of the current turn without a signature. `instructions`: when it takes a system
    instruction; else that goes before the first words of the user. `outputs`: what it makes when asked nothing particular.
    """

    thinking: Literal["none", "budget", "level"] = "budget"
    budgets: tuple[int, int] = (0, 24_576)
    may_stop: bool = True
    levels: tuple[str, ...] = ()
    has_json_schema: bool = True
    signs_calls: bool = False
    instructions: Literal["always", "without_images", "never"] = "always"
    outputs: tuple[str, ...] = ()


_IMAGES = ("TEXT", "IMAGE")
_ALL_LEVELS = ("MINIMAL", "LOW", "MEDIUM", "HIGH")

_PLAIN = ModelFacts(thinking="none", has_json_schema=False, instructions="without_images")
_PLAIN_IMAGES = msgspec.structs.replace(_PLAIN, outputs=_IMAGES)

_TABLE: tuple[tuple[re.Pattern[str], ModelFacts], ...] = (
    (re.compile(r"gemini-(?:1|2\.0).*image"), _PLAIN_IMAGES),
    (re.compile(r"gemini-.*image"), ModelFacts(thinking="none", outputs=_IMAGES)),
    (re.compile(r"gemini-.*tts"), ModelFacts(thinking="none", outputs=("AUDIO",))),
    (re.compile(r"gemini-3(?:\.0)?-pro"), ModelFacts(thinking="level", levels=("LOW", "HIGH"), may_stop=False, signs_calls=True)),
    (re.compile(r"gemini-[3-9].*-pro"), ModelFacts(thinking="level", levels=_ALL_LEVELS[1:], may_stop=False, signs_calls=True)),
    (re.compile(r"gemini-[3-9]"), ModelFacts(thinking="level", levels=_ALL_LEVELS, signs_calls=True)),
    (re.compile(r"gemini-2\.5-pro"), ModelFacts(budgets=(128, 32_768), may_stop=False)),
    (re.compile(r"gemini-2\.5-flash-lite"), ModelFacts(budgets=(512, 24_576))),
    (re.compile(r"gemini-(?:1|2\.0)|learnlm"), _PLAIN),
    (re.compile(r"gemma"), ModelFacts(thinking="none", has_json_schema=False, instructions="never")),
)
_OTHERS = ModelFacts()

BUDGETS_OF_EFFORTS = {"none": 0, "minimal": 1024, "low": 1024, "medium": 8192, "high": 24_576}
"""The vendor's own OpenAI-compatible layer has the same figures; efforts above `high` get all that the model has."""
LEVELS_OF_EFFORTS = {"none": "MINIMAL", "minimal": "MINIMAL", "low": "LOW", "medium": "MEDIUM"}
LARGEST_BUDGETS_OF_LEVELS = ((1024, "LOW"), (8192, "MEDIUM"))


def facts_of(model: str) -> ModelFacts:
    """Return the facts of a model by its name."""
    name = model.rpartition("/")[2].lower()
    return next((facts for pattern, facts in _TABLE if pattern.match(name)), _OTHERS)


def budget_of(effort: str, facts: ModelFacts) -> int:
    """Return the budget of thought that an effort means to a model."""
    return within_budget(BUDGETS_OF_EFFORTS.get(effort, facts.budgets[1]), facts)


def within_budget(budget_tokens: int, facts: ModelFacts) -> int:
    """Return a budget that the model takes, the nearest to the one asked for."""
    if budget_tokens == 0 and facts.may_stop:
        return 0
    low, high = facts.budgets
    return min(max(budget_tokens, low), high)


def level_of(effort: str, facts: ModelFacts) -> str:
    """Return the level of thought that an effort means to a model: the least that is not below it."""
    wanted = LEVELS_OF_EFFORTS.get(effort, "HIGH")
    above = _ALL_LEVELS[_ALL_LEVELS.index(wanted) :]
    return next((level for level in above if level in facts.levels), facts.levels[-1])


def effort_of_budget(budget_tokens: int) -> str:
    """Return the effort whose level comes nearest to a budget."""
    if budget_tokens <= 0:
        return "none"
    return next((level.lower() for most, level in LARGEST_BUDGETS_OF_LEVELS if budget_tokens <= most), "high")

"""Names and numbers of the dialect, as data, and what a request's options mean in neutral words."""

import re
from collections.abc import Mapping

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import OutputFormat, Reasoning, ToolChoice
from modelgate.formats.openai_chat.hub_schema import GoogleOptions, Request

NAME = "openai_chat"

SPELLINGS: Mapping[str, tuple[str, ...]] = {
    "max_output_tokens": ("max_completion_tokens", "max_tokens"),
    "output": ("response_format",),
    "reasoning": ("reasoning_effort", "reasoning", "thinking", "enable_thinking", "thinking_budget"),
    "web_search": ("web_search_options",),
    "user": ("user", "safety_identifier"),
    "tools": ("tools", "functions"),
    "tool_choice": ("tool_choice", "function_call"),
    "system": ("messages",),
}
"""Field of the neutral request -> how the dialect spells it, where that differs; the first is the usual one."""

FIELD_NAMES: Mapping[str, str] = {
    **{neutral: names[0] for neutral, names in SPELLINGS.items()},
    "image_aspect_ratio": "google.image_config.aspect_ratio",
    "image_size": "google.image_config.image_size",
    "gemini_safety_settings": "google.safety_settings",
}

# What models of OpenAI's take, by their names' beginnings. Source: the API reference, read 2026-11.
COMPLETION_TOKENS_MODELS = re.compile(r"o\d|gpt-[5-9]")
"""They refuse `max_tokens` and want `max_completion_tokens`, which other vendors do not know."""
WITHOUT_REASONING = re.compile(r"gpt-3|gpt-4|chatgpt-4")
"""They refuse `reasoning_effort`."""
NEAREST_EFFORTS: tuple[tuple[re.Pattern[str], Mapping[str, str]], ...] = (
    (re.compile(r"o\d"), {"none": "low", "minimal": "low", "xhigh": "high", "max": "high"}),
    (re.compile(r"gpt-5(?![.\d])"), {"none": "minimal", "xhigh": "high", "max": "high"}),
    (re.compile(r"gpt-5\.1"), {"minimal": "low", "xhigh": "high", "max": "high"}),
    (re.compile(r"gpt-[5-9]"), {"minimal": "low", "max": "xhigh"}),
)
"""The first row that fits a model's name says which efforts it has not, and what comes nearest."""
EFFORT_BUDGETS = (("low", 2048), ("medium", 8192))
"""Up to so many tokens of thought an effort is; beyond the last it is high. A choice of ours, no vendor's fact."""
BUDGETS_OF_EFFORTS: Mapping[str, int] = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 24576, "xhigh": 32768, "max": 65536}
MAX_STOP_SEQUENCES = 4


def bare_name(model: str) -> str:
    """Return a model's name without the vendor's before it (`openai/gpt-5`)."""
    return model.rpartition("/")[2]


def effort_of_budget(budget_tokens: int) -> str:
    """Return the effort that a budget of thought amounts to."""
    if budget_tokens <= 0:
        return "none"
    return next((effort for effort, most in EFFORT_BUDGETS if budget_tokens <= most), "high")


def nearest_effort(effort: str, model: str) -> str:
    """Return the effort a model of this name takes, the nearest to what was asked."""
    name = bare_name(model)
    for pattern, nearest in NEAREST_EFFORTS:
        if pattern.match(name):
            return nearest.get(effort, effort)
    return effort


def knows_efforts(model: str) -> bool:
    """Return whether it is known which efforts a model takes."""
    return any(pattern.match(bare_name(model)) for pattern, _ in NEAREST_EFFORTS)


def decode_reasoning(request: Request, google: GoogleOptions | None) -> Reasoning | None:
    """Return how much the model shall think, by whichever of the vendors' fields says it; the dialect's own wins."""
    show = _wants_thoughts(request, google)
    asked = _asked_reasoning(request, google)
    if asked is None:
        return None if show is None else Reasoning(show=show)
    return Reasoning(effort=asked.effort, budget_tokens=asked.budget_tokens, adaptive=asked.adaptive, show=show)


def _wants_thoughts(request: Request, google: GoogleOptions | None) -> bool | None:
    if request.reasoning is not None and request.reasoning.exclude is not None:
        return not request.reasoning.exclude
    if google is not None and google.thinking_config is not None:
        return google.thinking_config.include_thoughts
    return None


def _asked_reasoning(request: Request, google: GoogleOptions | None) -> Reasoning | None:
    """Numbered cases: 1. the dialect's own field; 2. Claude's shape; 3. OpenRouter's; 4. Qwen's; 5. Google's."""
    if request.reasoning_effort:
        return Reasoning(effort=request.reasoning_effort)
    if (thinking := request.thinking) is not None:
        if thinking.type == "disabled":
            return Reasoning(effort="none")
        return _by_budget(thinking.budget_tokens)
    if (option := request.reasoning) is not None and (option.effort or option.max_tokens is not None or option.enabled is not None):
        if option.enabled is False:
            return Reasoning(effort="none")
        return Reasoning(effort=option.effort) if option.effort else _by_budget(option.max_tokens)
    if request.enable_thinking is not None:
        return _by_budget(request.thinking_budget) if request.enable_thinking else Reasoning(effort="none")
    if google is not None and (config := google.thinking_config) is not None:
        if config.thinking_level:
            return Reasoning(effort=config.thinking_level.lower())
        if config.thinking_budget is not None:
            return _by_budget(config.thinking_budget)
    return None


def _by_budget(budget_tokens: int | None) -> Reasoning:
    if budget_tokens is None or budget_tokens < 0:
        return Reasoning(adaptive=True)
    return Reasoning(budget_tokens=budget_tokens) if budget_tokens else Reasoning(effort="none")


def decode_output(request: Request) -> OutputFormat | None:
    """Return the form the answer shall have, None for text.

    Raises:
        InvalidRequest: a schema is announced and missing.
    """
    wanted = request.response_format
    if wanted is None or wanted.type == "text":
        return None
    if wanted.type == "json_object":
        return OutputFormat(kind="json")
    form = wanted.json_schema
    if form is None:
        param = "response_format.json_schema"
        raise InvalidRequest(f"'{param}' is required with the type 'json_schema'.", param=param, code="missing_required_parameter")
    return OutputFormat(kind="schema", name=form.name, description=form.description or "", schema=form.schema, strict=form.strict)


def decode_tool_choice(choice: Json, *, param: str) -> ToolChoice | None:
    """Return which tools may or must be called, from `tool_choice` or the older `function_call`.

    Raises:
        InvalidRequest: neither a known word nor a known object.
    """
    match choice:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=choice)
        case "any":  # Mistral's word
            return ToolChoice(mode="required")
        case {"type": "allowed_tools", "allowed_tools": {"mode": "auto" | "required" as mode, "tools": [*tools]}}:
            return ToolChoice(mode=mode, allowed=tuple(name for tool in tools if (name := _tool_name(tool))))
        case dict() if name := _tool_name(choice):
            return ToolChoice(mode="named", name=name)
        case _:
            allowed = "'none', 'auto', 'required' or an object that names a tool"
            raise InvalidRequest(f"'{param}' must be {allowed}.", param=param, code="invalid_value")


def _tool_name(tool: Json) -> str:
    match tool:
        case {"function": {"name": str(name)}} | {"custom": {"name": str(name)}} | {"name": str(name)}:
            return name
        case _:
            return ""

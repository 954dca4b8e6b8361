"""What OpenAI refuses about a request for a response. Unlike with chats, a field that nobody knows is refused too, as at the vendor."""

import math

from modelgate.core.records import Json
from modelgate.sandbox.openai.checks import REASONING_MODEL, SAMPLING_RANGES, check_metadata, check_schema_object
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import NAME, check_ranges, check_words, invalid, missing, wants, wrong_type
from modelgate.sandbox.openai.kinds import kind_of
from modelgate.sandbox.openai.models import check_model
from modelgate.sandbox.openai.responses_item_checks import check_input
from modelgate.sandbox.openai.tool_checks import MAX_TOOLS, check_definition

LEAST_OUTPUT_TOKENS = 16
MAX_SAFETY_IDENTIFIER = 64
BUILT_IN_TOOLS = frozenset(
    (
        "web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "file_search", "code_interpreter",
        "image_generation", "mcp", "computer", "computer_use_preview", "local_shell", "shell", "apply_patch", "tool_search",
    )
)  # fmt: skip
"""Tools that the vendor carries out by itself. The sandbox takes them, and never uses one."""

INCLUDABLE = (
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
)
_FIELDS = frozenset(
    (
        "model", "input", "instructions", "max_output_tokens", "max_tool_calls", "temperature", "top_p", "top_logprobs", "stream",
        "stream_options", "store", "previous_response_id", "conversation", "background", "include", "tools", "tool_choice",
        "parallel_tool_calls", "reasoning", "text", "truncation", "metadata", "service_tier", "safety_identifier", "prompt_cache_key",
        "prompt_cache_retention", "prompt_cache_options", "prompt", "context_management", "user", "moderation", "personality",
    )
)  # fmt: skip
_MOVED = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "max_completion_tokens": "max_output_tokens",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = ("auto", "concise", "detailed")


def check_response(body: Json) -> None:
    """Refuse what the vendor would. Raises Refused, naming the first field at fault."""
    check_model(body)
    if kind_of(body["model"]) not in ("chat", None):
        raise Refused(
            f"The requested model '{body['model'][:200]}' cannot be used with the Responses API.", param="model", code="unsupported_model"
        )
    _check_names(body)
    _check_values(body)
    _check_history(body)
    check_input(body)
    _check_tools(body)
    _check_tool_choice(body)
    _check_text(body)
    _check_reasoning(body)


def _check_names(body: dict[str, Json]) -> None:
    for name in body:
        if name in _MOVED:
            raise Refused(
                f"Unsupported parameter: '{name}'. In the Responses API, this parameter has moved to '{_MOVED[name]}'. Try again with the "
                "new parameter.",
                param=name,
                code="unsupported_parameter",
            )
        if name not in _FIELDS:
            raise Refused(f"Unknown parameter: '{name[:80]}'.", param=name[:80], code="unknown_parameter")


def _check_values(body: dict[str, Json]) -> None:
    check_ranges(
        body,
        *SAMPLING_RANGES[:2],
        ("max_output_tokens", int, LEAST_OUTPUT_TOKENS, math.inf),
        ("max_tool_calls", int, 1, math.inf),
        ("top_logprobs", int, 0, 20),
    )
    check_words(
        body,
        {"truncation": ("auto", "disabled"), "service_tier": ("auto", "default", "flex", "scale", "priority", "fast")},
    )
    for name in ("instructions", "user", "prompt_cache_key", "safety_identifier"):
        wants(body, name, str)
    for name in ("stream", "store", "background", "parallel_tool_calls"):
        wants(body, name, bool)
    if len(body.get("safety_identifier") or "") > MAX_SAFETY_IDENTIFIER:
        raise Refused(
            f"Invalid 'safety_identifier': string too long. Expected a string with maximum length {MAX_SAFETY_IDENTIFIER}.",
            param="safety_identifier",
            code="string_above_max_length",
        )
    check_metadata(body)
    if wants(body, "stream_options", dict):
        if not body.get("stream"):
            raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
        wants(body["stream_options"], "include_obfuscation", bool, where="stream_options.")
    for index, each in enumerate(body["include"] if wants(body, "include", list) else ()):
        if each not in INCLUDABLE:
            raise invalid(f"include[{index}]", each, INCLUDABLE)
    if body.get("background") and body.get("store") is False:
        raise Refused("Background mode requires 'store' to be true.", param="background", code="invalid_value")


def _check_history(body: dict[str, Json]) -> None:
    """What came before is named in one way only, and the sandbox keeps neither conversations nor prompts."""
    if wants(body, "previous_response_id", str) and not body["previous_response_id"].startswith("resp"):
        raise Refused(
            f"Invalid 'previous_response_id': '{body['previous_response_id'][:80]}'. Expected an ID that begins with 'resp'.",
            param="previous_response_id",
            code="invalid_value",
        )
    conversation = body.get("conversation")
    if conversation is not None:
        name = conversation.get("id") if isinstance(conversation, dict) else conversation
        if not isinstance(name, str):
            raise wrong_type("conversation", wanted="one of a string or object", value=conversation)
        if body.get("previous_response_id") is not None:
            raise Refused(
                "Mutually exclusive parameters: 'previous_response_id' and 'conversation'.",
                param="previous_response_id",
                code="mutually_exclusive_parameters",
            )
        raise Refused(f"Conversation with id '{name[:80]}' not found.", status=404)
    if wants(body, "prompt", dict):
        name = body["prompt"].get("id")
        if not isinstance(name, str):
            raise missing("prompt.id")
        raise Refused(f"Prompt with id '{name[:80]}' not found.", status=404)


def _check_tools(body: dict[str, Json]) -> None:
    tools = body["tools"] if wants(body, "tools", list) else []
    if len(tools) > MAX_TOOLS:
        raise Refused(f"Invalid 'tools': expected at most {MAX_TOOLS} tools.", param="tools", code="array_above_max_length")
    for index, tool in enumerate(tools):
        where = f"tools[{index}]"
        if not isinstance(tool, dict):
            raise wrong_type(where, wanted="an object", value=tool)
        kind = tool.get("type")
        if kind is None:
            raise missing(f"{where}.type")
        if kind in ("function", "custom"):
            check_definition(tool, where=where)
        elif not isinstance(kind, str) or kind not in BUILT_IN_TOOLS:
            raise invalid(f"{where}.type", kind, ("function", "custom", *sorted(BUILT_IN_TOOLS)))


def _check_tool_choice(body: dict[str, Json]) -> None:
    choice = body.get("tool_choice")
    if choice in (None, "none", "auto"):
        return
    tools = body.get("tools") or []
    if choice == "required":
        if not tools:
            raise Refused("Tool choice 'required' must be specified with 'tools' parameter.", param="tool_choice")
        return
    if not isinstance(choice, dict):
        raise invalid("tool_choice", choice, ("none", "auto", "required"))
    kind = choice.get("type")
    if kind == "allowed_tools":
        check_words(choice, {"mode": ("auto", "required")}, where="tool_choice.")
        if not isinstance(choice.get("tools"), list):
            raise missing("tool_choice.tools")
        return
    if not isinstance(kind, str) or (kind not in ("function", "custom") and kind not in BUILT_IN_TOOLS):
        raise invalid("tool_choice.type", kind, ("function", "custom", "allowed_tools", *sorted(BUILT_IN_TOOLS)))
    named = kind in ("function", "custom")
    if named and not isinstance(choice.get("name"), str):
        raise missing("tool_choice.name")
    if not any(tool["type"] == kind and (not named or tool["name"] == choice["name"]) for tool in tools):
        raise Refused(f"Tool choice '{choice.get('name', kind)}' not found in 'tools' parameter.", param="tool_choice")


def _check_text(body: dict[str, Json]) -> None:
    if not wants(body, "text", dict):
        return
    check_words(body["text"], {"verbosity": ("low", "medium", "high")}, where="text.")
    if not wants(body["text"], "format", dict, where="text."):
        return
    wanted = body["text"]["format"]
    if wanted.get("type") not in ("text", "json_object", "json_schema"):
        raise invalid("text.format.type", wanted.get("type"), ("json_object", "json_schema", "text"))
    if wanted["type"] == "json_object" and "json" not in str(body.get("input", "")).lower() + (body.get("instructions") or "").lower():
        raise Refused(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.", param="input"
        )
    if wanted["type"] == "json_schema":
        if "json_schema" in wanted or not isinstance(wanted.get("name"), str):
            raise missing("text.format.name")
        if not NAME.match(wanted["name"]):
            raise Refused(
                "Invalid 'text.format.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.",
                param="text.format.name",
                code="invalid_value",
            )
        if not isinstance(wanted.get("schema"), dict):
            raise missing("text.format.schema")
        check_schema_object(wanted, param="text.format.schema", code="invalid_json_schema")


def _check_reasoning(body: dict[str, Json]) -> None:
    """Reasoning models do not sample by taste; others do not reason."""
    reasons = REASONING_MODEL.match(body["model"]) is not None
    if wants(body, "reasoning", dict):
        reasoning = body["reasoning"]
        check_words(reasoning, {"effort": _EFFORTS, "summary": _SUMMARIES, "generate_summary": _SUMMARIES}, where="reasoning.")
        for name in ("effort", "summary", "generate_summary"):
            if reasoning.get(name) is not None and not reasons and not _is_made_up(body["model"]):
                raise _unsupported(f"reasoning.{name}")
    if "reasoning.encrypted_content" in (body.get("include") or ()) and not reasons and not _is_made_up(body["model"]):
        raise Refused("Encrypted content is not supported with this model.", param="include")
    for name in ("temperature", "top_p"):
        if reasons and body.get(name) not in (None, 1):
            raise _unsupported(name)


def _is_made_up(model: str) -> bool:
    """A model of no known family may reason: magic models, and those of imitators."""
    return not model.startswith(("gpt-", "chatgpt-", "o1", "o3", "o4"))


def _unsupported(param: str) -> Refused:
    return Refused(f"Unsupported parameter: '{param}' is not supported with this model.", param=param, code="unsupported_parameter")

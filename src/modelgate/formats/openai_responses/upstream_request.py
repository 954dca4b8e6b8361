"""A request in neutral words written for an upstream of this dialect."""

from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.request import ChatRequest, OutputFormat, Reasoning, Tool, ToolChoice, WebSearch
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.openai_chat.options import WITHOUT_REASONING, bare_name, effort_of_budget, nearest_effort
from modelgate.formats.openai_responses import NAME
from modelgate.formats.openai_responses.input_items import encode_input
from modelgate.formats.openai_responses.nesting import flat_grammar, flat_location

PATH = "/responses"
_HINTS = (
    "top_k",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "prediction",
    "image_aspect_ratio",
    "image_size",
    "gemini_safety_settings",
    "store",
)
"""Fields with no word here that leave the meaning as it is."""
_REFUSED = {
    "stop": "Stop sequences are not supported with this model.",
    "audio": "Answers in sound are not supported with this model.",
}


def encode_request(request: ChatRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what an upstream is sent. It is told to keep nothing: clients of other dialects could not refer to it.

    Raises:
        InvalidRequest: `param` is the neutral field that changes the meaning and cannot be said.
    """
    refused = sorted(name for name in quirks.refuses if _is_said(request, name))
    request = msgspec.structs.replace(request, **{name: _DEFAULTS[name] for name in refused})
    _refuse_unsayable(request)
    ignored = [*refused, *(name for name in _HINTS if _is_said(request, name))]
    body: dict[str, Json] = {"model": upstream_model, "input": encode_input(request.messages), "store": False}
    if request.system:
        body["instructions"] = "\n\n".join(text.text for text in request.system)
    for name in ("max_output_tokens", "temperature", "top_p", "parallel_tool_calls", "metadata", "top_logprobs"):
        value = getattr(request, name)
        if value is not None:
            body[name] = value
    for name in ("service_tier", "user", "prompt_cache_key"):
        if getattr(request, name):
            body[name] = getattr(request, name)
    if request.stream:
        body["stream"] = True
    body.update(_tools(request))
    body.update(_text(request))
    if request.reasoning is not None:
        if WITHOUT_REASONING.match(bare_name(upstream_model)):
            ignored.append("reasoning")
        else:
            body.update(_reasoning(request.reasoning, upstream_model))
    if request.logprobs:
        body["include"] = [*body.get("include", ()), "message.output_text.logprobs"]
    renamed = {quirks.renames.get(name, name): value for name, value in body.items()}
    return UpstreamAsk(path=path_of(upstream_model, quirks), body=msgspec.json.encode(renamed), ignored=tuple(ignored))


def path_of(upstream_model: str, quirks: Quirks, *, below: str = "") -> str:
    """Return the path (and query) at a vendor; `below` is what stands under the place of answers (`/resp_1/cancel`)."""
    template = quirks.paths.get(NAME, PATH)
    path = (template.replace("{model}", quote(upstream_model, safe="")) if "{model}" in template else template) + below
    query = quirks.query.lstrip("?&")
    return f"{path}{'&' if '?' in path else '?'}{query}" if query else path


_DEFAULTS: dict[str, Json] = {
    field.name: field.default for field in msgspec.structs.fields(ChatRequest) if field.default is not msgspec.NODEFAULT
}


def _is_said(request: ChatRequest, name: str) -> bool:
    return name in _DEFAULTS and getattr(request, name) != _DEFAULTS[name]


def _refuse_unsayable(request: ChatRequest) -> None:
    if request.n is not None and request.n > 1:
        raise InvalidRequest("More than one answer is not supported with this model.", param="n", code="unsupported_parameter")
    for name, message in _REFUSED.items():
        if getattr(request, name):
            raise InvalidRequest(message, param=name, code="unsupported_parameter")
    if any(modality != "text" for modality in request.modalities):
        message = "Answers other than text are not supported with this model."
        raise InvalidRequest(message, param="modalities", code="unsupported_parameter")


def _tools(request: ChatRequest) -> dict[str, Json]:
    tools = [_tool(tool) for tool in request.tools]
    if request.web_search is not None:
        tools.append(_web_search(request.web_search))
    said: dict[str, Json] = {"tools": tools} if tools else {}
    if request.tool_choice is not None and tools:
        said["tool_choice"] = _tool_choice(request.tool_choice, request.tools)
    return said


def _tool(tool: Tool) -> Json:
    if tool.vendor is not None:
        if tool.vendor_format == NAME:
            return tool.vendor
        if tool.name.startswith("web_search"):
            return {"type": "web_search"}
        raise InvalidRequest(f"The tool '{tool.name}' is not supported with this model.", param="tools", code="unsupported_parameter")
    said: dict[str, Json] = {"type": "custom" if tool.custom else "function", "name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.custom:
        return {**said, "format": flat_grammar(tool.grammar)} if tool.grammar is not None else said
    parameters: Json = tool.schema if tool.schema is not None else {"type": "object", "properties": {}}
    # Left out it means true here and false in every other dialect, and most schemas are not written for it.
    return {**said, "parameters": parameters, "strict": bool(tool.strict)}


def _web_search(search: WebSearch) -> Json:
    said: dict[str, Json] = {"type": "web_search"}
    if search.context_size:
        said["search_context_size"] = search.context_size
    if search.location:
        said["user_location"] = flat_location(search.location)
    return said


def _tool_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Json:
    kinds = {tool.name: "custom" if tool.custom else "function" for tool in tools}
    if choice.mode == "named":
        return {"type": kinds.get(choice.name, "function"), "name": choice.name}
    if choice.allowed and choice.mode != "none":
        allowed = [{"type": kinds.get(name, "function"), "name": name} for name in choice.allowed]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": allowed}
    return choice.mode


def _text(request: ChatRequest) -> dict[str, Json]:
    text: dict[str, Json] = {"verbosity": request.verbosity} if request.verbosity else {}
    if request.output is not None:
        text["format"] = _format(request.output)
    return {"text": text} if text else {}


def _format(output: OutputFormat) -> Json:
    if output.kind == "json":
        return {"type": "json_object"}
    said: dict[str, Json] = {"type": "json_schema", "name": output.name or "answer", "schema": output.schema or {}}
    if output.description:
        said["description"] = output.description
    return {**said, "strict": bool(output.strict)}


def _reasoning(reasoning: Reasoning, model: str) -> dict[str, Json]:
    """Return how much the model shall think, and that its thoughts be told sealed, for the next turn: nothing is kept there."""
    asked = reasoning.effort
    if reasoning.budget_tokens is not None:
        asked = effort_of_budget(reasoning.budget_tokens)
    effort = nearest_effort(asked, model) if asked else ""
    said: dict[str, Json] = {"effort": effort} if effort else {}
    if asked == "none" and effort in ("", "none"):
        return {"reasoning": said} if said else {}
    if reasoning.show:
        said["summary"] = "auto"
    return {**({"reasoning": said} if said else {}), "include": ["reasoning.encrypted_content"]}

"""A neutral request as a chat request to an upstream, with the ways of its vendor."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.chat.request import ChatRequest, OutputFormat, Tool, ToolChoice
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.openai_chat.encode_messages import MessageEncoder
from modelgate.formats.openai_chat.options import (
    BUDGETS_OF_EFFORTS,
    COMPLETION_TOKENS_MODELS,
    MAX_STOP_SEQUENCES,
    NAME,
    SPELLINGS,
    WITHOUT_REASONING,
    bare_name,
    effort_of_budget,
    knows_efforts,
    nearest_effort,
)

PATH = "/chat/completions"
JSON_SENTENCE = "Answer with one JSON object and nothing else."
SCHEMA_SENTENCE = "Answer with one JSON object that is valid for this JSON Schema, and nothing else:\n"
WEB_SEARCH = "web_search"

_PLAIN_FIELDS = (
    "temperature",
    "top_p",
    "n",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "parallel_tool_calls",
    "prediction",
    "verbosity",
    "service_tier",
    "store",
    "user",
    "prompt_cache_key",
)
"""Fields that are called the same and said the same."""

_encode = msgspec.json.Encoder().encode


def encode_request(request: ChatRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what the upstream is sent.

    Raises:
        InvalidRequest: something that changes the meaning cannot be said; `param` is the neutral field's name.
    """
    ignored: set[str] = set()
    body: dict[str, Json] = {"model": upstream_model, "messages": ()}
    for name in _PLAIN_FIELDS:
        value = getattr(request, name)
        if value is not None and value != "":
            body[name] = value
    more_system = _say_output(request, body, quirks)
    _say_limits(request, body, upstream_model, ignored, quirks)
    _say_tools(request, body)
    _say_reasoning(request, body, upstream_model, ignored, quirks)
    _say_media(request, body, ignored, quirks)
    if not request.tools:
        body.pop("parallel_tool_calls", None)
    if request.stream:
        body["stream"] = True
        if quirks.has_stream_options:
            body["stream_options"] = {"include_usage": True}
    messages = MessageEncoder(quirks)
    body["messages"] = messages.encode(request, more_system=more_system)
    ignored |= messages.ignored | _drop_refused(body, quirks)
    body = {quirks.renames.get(name, name): value for name, value in body.items()}
    return UpstreamAsk(path=path_for(upstream_model, quirks), body=_encode(body), ignored=tuple(sorted(ignored)))


def path_for(model: str, quirks: Quirks) -> str:
    """Return where chats are asked for, below the upstream's base URL."""
    return quirks.paths.get(NAME, PATH).replace("{model}", quote(model, safe="")) if quirks.paths else PATH


def _drop_refused(body: dict[str, Json], quirks: Quirks) -> set[str]:
    """Take out what this vendor answers with an error."""
    dropped: set[str] = set()
    for neutral in quirks.refuses:
        for name in SPELLINGS.get(neutral, (neutral,)):
            if name != "messages" and name in body:
                del body[name]
                dropped.add(neutral)
    return dropped


def _say_output(request: ChatRequest, body: dict[str, Json], quirks: Quirks) -> list[str]:
    """Say which form the answer shall have; return what must be said in words."""
    output = request.output
    if output is None:
        return []
    if output.kind == "schema" and quirks.has_json_schema:
        body["response_format"] = {"type": "json_schema", "json_schema": _json_schema(output)}
        return []
    body["response_format"] = {"type": "json_object"}
    if output.kind == "schema":
        return [SCHEMA_SENTENCE + _encode(output.schema).decode()]
    return [] if _speaks_of_json(request) else [JSON_SENTENCE]


def _json_schema(output: OutputFormat) -> dict[str, Json]:
    said: dict[str, Json] = {"name": output.name or "answer", "schema": output.schema}
    if output.description:
        said["description"] = output.description
    if output.strict is not None:
        said["strict"] = output.strict
    return said


def _speaks_of_json(request: ChatRequest) -> bool:
    """Vendors refuse JSON mode when no message says the word."""
    texts = [text.text for text in request.system]
    texts += [text for message in request.messages for part in message.parts if isinstance(text := getattr(part, "text", None), str)]
    return any("json" in text.lower() for text in texts)


def _say_limits(request: ChatRequest, body: dict[str, Json], model: str, ignored: set[str], quirks: Quirks) -> None:
    if request.max_output_tokens is not None:
        is_newer = COMPLETION_TOKENS_MODELS.match(bare_name(model)) is not None
        body["max_completion_tokens" if is_newer else "max_tokens"] = request.max_output_tokens
    if request.stop:
        body["stop"] = request.stop[:MAX_STOP_SEQUENCES]
        if len(request.stop) > MAX_STOP_SEQUENCES:
            ignored.add("stop")
    if request.metadata:
        if request.store:  # OpenAI refuses it otherwise
            body["metadata"] = request.metadata
        else:
            ignored.add("metadata")
    if request.top_k is not None:
        _say_extra("top_k", request.top_k, body, ignored, quirks)


def _say_extra(name: str, value: Json, body: dict[str, Json], ignored: set[str], quirks: Quirks) -> None:
    """Say what is not OpenAI's own where the vendor is known to understand it."""
    if name in quirks.accepts:
        body[name] = value
    else:
        ignored.add(name)


def _say_tools(request: ChatRequest, body: dict[str, Json]) -> None:
    choice = request.tool_choice
    allowed = choice.allowed if choice is not None else ()
    said: list[Json] = []
    for tool in request.tools:
        if tool.vendor is not None and tool.vendor_format != NAME:
            if tool.name != WEB_SEARCH:
                message = f"The tool '{tool.name}' is run by another vendor's models alone."
                raise InvalidRequest(message, param="tools", code="unsupported_parameter")
            body["web_search_options"] = {}
        elif not allowed or tool.name in allowed:
            # Few vendors know `allowed_tools`; offering no others means the same.
            said.append(_tool(tool))
    if said:
        body["tools"] = said
        if choice is not None:
            body["tool_choice"] = _tool_choice(choice, request.tools)
    if request.web_search is not None:
        search = request.web_search
        size = {"search_context_size": search.context_size} if search.context_size else {}
        body["web_search_options"] = {**size, **({"user_location": search.location} if search.location is not None else {})}


def _tool(tool: Tool) -> Json:
    if tool.vendor is not None:
        return tool.vendor
    said: dict[str, Json] = {"name": tool.name}
    if tool.description:
        said["description"] = tool.description
    if tool.custom:
        return {"type": "custom", "custom": {**said, **({"format": tool.grammar} if tool.grammar is not None else {})}}
    if tool.schema is not None:
        said["parameters"] = tool.schema
    if tool.strict is not None:
        said["strict"] = tool.strict
    return {"type": "function", "function": said}


def _tool_choice(choice: ToolChoice, tools: tuple[Tool, ...]) -> Json:
    if choice.mode != "named":
        return choice.mode
    is_custom = any(tool.custom and tool.name == choice.name for tool in tools)
    kind = "custom" if is_custom else "function"
    return {"type": kind, kind: {"name": choice.name}}


def _say_reasoning(request: ChatRequest, body: dict[str, Json], model: str, ignored: set[str], quirks: Quirks) -> None:
    """Say how much to think in the vendor's way: numbered cases by its field."""
    asked = request.reasoning
    if asked is None or not (asked.effort or asked.budget_tokens is not None or asked.adaptive):
        return
    effort = asked.effort or (effort_of_budget(asked.budget_tokens) if asked.budget_tokens is not None else "")
    budget = asked.budget_tokens if asked.budget_tokens is not None else BUDGETS_OF_EFFORTS.get(asked.effort)
    is_on = effort != "none"
    match quirks.reasoning:
        case "reasoning_effort":
            # Not to think at all is a wish that strangers answer with an error.
            if WITHOUT_REASONING.match(bare_name(model)) or (effort == "none" and not knows_efforts(model)):
                ignored.add("reasoning")
            elif effort:
                body["reasoning_effort"] = nearest_effort(effort, model)
        case "thinking":
            body["thinking"] = {"type": "enabled" if is_on else "disabled"}
        case "enable_thinking":
            body["enable_thinking"] = is_on
            if is_on and budget is not None:
                body["thinking_budget"] = budget
        case "reasoning":
            said: dict[str, Json] = {"effort": effort} if asked.effort or not is_on else {"enabled": True}
            if asked.budget_tokens and is_on:
                said = {"max_tokens": asked.budget_tokens}
            body["reasoning"] = {**said, **({"exclude": True} if asked.show is False else {})}
        case "":
            ignored.add("reasoning")


def _say_media(request: ChatRequest, body: dict[str, Json], ignored: set[str], quirks: Quirks) -> None:
    if request.modalities and request.modalities != ("text",):
        body["modalities"] = request.modalities
    if request.audio is not None:
        body["audio"] = {"voice": request.audio.voice, "format": request.audio.format}
    picture: Mapping[str, str] = {
        field: value for field, value in (("aspect_ratio", request.image_aspect_ratio), ("image_size", request.image_size)) if value
    }
    if picture:
        _say_extra("image_config", picture, body, ignored, quirks)
        if "image_config" in ignored:
            ignored.discard("image_config")
            ignored |= {"image_aspect_ratio" if field == "aspect_ratio" else field for field in picture}
    if request.gemini_safety_settings is not None:
        ignored.add("gemini_safety_settings")

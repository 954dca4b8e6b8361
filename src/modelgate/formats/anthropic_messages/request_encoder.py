"""A neutral request for an upstream of this dialect."""

from collections.abc import Mapping

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import Quirks
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.blocks import encode_cache, encode_text
from modelgate.formats.anthropic_messages.closed_schema import close_schema
from modelgate.formats.anthropic_messages.request import path_for, version_lines
from modelgate.formats.anthropic_messages.request_decoder import SEARCH_SIZES, SERVICE_TIERS, WEB_SEARCH
from modelgate.formats.anthropic_messages.schema import NAME
from modelgate.formats.anthropic_messages.thinking import Plan, Traits, plan_thinking, traits_of
from modelgate.formats.anthropic_messages.turns import Turns
from modelgate.formats.chat.request import ChatRequest, Text, Tool, ToolChoice, WebSearch
from modelgate.formats.chat.wire_format import UpstreamAsk
from modelgate.formats.json_fields import object_of

WEB_SEARCH_TYPE = "web_search_20250305"
JSON_SENTENCE = "Answer with one JSON object and nothing else."
SCHEMA_SENTENCE = "Answer with one JSON object that is valid for this JSON Schema, and nothing else:\n"
MAX_USER_CHARACTERS = 256
MAX_TEMPERATURE = 1.0
SAMPLING = ("temperature", "top_p", "top_k")

HINTS = (
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "logit_bias",
    "verbosity",
    "image_aspect_ratio",
    "image_size",
    "prediction",
    "metadata",
    "store",
    "prompt_cache_key",
    "gemini_safety_settings",
)
"""Neutral fields that cannot be said here and do not change what is asked."""
_NOTHING_SAID = ChatRequest(model="", messages=())
_TIERS = {ours: vendors for vendors, ours in SERVICE_TIERS.items()}

_encode = msgspec.json.Encoder().encode


def encode_request(request: ChatRequest, upstream_model: str, quirks: Quirks) -> UpstreamAsk:
    """Return what the upstream is sent.

    Raises:
        InvalidRequest: something that changes the meaning cannot be said; `param` is the neutral field's name.
    """
    _refuse_unsayable(request)
    ignored = {name for name in HINTS if getattr(request, name) not in (None, "")}
    request = _without_refused(request, quirks, ignored)
    traits = traits_of(upstream_model)
    turns = Turns()
    for message in request.messages:
        turns.add(message)
    tools, choice = _tools(request, turns, traits)
    plan = _thinking(request, turns, traits=traits, choice=choice)
    if plan.is_left_out:
        ignored.add("reasoning")
    body: dict[str, Json] = {"model": upstream_model, "max_tokens": plan.max_tokens, "messages": turns.encode()}
    takes_form = traits.takes_format and quirks.has_json_schema and not turns.is_prefilled
    form = _closed_form(request) if takes_form else None
    system = _system(request, is_form_said=form is not None)
    if system:
        body["system"] = system
    if tools:
        body["tools"] = tools
        if choice is not None:
            body["tool_choice"] = choice
    config: dict[str, Json] = {"effort": plan.effort} if plan.effort else {}
    if form is not None:
        config["format"] = {"type": "json_schema", "schema": form}
    if config:
        body["output_config"] = config
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    body |= _sampling(request, plan, traits, ignored)
    body |= _plain_fields(request, ignored)
    return UpstreamAsk(path=path_for(upstream_model, quirks), body=_encode(body), lines=version_lines(), ignored=tuple(sorted(ignored)))


def _refuse_unsayable(request: ChatRequest) -> None:
    """Numbered cases: 1. several answers; 2. probabilities; 3. sound and pictures as answers; 4. tools that take plain text."""
    if request.n is not None and request.n > 1:
        raise _unsupported("n", "This model gives one answer: 'n' can only be 1.")
    if request.logprobs or request.top_logprobs:
        raise _unsupported("logprobs", "This model tells no probabilities: 'logprobs' is not supported.")
    if request.audio is not None:
        raise _unsupported("audio", "This model answers in text: 'audio' is not supported.")
    if set(request.modalities) - {"text"}:
        raise _unsupported("modalities", "This model answers in text: 'modalities' can only be text.")
    if any(tool.custom for tool in request.tools):
        raise _unsupported("tools", "This model calls tools with JSON: custom tools in 'tools' are not supported.")


def _unsupported(param: str, message: str) -> InvalidRequest:
    return InvalidRequest(message, param=param, code="unsupported_parameter")


def _without_refused(request: ChatRequest, quirks: Quirks, ignored: set[str]) -> ChatRequest:
    """Leave out what this vendor answers with an error."""
    said = [name for name in quirks.refuses if getattr(request, name, None) != getattr(_NOTHING_SAID, name, None)]
    ignored.update(said)
    return msgspec.structs.replace(request, **{name: getattr(_NOTHING_SAID, name) for name in said}) if said else request


def _tools(request: ChatRequest, turns: Turns, traits: Traits) -> tuple[list[Json], Json | None]:
    """Return tools and choice. A history with calls wants the tools it called, though none are on offer any more."""
    choice = request.tool_choice
    allowed = choice.allowed if choice is not None else ()
    tools = [_tool(tool, traits) for tool in request.tools if not allowed or tool.name in allowed or tool.vendor is not None]
    if request.web_search is not None:
        tools.append(_web_search(request.web_search))
    if not tools:
        if not turns.has_tool_blocks:
            return [], None
        names = turns.names or ("unknown",)
        return [{"name": name, "input_schema": {"type": "object", "properties": {}}} for name in names], {"type": "none"}
    return tools, _tool_choice(choice, request.parallel_tool_calls)


def _tool(tool: Tool, traits: Traits) -> Json:
    """Return one tool. Numbered cases: 1. the vendor's own; 2. another vendor's: only a search means something here; 3. a function."""
    if tool.vendor is not None:
        if tool.vendor_format == NAME:
            return tool.vendor
        if tool.name.startswith(WEB_SEARCH):
            return _web_search(WebSearch())
        raise _unsupported("tools", f"The tool '{tool.name}' in 'tools' is run by another vendor's models alone.")
    schema = _input_schema(tool.schema)
    closed = close_schema(schema) if tool.strict and traits.takes_format else None
    said: dict[str, Json] = {"name": tool.name, "input_schema": schema if closed is None else closed}
    if tool.description:
        said["description"] = tool.description
    if closed is not None:
        said["strict"] = True
    return {**said, **encode_cache(tool.cache)}


def _input_schema(schema: Json) -> Json:
    """Return the schema of an object, whole but for its type."""
    given = object_of(schema)
    if given is None:
        return {"type": "object", "properties": {}}
    return given if given.get("type") == "object" else {**given, "type": "object"}


def _web_search(search: WebSearch) -> Json:
    said: dict[str, Json] = {"type": WEB_SEARCH_TYPE, "name": WEB_SEARCH}
    if search.context_size in SEARCH_SIZES:
        said["max_uses"] = SEARCH_SIZES[search.context_size]
    location = object_of(search.location)
    place = object_of(location.get("approximate", location)) if location is not None else None
    if place:
        said["user_location"] = {**place, "type": "approximate"}
    return said


def _tool_choice(choice: ToolChoice | None, parallel: bool | None) -> Json | None:
    said: dict[str, Json]
    match choice:
        case None:
            if parallel is not False:
                return None
            said = {"type": "auto"}
        case ToolChoice(mode="none"):
            return {"type": "none"}
        case ToolChoice(mode="required"):
            said = {"type": "any"}
        case ToolChoice(mode="named"):
            said = {"type": "tool", "name": choice.name}
        case _:
            said = {"type": "auto"}
    return {**said, "disable_parallel_tool_use": True} if parallel is False else said


def _thinking(request: ChatRequest, turns: Turns, *, traits: Traits, choice: Json | None) -> Plan:
    """Return what is said of thinking. A call that is demanded, a prefill, or calls without their thoughts forbid it."""
    is_possible = turns.may_think() and (choice is None or choice["type"] in ("auto", "none"))
    try:
        return plan_thinking(request.reasoning, max_tokens=request.max_output_tokens, traits=traits, is_possible=is_possible)
    except KeyError as error:
        raise InvalidRequest(f"'reasoning' has no effort {error}.", param="reasoning", code="invalid_value") from None


def _system(request: ChatRequest, *, is_form_said: bool) -> list[Json]:
    """Return the instructions, cache marks kept, and in words what no field can say of the answer's form."""
    said = [encode_text(text) for text in request.system if text.text.strip()]
    output = request.output
    if output is not None and output.kind == "json":
        said.append(encode_text(Text(text=JSON_SENTENCE)))
    elif output is not None and not is_form_said:
        said.append(encode_text(Text(text=SCHEMA_SENTENCE + _encode(output.schema).decode())))
    return said


def _closed_form(request: ChatRequest) -> Json | None:
    """Return the schema that the answer can be held to; None for none, and where it is one that only words can say."""
    output = request.output
    return close_schema(output.schema) if output is not None and output.kind == "schema" and output.schema is not None else None


def _sampling(request: ChatRequest, plan: Plan, traits: Traits, ignored: set[str]) -> dict[str, Json]:
    """Return how words are drawn; a model that thinks draws as it will, and newer ones take one way at most or none."""
    said: dict[str, Json] = {name: value for name in SAMPLING if (value := getattr(request, name)) is not None}
    if plan.is_on or not traits.takes_sampling:
        ignored.update(name for name in said if (name, said[name]) != ("temperature", 1))  # which is how it draws
        return {}
    if "temperature" in said and "top_p" in said and not traits.takes_both:
        del said["top_p"]
        ignored.add("top_p")
    if "temperature" in said:
        said["temperature"] = min(said["temperature"], MAX_TEMPERATURE)
    return said


def _plain_fields(request: ChatRequest, ignored: set[str]) -> Mapping[str, Json]:
    said: dict[str, Json] = {}
    stop = [one for one in request.stop if one.strip()]
    if stop:
        said["stop_sequences"] = stop
    if len(stop) < len(request.stop):
        ignored.add("stop")
    if request.user:
        said["metadata"] = {"user_id": request.user[:MAX_USER_CHARACTERS]}
    if request.service_tier in _TIERS:
        said["service_tier"] = _TIERS[request.service_tier]
    elif request.service_tier:
        ignored.add("service_tier")
    if request.stream:
        said["stream"] = True
    return said

"""A request read into the hub."""

from collections.abc import Iterable

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import ChatRequest, OutputFormat, Reasoning, Text, Tool, ToolChoice, WebSearch
from modelgate.formats.chat.wire_format import ChatPeek
from modelgate.formats.json_fields import convert_field, decode_fields, top_level
from modelgate.formats.openai_responses import NAME, schema
from modelgate.formats.openai_responses.items import read_input
from modelgate.formats.openai_responses.nesting import nested_grammar, nested_location
from modelgate.formats.openai_responses.peek import say

FIELD_NAMES = {
    "messages": "input",
    "system": "instructions",
    "output": "text.format",
    "verbosity": "text.verbosity",
    "reasoning": "reasoning.effort",
    "web_search": "tools",
    "logprobs": "include",
}

_LOGPROBS = "message.output_text.logprobs"
_WEB_SEARCHES = ("web_search", "web_search_preview", "web_search_2025_08_26", "web_search_preview_2025_03_11")
_UNSAID = (b"null", b"false", b'"disabled"')
"""Values that say no more than leaving a field out; so `truncation` and `background` are answered with their defaults."""
_UNDERSTOOD = frozenset(schema.Request.__struct_fields__) - {"store"}
_UNDERSTOOD_INCLUDES = frozenset((_LOGPROBS, "reasoning.encrypted_content"))

_decoder = msgspec.json.Decoder(schema.Request)


def decode_request(request: HttpRequest, peek: ChatPeek) -> ChatRequest:
    """Return the request in neutral words. `store` (true by default) is not heeded: a translated answer is kept nowhere.

    Raises:
        InvalidRequest: a field is not as it should be, or only an upstream of this dialect can do it (`unsupported_parameter`).
    """
    said = decode_fields(_decoder, request.body, say=say)
    _refuse_stored_state(said)
    if said.input is None:
        raise InvalidRequest("'input' is required.", param="input", code="missing_required_parameter")
    conversation = read_input(said.input)
    if not conversation.messages:
        raise InvalidRequest("'input' must hold at least one item of a user or assistant.", param="input", code="invalid_value")
    tools, web_search, ignored_of_tools = _tools(said.tools or [])
    include = frozenset(said.include or ())
    ignored = [name for name, raw in top_level(request.body).items() if name not in _UNDERSTOOD and bytes(raw) not in _UNSAID]
    if include - _UNDERSTOOD_INCLUDES:
        ignored.append("include")
    instructions = [Text(text=said.instructions)] if said.instructions else []
    return ChatRequest(
        model=peek.model,
        messages=tuple(conversation.messages),
        system=(*instructions, *conversation.system),
        stream=bool(said.stream),
        max_output_tokens=said.max_output_tokens,
        temperature=said.temperature,
        top_p=said.top_p,
        logprobs=True if _LOGPROBS in include or said.top_logprobs else None,
        top_logprobs=said.top_logprobs or None,
        tools=tools,
        tool_choice=_tool_choice(said.tool_choice),
        parallel_tool_calls=said.parallel_tool_calls,
        output=_output(said.text.format if said.text is not None else None),
        reasoning=_reasoning(said.reasoning),
        verbosity=(said.text.verbosity if said.text is not None else None) or "",
        web_search=web_search,
        user=said.user or said.safety_identifier or "",
        metadata=said.metadata or None,
        service_tier=said.service_tier or "",
        prompt_cache_key=said.prompt_cache_key or "",
        ignored=(*ignored, *ignored_of_tools, *conversation.ignored),
    )


def _refuse_stored_state(said: schema.Request) -> None:
    for name in ("previous_response_id", "conversation", "prompt"):
        if getattr(said, name) is not None:
            message = f"'{name}' is not supported with this model: what it names is kept by another vendor. Send the whole input instead."
            raise InvalidRequest(message, param=name, code="unsupported_parameter")


def _tools(given: Iterable[dict[str, Json]]) -> tuple[tuple[Tool, ...], WebSearch | None, list[str]]:
    tools: list[Tool] = []
    web_search: WebSearch | None = None
    ignored: list[str] = []
    for index, definition in enumerate(given):
        at = f"tools[{index}]"
        found = convert_field(definition, schema.Tool, at=at, say=say)
        if found.type in ("function", "custom"):
            tools.append(_own_tool(found, at=at))
        elif found.type in _WEB_SEARCHES:
            web_search = WebSearch(context_size=found.search_context_size or "", location=nested_location(found.user_location))
            ignored += [f"{at}.{name}" for name in definition if name not in ("type", "search_context_size", "user_location")]
        else:
            tools.append(Tool(name=found.type, vendor=definition, vendor_format=NAME))
    return tuple(tools), web_search, ignored


def _own_tool(found: schema.Tool, *, at: str) -> Tool:
    if not found.name:
        raise InvalidRequest(f"'{at}.name' is required.", param=f"{at}.name", code="missing_required_parameter")
    if found.type == "custom":
        return Tool(name=found.name, description=found.description or "", custom=True, grammar=nested_grammar(found.format))
    return Tool(name=found.name, description=found.description or "", schema=found.parameters, strict=found.strict)


def _tool_choice(given: str | schema.ToolChoice | None) -> ToolChoice | None:
    match given:
        case None:
            return None
        case "auto" | "none" | "required":
            return ToolChoice(mode=given)
        case schema.ToolChoice(type="function" | "custom", name=str(name)) if name:
            return ToolChoice(mode="named", name=name)
        case schema.ToolChoice(type="allowed_tools"):
            return ToolChoice(
                mode="required" if given.mode == "required" else "auto", allowed=tuple(tool.name for tool in given.tools if tool.name)
            )
        case str():
            raise InvalidRequest("'tool_choice' must be none, auto, required or an object.", param="tool_choice", code="invalid_value")
        case _:
            message = "'tool_choice' of that kind is not supported with this model."
            raise InvalidRequest(message, param="tool_choice", code="unsupported_parameter")


def _output(given: schema.TextFormat | None) -> OutputFormat | None:
    match given:
        case None | schema.TextFormat(type="text"):
            return None
        case schema.TextFormat(type="json_object"):
            return OutputFormat(kind="json")
        case schema.TextFormat(type="json_schema"):
            if given.schema is None:
                raise InvalidRequest("'text.format.schema' is required.", param="text.format.schema", code="missing_required_parameter")
            return OutputFormat(
                kind="schema", name=given.name or "", description=given.description or "", schema=given.schema, strict=given.strict
            )
        case _:
            message = "'text.format.type' must be text, json_object or json_schema."
            raise InvalidRequest(message, param="text.format.type", code="invalid_value")


def _reasoning(given: schema.Reasoning | None) -> Reasoning | None:
    if given is None:
        return None
    show = True if given.summary or given.generate_summary else None
    return Reasoning(effort=given.effort or "", show=show) if given.effort or show else None

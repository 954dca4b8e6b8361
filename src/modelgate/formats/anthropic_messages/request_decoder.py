"""A client's request in neutral words."""

from collections.abc import Iterable

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.records import Json
from modelgate.formats.anthropic_messages.blocks import decode_blocks, decode_cache
from modelgate.formats.anthropic_messages.request import say
from modelgate.formats.anthropic_messages.schema import NAME, CustomTool, Request
from modelgate.formats.anthropic_messages.schema import ToolChoice as AskedChoice
from modelgate.formats.anthropic_messages.thinking import decode_reasoning
from modelgate.formats.chat.request import (
    CacheMark,
    ChatRequest,
    File,
    Image,
    Message,
    OutputFormat,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    WebSearch,
)
from modelgate.formats.chat.wire_format import ChatPeek
from modelgate.formats.json_fields import decode_fields, object_of, top_level

WEB_SEARCH = "web_search"
SEARCH_SIZES = {"low": 1, "medium": 5, "high": 10}
"""How many searches a size of the OpenAI dialects stands for."""
SERVICE_TIERS = {"auto": "auto", "standard_only": "default"}
REFUSED = ("mcp_servers",)
"""Unknown to the hub, and no hint: tools that the vendor itself would call."""
MAX_IGNORED = 32
MAX_FIELD_CHARACTERS = 64

_decoder = msgspec.json.Decoder(Request)
_HUB_FIELDS = frozenset(Request.__struct_fields__) | {"betas"}
_TOOL_FIELDS = frozenset(CustomTool.__struct_fields__) | {"type"}
_SEARCH_FIELDS = frozenset(("type", "name", "max_uses", "user_location", "cache_control"))
_custom_tool = msgspec.json.Decoder(CustomTool)


def decode_request(request: HttpRequest, peek: ChatPeek) -> ChatRequest:
    """Return what a request asks for, also one to count tokens.

    Raises:
        InvalidRequest: a field of the wrong type, or a block that is not what it says; `param` names it.
    """
    asked = decode_fields(_decoder, request.body, say=say)
    ignored = _unknown(request.body)
    system, messages = _turns(asked, ignored)
    tools, web_search = _tools(asked.tools or [], ignored)
    choice = asked.tool_choice
    if asked.cache_control is not None:
        messages = _marked(messages, decode_cache(asked.cache_control))
    thinking, output = asked.thinking, asked.output_config
    if output is not None and output.effort and thinking is not None and thinking.type != "adaptive":
        ignored.append("output_config.effort")
    tier = asked.service_tier or ""
    return ChatRequest(
        model=peek.model,
        messages=messages,
        system=system,
        stream=bool(asked.stream),
        max_output_tokens=asked.max_tokens,
        temperature=asked.temperature,
        top_p=asked.top_p,
        top_k=asked.top_k,
        stop=tuple(asked.stop_sequences or ()),
        tools=tools,
        tool_choice=_tool_choice(choice),
        parallel_tool_calls=False if choice is not None and choice.disable_parallel_tool_use else None,
        # The vendor holds every answer to its schema.
        output=OutputFormat(kind="schema", name="answer", schema=output.format.schema, strict=True) if output and output.format else None,
        reasoning=decode_reasoning(thinking, output),
        web_search=web_search,
        user=(asked.metadata.user_id or "") if asked.metadata is not None else "",
        service_tier=SERVICE_TIERS.get(tier, tier),
        ignored=tuple(ignored[:MAX_IGNORED]),
    )


def _unknown(body: bytes | bytearray) -> list[str]:
    """Return the fields that say something and that the hub has no word for. Raises InvalidRequest: one that changes the meaning."""
    unknown = [name for name, value in top_level(body).items() if name not in _HUB_FIELDS and bytes(value) not in (b"null", b"[]", b"{}")]
    for name in REFUSED:
        if name in unknown:
            raise InvalidRequest(f"{name}: only Anthropic's own models can use these.", param=name, code="unsupported_parameter")
    return _named(unknown)


def _named(names: Iterable[str], prefix: str = "") -> list[str]:
    """Return names fit for a header line."""
    return [prefix + name for name in names if name.isascii() and name.isprintable() and len(name) <= MAX_FIELD_CHARACTERS]


def _turns(asked: Request, ignored: list[str]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """Return instructions and turns. Instructions among the turns go with the others, in their order."""
    system = decode_blocks(asked.system or "", at="system", ignored=ignored)
    messages: list[Message] = []
    names: dict[str, str] = {}
    for index, turn in enumerate(asked.messages):
        parts = decode_blocks(turn.content, at=f"messages.{index}.content", ignored=ignored)
        if turn.role == "system":
            system += parts
            continue
        for at, part in enumerate(parts):
            if isinstance(part, ToolCall):
                names[part.id] = part.name
            elif isinstance(part, ToolResult):
                parts[at] = msgspec.structs.replace(part, name=names.get(part.call_id, ""))
        messages.append(Message(role=turn.role, parts=tuple(parts)))
    return tuple(part for part in system if isinstance(part, Text)), tuple(messages)


def _marked(messages: tuple[Message, ...], mark: CacheMark | None) -> tuple[Message, ...]:
    """Return the turns with the last part that can be marked marked, which is what a mark of the whole request means."""
    for at in range(len(messages) - 1, -1, -1):
        parts = messages[at].parts
        for inner in range(len(parts) - 1, -1, -1):
            part = parts[inner]
            if isinstance(part, Text | Image | File | ToolCall | ToolResult):
                marked = part if part.cache is not None else msgspec.structs.replace(part, cache=mark)
                turn = msgspec.structs.replace(messages[at], parts=(*parts[:inner], marked, *parts[inner + 1 :]))
                return (*messages[:at], turn, *messages[at + 1 :])
    return messages


def _tool_choice(choice: AskedChoice | None) -> ToolChoice | None:
    if choice is None:
        return None
    if choice.type == "tool":
        if not choice.name:
            raise InvalidRequest("tool_choice.name: Field required", param="tool_choice.name", code="missing_required_parameter")
        return ToolChoice(mode="named", name=choice.name)
    match choice.type:
        case "any":
            return ToolChoice(mode="required")
        case mode:
            return ToolChoice(mode=mode)


def _tools(asked: list[dict[str, Json]], ignored: list[str]) -> tuple[tuple[Tool, ...], WebSearch | None]:
    """Return the tools on offer, and apart from them the search of the web, which other vendors have too."""
    tools: list[Tool] = []
    web_search: WebSearch | None = None
    for index, tool in enumerate(asked):
        at = f"tools.{index}"
        kind = tool.get("type") or "custom"
        if kind == "custom":
            tools.append(_custom(tool, at, ignored))
        elif not isinstance(kind, str):
            raise InvalidRequest(f"{at}.type: Expected str", param=f"{at}.type", code="invalid_type")
        elif kind.startswith(f"{WEB_SEARCH}_"):
            web_search = _web_search(tool)
            ignored += _named((name for name in tool if name not in _SEARCH_FIELDS), f"{at}.")
        else:
            name = tool.get("name")
            tools.append(Tool(name=name if isinstance(name, str) else kind, vendor=tool, vendor_format=NAME))
    return tuple(tools), web_search


def _custom(tool: dict[str, Json], at: str, ignored: list[str]) -> Tool:
    encoded = msgspec.json.encode(tool)
    found = decode_fields(_custom_tool, encoded, say=lambda param, reason: say(f"{at}.{param}" if param else at, reason))
    ignored += _named((name for name in tool if name not in _TOOL_FIELDS), f"{at}.")
    return Tool(
        name=found.name,
        description=found.description or "",
        schema=found.input_schema,
        strict=found.strict,
        cache=decode_cache(found.cache_control),
    )


def _web_search(tool: dict[str, Json]) -> WebSearch:
    most = tool.get("max_uses")
    size = ""
    if isinstance(most, int):
        size = next((size for size, uses in SEARCH_SIZES.items() if most <= uses), "high")
    location = object_of(tool.get("user_location"))
    if location is None:
        return WebSearch(context_size=size)
    place = {name: value for name, value in location.items() if name != "type" and value is not None}
    return WebSearch(context_size=size, location={"type": "approximate", "approximate": place})

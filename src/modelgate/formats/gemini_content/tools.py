"""Tools on offer, both ways: functions, and what the vendor runs itself."""

import re

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import ChatRequest, Tool, ToolChoice
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.casing import camel
from modelgate.formats.gemini_content.model_facts import ModelFacts
from modelgate.formats.gemini_content.schema import FunctionCallingConfig, FunctionDeclaration, ToolConfig, as_list, is_object, object_of
from modelgate.formats.gemini_content.schema_subset import clean_schema, to_json_schema

WEB_SEARCH = "web_search"
MAGIC_NAMES = ("googleSearch", "codeExecution", "urlContext")
"""Functions of these names without parameters mean the vendor's own tools: callers of OpenAI's dialects have no other word for them."""
_SEARCH_FIELDS = ("googleSearch", "googleSearchRetrieval")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
_declarations = msgspec.json.Decoder(list[FunctionDeclaration] | FunctionDeclaration, strict=False).decode


def decode_tools(tools: list[dict[str, msgspec.Raw]]) -> tuple[Tool, ...]:
    """Return tools in neutral words.

    Raises:
        InvalidRequest: a declaration that is not one.
    """
    found: list[Tool] = []
    for at, tool in enumerate(tools):
        for field, value in ((camel(field), value) for field, value in tool.items()):
            place = f"tools[{at}].{field}"
            if field == "functionDeclarations":
                found += _functions(value, place)
            elif bytes(value) != b"null":
                name = WEB_SEARCH if field in _SEARCH_FIELDS else field
                found.append(Tool(name=name, vendor={field: msgspec.json.decode(value)}, vendor_format=NAME))
    return tuple(found)


def _functions(value: msgspec.Raw, place: str) -> list[Tool]:
    try:
        declared = _declarations(value)
    except msgspec.ValidationError as error:
        raise InvalidRequest(f"Invalid value at '{place}': {error}.", param=place, code="invalid_type") from None
    made: list[Tool] = []
    for at, function in enumerate(as_list(declared)):
        schema = function.parameters_json_schema
        if schema is None and function.parameters is not None:
            schema = to_json_schema(function.parameters, param=f"{place}[{at}].parameters")
        made.append(Tool(name=function.name, description=function.description or "", schema=schema))
    return made


def decode_tool_choice(config: ToolConfig | None) -> ToolChoice | None:
    """Return which tools may or must be called. Raises InvalidRequest: an unknown mode."""
    calling: FunctionCallingConfig | None = config.function_calling_config if config is not None else None
    if calling is None:
        return None
    allowed = tuple(calling.allowed_function_names or ())
    match (calling.mode or "AUTO").upper():
        case "AUTO" | "VALIDATED" | "MODE_UNSPECIFIED":
            return ToolChoice(mode="auto", allowed=allowed)
        case "NONE":
            return ToolChoice(mode="none")
        case "ANY" if len(allowed) == 1:
            return ToolChoice(mode="named", name=allowed[0])
        case "ANY":
            return ToolChoice(mode="required", allowed=allowed)
        case mode:
            param = "toolConfig.functionCallingConfig.mode"
            raise InvalidRequest(f"Invalid value at '{param}': \"{mode[:50]}\".", param=param, code="invalid_value")


def encode_tools(request: ChatRequest, facts: ModelFacts) -> list[Json]:
    """Return the tools for an upstream: all functions in one list, each tool of the vendor's own for itself.

    Raises:
        InvalidRequest: a tool of another vendor, a custom one, or a name the vendor refuses; `param` is `tools`.
    """
    functions: list[Json] = []
    others: dict[str, Json] = {}
    choice = request.tool_choice
    allowed = choice.allowed if choice is not None and choice.mode == "auto" else ()
    for at, tool in enumerate(request.tools):
        if tool.vendor is not None:
            others |= _own_tool(tool, at)
        elif tool.custom:
            raise _unsupported(at, "takes plain text, which Gemini's functions cannot")
        elif tool.name in MAGIC_NAMES and not _properties(tool.schema):
            others[tool.name] = {}
        elif not allowed or tool.name in allowed:
            functions.append(_declaration(tool, at, facts))
    if request.web_search is not None:
        others.setdefault("googleSearch", {})
    return [*([{"functionDeclarations": functions}] if functions else ()), *({name: value} for name, value in others.items())]


def _own_tool(tool: Tool, at: int) -> dict[str, Json]:
    if tool.vendor_format == NAME and is_object(tool.vendor):
        return object_of(tool.vendor)
    if tool.name.startswith(WEB_SEARCH):  # other vendors put a version behind: web_search_20250305
        return {"googleSearch": {}}
    raise _unsupported(at, "is run by another vendor")


def _unsupported(at: int, why: str) -> InvalidRequest:
    return InvalidRequest(f"The tool at 'tools[{at}]' {why}.", param="tools", code="unsupported_parameter")


def _properties(schema: Json) -> Json:
    return object_of(schema).get("properties")


def _declaration(tool: Tool, at: int, facts: ModelFacts) -> dict[str, Json]:
    if _NAME.fullmatch(tool.name) is None:
        rule = "start with a letter or _, and hold letters, digits and _.:- only, 128 at most"
        raise InvalidRequest(f"The name at 'tools[{at}]' must {rule}.", param="tools", code="invalid_value")
    declared: dict[str, Json] = {"name": tool.name}
    if tool.description:
        declared["description"] = tool.description
    schema = object_of(tool.schema)
    if facts.has_json_schema and schema:
        declared["parametersJsonSchema"] = schema
    elif schema:
        cleaned = clean_schema(schema, param="tools")
        if cleaned.get("properties") or "anyOf" in cleaned:
            declared["parameters"] = cleaned
    return declared


def encode_tool_choice(request: ChatRequest) -> dict[str, Json] | None:
    """Return which functions may or must be called, None for the vendor's default."""
    choice = request.tool_choice
    if choice is None or (choice.mode == "named" and choice.name in MAGIC_NAMES):
        return None
    names = list(choice.allowed) if choice.mode != "named" else [choice.name]
    match choice.mode:
        case "none":
            config: dict[str, Json] = {"mode": "NONE"}
        case "auto":
            config = {"mode": "AUTO"}  # names are allowed with ANY alone: `encode_tools` leaves the other functions out
        case "required" | "named":
            config = {"mode": "ANY", "allowedFunctionNames": names} if names else {"mode": "ANY"}
    return {"functionCallingConfig": config}

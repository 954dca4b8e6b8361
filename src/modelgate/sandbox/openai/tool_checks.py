"""What OpenAI refuses about tools, legacy functions and strict schemas."""

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import NAME, invalid, missing, wants

MAX_TOOLS = 128


def check_tools(body: dict[str, Json]) -> None:
    """Check the offered tools, and fields that need them. Raises Refused."""
    wants(body, "parallel_tool_calls", bool)
    if not wants(body, "tools", list):
        for name in ("tool_choice", "parallel_tool_calls"):
            if body.get(name) not in (None, "none"):
                raise Refused(f"Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified.", param=name)
        return
    tools = body["tools"]
    if not 1 <= len(tools) <= MAX_TOOLS:
        raise Refused(
            f"Invalid 'tools': expected an array of 1 to {MAX_TOOLS} tools, but got {len(tools)}.", param="tools", code="invalid_value"
        )
    for index, tool in enumerate(tools):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if kind not in ("function", "custom"):
            raise invalid(f"tools[{index}].type", kind, ("function", "custom"))
        check_definition(tool.get(kind), where=f"tools[{index}].{kind}")


def check_definition(definition: Json, *, where: str) -> None:
    """Check a function's or custom tool's name, description and parameters. Raises Refused."""
    if not isinstance(definition, dict):
        raise missing(where)
    name = definition.get("name")
    if not isinstance(name, str):
        raise missing(f"{where}.name")
    if not NAME.match(name):
        raise Refused(
            f"Invalid '{where}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"{where}.name",
            code="invalid_value",
        )
    wants(definition, "description", str, where=f"{where}.")
    if wants(definition, "parameters", dict, where=f"{where}.") and definition["parameters"].get("type", "object") != "object":
        raise Refused(
            f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'.",
            param=f"{where}.parameters",
            code="invalid_function_parameters",
        )
    if definition.get("strict") is True:
        check_strict(definition.get("parameters") or {}, param=f"{where}.parameters", code="invalid_function_parameters")


def check_strict(schema: Json, *, param: str, code: str | None) -> None:
    """A strict schema closes every object and requires all its properties."""
    waiting = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        if not isinstance(node, dict):
            continue
        if isinstance(node.get("properties"), dict):
            if node.get("additionalProperties") is not False:
                raise Refused("Invalid schema: 'additionalProperties' is required to be supplied and to be false.", param=param, code=code)
            required = node.get("required") or []
            if not isinstance(required, list) or any(name not in required for name in node["properties"]):
                raise Refused(
                    "Invalid schema: 'required' is required to be supplied and to be an array including every key in properties.",
                    param=param,
                    code=code,
                )
            waiting.extend(node["properties"].values())
        waiting.extend(node[key] for key in ("items", "anyOf", "allOf", "prefixItems") if key in node)
        if isinstance(node.get("$defs"), dict):
            waiting.extend(node["$defs"].values())


def check_tool_choice(body: dict[str, Json]) -> None:
    """Check `tool_choice` against the checked tools. Raises Refused."""
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        return
    if not isinstance(choice, dict):
        raise invalid("tool_choice", choice, ("none", "auto", "required"))
    kind = choice.get("type")
    if kind not in ("function", "custom", "allowed_tools"):
        raise invalid("tool_choice.type", kind, ("function", "custom", "allowed_tools"))
    chosen = choice.get(kind)
    if not isinstance(chosen, dict):
        raise missing(f"tool_choice.{kind}")
    if kind == "allowed_tools":
        if chosen.get("mode") not in ("auto", "required"):
            raise invalid("tool_choice.allowed_tools.mode", chosen.get("mode"), ("auto", "required"))
        return
    names = [tool[tool["type"]]["name"] for tool in body.get("tools") or ()]
    if chosen.get("name") not in names:
        raise Refused(f"Invalid value for 'tool_choice': the tool '{chosen.get('name')}' was not found in 'tools'.", param="tool_choice")


def check_functions(body: dict[str, Json]) -> None:
    """Check legacy `functions` and `function_call`. Raises Refused."""
    call = body.get("function_call")
    if not wants(body, "functions", list):
        if call not in (None, "none"):
            raise Refused(
                "Invalid value for 'function_call': 'function_call' is only allowed when 'functions' are specified.", param="function_call"
            )
        return
    if body.get("tools"):
        raise Refused("Only one of 'functions' and 'tools' may be specified.", param="functions")
    if not 1 <= len(body["functions"]) <= MAX_TOOLS:
        raise Refused(f"Invalid 'functions': expected 1 to {MAX_TOOLS} functions.", param="functions", code="invalid_value")
    for index, function in enumerate(body["functions"]):
        check_definition(function, where=f"functions[{index}]")
    names = [function["name"] for function in body["functions"]]
    if isinstance(call, dict) and call.get("name") not in names:
        raise Refused("Invalid value for 'function_call': no function of that name was specified.", param="function_call")
    if not isinstance(call, dict) and call not in (None, "none", "auto"):
        raise invalid("function_call", call, ("none", "auto"))

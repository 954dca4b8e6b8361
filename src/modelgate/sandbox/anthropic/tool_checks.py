"""What Anthropic refuses about tools, the choice of tools, and schemas that answers must follow."""

import re

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.block_checks import check_mark
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.fields import must_be, only, optional, required, tagged

TOOL_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
VENDOR_TOOL = re.compile(r"^[a-z0-9_]{1,60}_\d{8}$")
"""The types of the vendor's own tools, which end in a date: taken, never called."""

_FIELDS = (
    "type",
    "name",
    "description",
    "input_schema",
    "cache_control",
    "strict",
    "input_examples",
    "defer_loading",
    "allowed_callers",
    "eager_input_streaming",
)
_CHOICES = {
    "auto": ("disable_parallel_tool_use",),
    "any": ("disable_parallel_tool_use",),
    "tool": ("name", "disable_parallel_tool_use"),
    "none": (),
}
_UNSUPPORTED = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "maxItems")


def check_tools(body: dict[str, Json]) -> None:
    """Check the offered tools and the choice among them. Raises Refused."""
    tools = optional(body, "tools", list) or []
    for index, tool in enumerate(tools):
        _check_tool(tool, where=f"tools.{index}")
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(set(names)) < len(names):
        raise Refused("tools: Tool names must be unique.")
    _check_choice(body, names=names)


def is_custom(tool: dict[str, Json]) -> bool:
    """Say whether a tool is the caller's own, rather than one of the vendor's."""
    return tool.get("type") in (None, "custom")


def _check_tool(tool: Json, *, where: str) -> None:
    must_be(tool, dict, where=where)
    if not is_custom(tool):
        if not isinstance(tool["type"], str) or not VENDOR_TOOL.match(tool["type"]):
            tagged(tool, ("custom", "bash_20250124", "text_editor_20250728", "web_search_20250305"), where=where)
        optional(tool, "name", str, where=f"{where}.{tool['type']}.")
        check_mark(tool, where=f"{where}.{tool['type']}.")
        return
    where = f"{where}.custom."
    only(tool, _FIELDS, where=where)
    name = required(tool, "name", str, where=where)
    if not TOOL_NAME.match(name):
        raise Refused(f"{where}name: String should match pattern '{TOOL_NAME.pattern}'")
    optional(tool, "description", str, where=where)
    optional(tool, "strict", bool, where=where)
    schema = required(tool, "input_schema", dict, where=where)
    if "type" not in schema:
        raise Refused(f"{where}input_schema.type: Field required")
    if schema["type"] != "object":
        raise Refused(f"{where}input_schema.type: Input should be 'object'")
    check_mark(tool, where=where)
    if tool.get("strict"):
        check_strict(schema, where=f"{where}input_schema")


def check_strict(schema: Json, *, where: str) -> None:
    """Check a schema that an answer must follow: objects are closed, and bounds are not supported. Raises Refused."""
    waiting: list[Json] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        if not isinstance(node, dict):
            continue
        if node.get("type") == "object" and node.get("additionalProperties") is not False:
            raise Refused(f"{where}: For 'object' type, 'additionalProperties' must be explicitly set to false")
        for word in _UNSUPPORTED:
            if word in node:
                raise Refused(f"{where}: For '{str(node.get('type'))[:20]}' type, property '{word}' is not supported")
        for word in ("properties", "$defs", "definitions"):
            if isinstance(node.get(word), dict):
                waiting.extend(node[word].values())
        waiting.extend(node[word] for word in ("items", "anyOf", "allOf") if word in node)


def _check_choice(body: dict[str, Json], *, names: list[str]) -> None:
    choice = optional(body, "tool_choice", dict)
    if choice is None:
        return
    kind = tagged(choice, _CHOICES, where="tool_choice")
    only(choice, ("type", *_CHOICES[kind]), where=f"tool_choice.{kind}.")
    optional(choice, "disable_parallel_tool_use", bool, where=f"tool_choice.{kind}.")
    if not body.get("tools"):
        raise Refused("tool_choice: tool_choice may only be specified while providing tools.")
    if kind == "tool" and required(choice, "name", str, where="tool_choice.tool.") not in names:
        raise Refused(f"tool_choice.tool.name: Tool '{choice['name'][:80]}' not found in provided tools")

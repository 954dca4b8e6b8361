"""What OpenAI refuses about the input of a response: its items, their parts, and the order of calls and outputs."""

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import invalid, missing, wants, wrong_type
from modelgate.sandbox.openai.message_checks import check_image

MAX_INPUT_ITEMS = 2_000
OUTPUT_OF = {"function_call_output": "function_call", "custom_tool_call_output": "custom_tool_call"}
"""Items that answer a call, and the calls they answer."""

_ROLES = ("assistant", "system", "developer", "user")
_INPUT_PARTS = ("input_text", "input_image", "input_file")
_OUTPUT_PARTS = ("output_text", "refusal")
_ID_STARTS = {"message": "msg", "function_call": "fc", "reasoning": "rs", "custom_tool_call": "ctc"}
_CHECKED = (
    "message",
    "function_call",
    "function_call_output",
    "custom_tool_call",
    "custom_tool_call_output",
    "reasoning",
    "item_reference",
)
_UNCHECKED = frozenset(
    (
        "file_search_call", "web_search_call", "computer_call", "computer_call_output", "image_generation_call", "code_interpreter_call",
        "local_shell_call", "local_shell_call_output", "shell_call", "shell_call_output", "apply_patch_call", "apply_patch_call_output",
        "mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call", "compaction", "tool_search_call",
        "tool_search_output",
    )
)  # fmt: skip
"""Items of tools that the vendor carries out: taken as they are."""


def check_input(body: dict[str, Json]) -> None:
    """Check the input item by item. Raises Refused."""
    given = body.get("input")
    if given is None:
        if body.get("previous_response_id") is None:
            raise Refused(
                "One of \"input\" or \"previous_response_id\" or 'prompt' or 'conversation_id' must be provided.",
                param="input",
                code="missing_required_parameter",
            )
        return
    if isinstance(given, str):
        return
    if not isinstance(given, list):
        raise wrong_type("input", wanted="one of a string or array of objects", value=given)
    if len(given) > MAX_INPUT_ITEMS:
        raise Refused(f"Invalid 'input': array too long, at most {MAX_INPUT_ITEMS} items.", param="input", code="array_above_max_length")
    for index, item in enumerate(given):
        _check_item(item, where=f"input[{index}]")


def check_pairs(items: list[dict[str, Json]]) -> None:
    """Check that each call has its output and each output its call. Raises Refused."""
    for opening, closing in ((call, output) for output, call in OUTPUT_OF.items()):
        called = {item["call_id"] for item in items if item.get("type") == opening}
        answered = {item["call_id"] for item in items if item.get("type") == closing}
        noun = opening.replace("_", " ")
        if answered - called:
            raise Refused(f"No tool call found for {noun} output with call_id {min(answered - called)}.", param="input")
        if called - answered:
            raise Refused(f"No tool output found for {noun} {min(called - answered)}.", param="input")


def check_reasoning_order(items: list[dict[str, Json]]) -> None:
    """Check that reasoning is followed by what it led to. Raises Refused."""
    for item, following in zip(items, [*items, None][1:], strict=True):
        if item.get("type") == "reasoning" and not _continues(following):
            raise Refused(f"Item '{item.get('id')}' of type 'reasoning' was provided without its required following item.", param="input")


def _continues(item: dict[str, Json] | None) -> bool:
    return item is not None and item.get("role") != "user" and item.get("type") not in OUTPUT_OF


def _check_item(item: Json, *, where: str) -> None:
    if not isinstance(item, dict):
        raise wrong_type(where, wanted="an object", value=item)
    kind = item.get("type") or ("message" if "role" in item else None)
    if not isinstance(kind, str):
        raise missing(f"{where}.type")
    if kind not in _CHECKED and kind not in _UNCHECKED:
        raise invalid(where, kind, (*_CHECKED, *sorted(_UNCHECKED)))
    start = _ID_STARTS.get(kind, "")
    if wants(item, "id", str, where=f"{where}.") and not item["id"].startswith(start):
        raise Refused(
            f"Invalid '{where}.id': '{item['id'][:80]}'. Expected an ID that begins with '{start}'.",
            param=f"{where}.id",
            code="invalid_value",
        )
    if kind == "message":
        _check_message(item, where=where)
    elif kind in _CHECKED:
        _check_other(item, kind=kind, where=where)


def _check_other(item: dict[str, Json], *, kind: str, where: str) -> None:
    texts = {
        "function_call": ("call_id", "name", "arguments"),
        "custom_tool_call": ("call_id", "name", "input"),
        "function_call_output": ("call_id",),
        "custom_tool_call_output": ("call_id",),
        "reasoning": ("id",),
        "item_reference": ("id",),
    }
    for name in texts[kind]:
        if not wants(item, name, str, where=f"{where}."):
            raise missing(f"{where}.{name}")
    if kind in OUTPUT_OF:
        _check_content(item, "output", where=where, parts=_INPUT_PARTS)
    if kind == "reasoning":
        wants(item, "encrypted_content", str, where=f"{where}.")
        if not isinstance(item.get("summary"), list):
            raise missing(f"{where}.summary")


def _check_message(item: dict[str, Json], *, where: str) -> None:
    role = item.get("role")
    if role is None:
        raise missing(f"{where}.role")
    if role not in _ROLES:
        raise invalid(f"{where}.role", role, _ROLES)
    _check_content(item, "content", where=where, parts=_OUTPUT_PARTS if role == "assistant" else _INPUT_PARTS)


def _check_content(item: dict[str, Json], name: str, *, where: str, parts: tuple[str, ...]) -> None:
    content = item.get(name)
    if content is None:
        raise missing(f"{where}.{name}")
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(f"{where}.{name}", wanted="one of a string or array of objects", value=content)
    for index, part in enumerate(content):
        _check_part(part, where=f"{where}.{name}[{index}]", allowed=parts)


def _check_part(part: Json, *, where: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        raise wrong_type(where, wanted="an object", value=part)
    kind = part.get("type")
    if kind is None:
        raise missing(f"{where}.type")
    if kind not in allowed:
        raise invalid(f"{where}", kind, allowed)
    if kind in ("input_text", "output_text", "refusal"):
        name = "refusal" if kind == "refusal" else "text"
        if not wants(part, name, str, where=f"{where}."):
            raise missing(f"{where}.{name}")
    elif kind == "input_image":
        _check_image(part, where=where)
    elif not any(isinstance(part.get(name), str) for name in ("file_id", "file_url", "file_data")):
        raise missing(f"{where}.file_id")


def _check_image(part: dict[str, Json], *, where: str) -> None:
    if isinstance(part.get("file_id"), str):
        raise Refused(f"File with id '{part['file_id'][:80]}' not found.", status=404, param=f"{where}.file_id")
    if part.get("image_url") is None:
        raise missing(f"{where}.image_url")
    if not isinstance(part["image_url"], str):
        raise wrong_type(f"{where}.image_url", wanted="an image URL", value=part["image_url"])
    check_image({"url": part["image_url"], "detail": part.get("detail")}, where=where)

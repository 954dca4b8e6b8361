"""What OpenAI refuses about the messages of a chat request."""

from modelgate.core.records import Json
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import invalid, missing, wants, wrong_type
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_whole

_ROLES = ("system", "assistant", "user", "function", "tool", "developer")
_PARTS = {
    "system": ("text",),
    "developer": ("text",),
    "user": ("text", "image_url", "input_audio", "file"),
    "assistant": ("text", "refusal"),
    "tool": ("text",),
    "function": ("text",),
}
_PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def check_messages(body: dict[str, Json]) -> None:
    """Check roles, contents, parts and the order of calls and results. Raises Refused."""
    if body.get("messages") is None:
        raise missing("messages")
    wants(body, "messages", list)
    if not body["messages"]:
        raise Refused(
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            param="messages",
            code="empty_array",
        )
    for index, message in enumerate(body["messages"]):
        _check_message(message, where=f"messages[{index}]")
    _check_pairing(body["messages"])


def _check_message(message: Json, *, where: str) -> None:
    if not isinstance(message, dict):
        raise wrong_type(where, wanted="an object", value=message)
    role = message.get("role")
    if role is None:
        raise missing(f"{where}.role")
    if role not in _ROLES:
        raise invalid(f"{where}.role", role, _ROLES)
    _check_content(message, where=where, role=role)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise missing(f"{where}.tool_call_id")
    if role == "function" and not isinstance(message.get("name"), str):
        raise missing(f"{where}.name")
    for index, call in enumerate(message["tool_calls"] if wants(message, "tool_calls", list, where=f"{where}.") else ()):
        _check_call(call, where=f"{where}.tool_calls[{index}]")


def _check_content(message: dict[str, Json], *, where: str, role: str) -> None:
    content = message.get("content")
    if content is None:
        optional = role == "function" or (
            role == "assistant" and any(message.get(key) for key in ("tool_calls", "function_call", "audio", "refusal"))
        )
        if not optional:
            raise Refused(
                f"Invalid value for 'content': expected a string, got null. ({where})", param=f"{where}.content", code="invalid_type"
            )
        return
    if isinstance(content, str):
        return
    if not isinstance(content, list):
        raise wrong_type(f"{where}.content", wanted="one of a string or array of objects", value=content)
    for index, part in enumerate(content):
        _check_part(part, where=f"{where}.content[{index}]", allowed=_PARTS[role])


def _check_part(part: Json, *, where: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        raise wrong_type(where, wanted="an object", value=part)
    kind = part.get("type")
    if kind is None:
        raise missing(f"{where}.type")
    if kind not in allowed:
        raise invalid(f"{where}.type", kind, allowed)
    if kind in ("text", "refusal"):
        if not isinstance(part.get(kind), str):
            raise missing(f"{where}.{kind}")
        return
    inner = part.get(kind)
    if kind == "image_url":
        check_image(inner, where=f"{where}.image_url")
    elif not isinstance(inner, dict):
        raise missing(f"{where}.{kind}")
    elif kind == "input_audio" and (not isinstance(inner.get("data"), str) or inner.get("format") not in ("wav", "mp3")):
        raise invalid(f"{where}.input_audio.format", inner.get("format"), ("wav", "mp3"))
    elif kind == "file" and not any(isinstance(inner.get(name), str) for name in ("file_id", "file_data")):
        raise missing(f"{where}.file.file_id")


def check_image(image: Json, *, where: str) -> None:
    """Check a shown picture: its URL, and what it really is when it is a data URL. Raises Refused."""
    if not isinstance(image, dict):
        raise Refused(f"Invalid type for '{where}': expected an object, but got a string instead.", param=where, code="invalid_type")
    url = image.get("url")
    if not isinstance(url, str):
        raise missing(f"{where}.url")
    if not url.startswith(("https://", "http://", "data:")):
        raise Refused(
            f"Invalid value for '{where}.url': it is neither a URL nor a base64 data URL.", param=f"{where}.url", code="invalid_image_url"
        )
    if url.startswith("data:") and not _is_picture(url):
        raise Refused(
            "You uploaded an unsupported image. Please make sure your image is valid and of one of the following formats: "
            "['png', 'jpeg', 'gif', 'webp'].",
            param=where,
            code="image_parse_error",
        )
    if image.get("detail") is not None and image["detail"] not in ("auto", "low", "high", "original"):
        raise invalid(f"{where}.detail", image["detail"], ("auto", "low", "high"))


def _is_picture(url: str) -> bool:
    try:
        return open_whole(decode_data_url(url)).format in _PICTURE_FORMATS
    except NotAPicture:
        return False


def _check_call(call: Json, *, where: str) -> None:
    kind = call.get("type") if isinstance(call, dict) else None
    if kind not in ("function", "custom"):
        raise invalid(f"{where}.type", kind, ("function", "custom"))
    if not isinstance(call.get("id"), str):
        raise missing(f"{where}.id")
    inner = call.get(kind)
    text = "arguments" if kind == "function" else "input"
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise missing(f"{where}.{kind}.name")
    if not isinstance(inner.get(text), str):
        raise wrong_type(f"{where}.{kind}.{text}", wanted="a string", value=inner.get(text))


def _check_pairing(messages: list[dict[str, Json]]) -> None:
    """Each tool call is answered before the next turn, and nothing is answered that was not called."""
    open_calls: set[str] = set()
    for index, message in enumerate(messages):
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                raise Refused(
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages[{index}].role",
                )
            open_calls.discard(message["tool_call_id"])
            continue
        _refuse_open(open_calls, index)
        open_calls = {call["id"] for call in message.get("tool_calls") or ()} if message["role"] == "assistant" else set()
    _refuse_open(open_calls, len(messages))


def _refuse_open(open_calls: set[str], index: int) -> None:
    if open_calls:
        raise Refused(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(sorted(open_calls))}",
            param=f"messages[{index}].role",
        )

"""What OpenAI refuses about a chat request, field by field. Fields nobody knows are accepted: imitators of OpenAI take extras."""

import math
import re

from modelgate.core.records import Json
from modelgate.sandbox.openai_errors import Refused
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture

MAX_TOOLS = 128
MAX_N = 128
MAX_STOPS = 4
MAX_METADATA = 16
REASONING_MODEL = re.compile(r"^(o[1-9]|gpt-5)(?!.*chat)")
_NAME = re.compile(r"^[a-zA-Z0-9_-]{1,64}$")
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
_CHOICES = {
    "reasoning_effort": ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": ("low", "medium", "high"),
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
}
_TYPE_WORDS: tuple[tuple[type, str], ...] = (
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
)


def check_chat(body: Json) -> None:
    """Refuse what the vendor would. Raises Refused, naming the first field at fault."""
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request. The API expects a JSON object.")
    if body.get("model") is None:
        raise Refused("you must provide a model parameter", param="model", code="missing_required_parameter")
    _wants(body, "model", str)
    _check_messages(body)
    _check_numbers(body)
    _check_words(body)
    _check_stream(body)
    _check_logprobs(body)
    _check_tools(body)
    _check_tool_choice(body)
    _check_functions(body)
    _check_response_format(body)
    _check_model_rules(body)


def _wants(body: dict[str, Json], name: str, kind: type, *, where: str = "") -> bool:
    """Return whether a field is given; refuse another type than the wanted one."""
    value = body.get(name)
    if value is None:
        return False
    numeric = kind is float and isinstance(value, int) and not isinstance(value, bool)
    if numeric or (isinstance(value, kind) and (kind is bool or not isinstance(value, bool))):
        return True
    raise _wrong_type(where + name, wanted=dict(_TYPE_WORDS)[kind], value=value)


def _wrong_type(param: str, *, wanted: str, value: Json) -> Refused:
    got = next((word for kind, word in _TYPE_WORDS if isinstance(value, kind)), "null")
    return Refused(f"Invalid type for '{param}': expected {wanted}, but got {got} instead.", param=param, code="invalid_type")


def _missing(param: str) -> Refused:
    return Refused(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def _invalid(param: str, value: Json, supported: tuple[str, ...]) -> Refused:
    words = ", ".join(f"'{word}'" for word in supported)
    return Refused(f"Invalid value: '{str(value)[:80]}'. Supported values are: {words}.", param=param, code="invalid_value")


# Messages


def _check_messages(body: dict[str, Json]) -> None:
    if body.get("messages") is None:
        raise _missing("messages")
    _wants(body, "messages", list)
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
        raise _wrong_type(where, wanted="an object", value=message)
    role = message.get("role")
    if role is None:
        raise _missing(f"{where}.role")
    if role not in _ROLES:
        raise _invalid(f"{where}.role", role, _ROLES)
    _check_content(message, where=where, role=role)
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        raise _missing(f"{where}.tool_call_id")
    if role == "function" and not isinstance(message.get("name"), str):
        raise _missing(f"{where}.name")
    for index, call in enumerate(message.get("tool_calls") or ()):
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
        raise _wrong_type(f"{where}.content", wanted="one of a string or array of objects", value=content)
    for index, part in enumerate(content):
        _check_part(part, where=f"{where}.content[{index}]", allowed=_PARTS[role])


def _check_part(part: Json, *, where: str, allowed: tuple[str, ...]) -> None:
    if not isinstance(part, dict):
        raise _wrong_type(where, wanted="an object", value=part)
    kind = part.get("type")
    if kind is None:
        raise _missing(f"{where}.type")
    if kind not in allowed:
        raise _invalid(f"{where}.type", kind, allowed)
    if kind in ("text", "refusal"):
        if not isinstance(part.get(kind), str):
            raise _missing(f"{where}.{kind}")
        return
    inner = part.get(kind)
    if kind == "image_url":
        _check_image(inner, where=f"{where}.image_url")
    elif not isinstance(inner, dict):
        raise _missing(f"{where}.{kind}")
    elif kind == "input_audio" and (not isinstance(inner.get("data"), str) or inner.get("format") not in ("wav", "mp3")):
        raise _invalid(f"{where}.input_audio.format", inner.get("format"), ("wav", "mp3"))


def _check_image(image: Json, *, where: str) -> None:
    if not isinstance(image, dict):
        raise Refused(f"Invalid type for '{where}': expected an object, but got a string instead.", param=where, code="invalid_type")
    url = image.get("url")
    if not isinstance(url, str):
        raise _missing(f"{where}.url")
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
        raise _invalid(f"{where}.detail", image["detail"], ("auto", "low", "high"))


def _is_picture(url: str) -> bool:
    try:
        return open_picture(decode_data_url(url)).format in _PICTURE_FORMATS
    except NotAPicture:
        return False


def _check_call(call: Json, *, where: str) -> None:
    kind = call.get("type") if isinstance(call, dict) else None
    if kind not in ("function", "custom"):
        raise _invalid(f"{where}.type", kind, ("function", "custom"))
    if not isinstance(call.get("id"), str):
        raise _missing(f"{where}.id")
    inner = call.get(kind)
    text = "arguments" if kind == "function" else "input"
    if not isinstance(inner, dict) or not isinstance(inner.get("name"), str):
        raise _missing(f"{where}.{kind}.name")
    if not isinstance(inner.get(text), str):
        raise _wrong_type(f"{where}.{kind}.{text}", wanted="a string", value=inner.get(text))


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


# Plain fields


def _check_numbers(body: dict[str, Json]) -> None:
    for name, kind, low, high in (
        ("temperature", float, 0, 2),
        ("top_p", float, 0, 1),
        ("presence_penalty", float, -2, 2),
        ("frequency_penalty", float, -2, 2),
        ("n", int, 1, MAX_N),
        ("max_tokens", int, 1, math.inf),
        ("max_completion_tokens", int, 1, math.inf),
        ("top_logprobs", int, 0, 20),
        ("seed", int, -(2**63), 2**63 - 1),
    ):
        if _wants(body, name, kind):
            _check_range(name, body[name], low=low, high=high)
    if _wants(body, "logit_bias", dict):
        for token, bias in body["logit_bias"].items():
            if not token.isdecimal() or not isinstance(bias, int | float) or not -100 <= bias <= 100:
                raise Refused("Invalid 'logit_bias': token ids map to numbers from -100 to 100.", param="logit_bias", code="invalid_value")


def _check_range(name: str, value: float, *, low: float, high: float) -> None:
    kind = "integer" if isinstance(value, int) else "decimal"
    if value < low:
        raise Refused(
            f"Invalid '{name}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead.",
            param=name,
            code=f"{kind}_below_min_value",
        )
    if value > high:
        raise Refused(
            f"Invalid '{name}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead.",
            param=name,
            code=f"{kind}_above_max_value",
        )


def _check_words(body: dict[str, Json]) -> None:
    for name, supported in _CHOICES.items():
        if _wants(body, name, str) and body[name] not in supported:
            raise _invalid(name, body[name], supported)
    for name in ("user", "prompt_cache_key", "safety_identifier"):
        _wants(body, name, str)
    _wants(body, "store", bool)
    stop = body.get("stop")
    stops = stop if isinstance(stop, list) else [stop]
    if stop is not None and (len(stops) > MAX_STOPS or not stops or not all(isinstance(each, str) for each in stops)):
        raise Refused(f"Invalid 'stop': expected a string or an array of 1 to {MAX_STOPS} strings.", param="stop", code="invalid_value")
    if _wants(body, "metadata", dict):
        metadata = body["metadata"]
        if len(metadata) > MAX_METADATA or not all(len(k) <= 64 and isinstance(v, str) and len(v) <= 512 for k, v in metadata.items()):
            raise Refused(
                "Invalid 'metadata': at most 16 pairs, keys up to 64 and values up to 512 characters.",
                param="metadata",
                code="invalid_value",
            )
    if _wants(body, "modalities", list) and "audio" in body["modalities"]:
        raise Refused("This model does not support the requested output modality 'audio'.", param="modalities", code="unsupported_value")


def _check_stream(body: dict[str, Json]) -> None:
    _wants(body, "stream", bool)
    if not _wants(body, "stream_options", dict):
        return
    if not body.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    for name in ("include_usage", "include_obfuscation"):
        _wants(body["stream_options"], name, bool, where="stream_options.")


def _check_logprobs(body: dict[str, Json]) -> None:
    _wants(body, "logprobs", bool)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs")


# Tools


def _check_tools(body: dict[str, Json]) -> None:
    _wants(body, "parallel_tool_calls", bool)
    if not _wants(body, "tools", list):
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
            raise _invalid(f"tools[{index}].type", kind, ("function", "custom"))
        _check_definition(tool.get(kind), where=f"tools[{index}].{kind}")


def _check_definition(definition: Json, *, where: str) -> None:
    if not isinstance(definition, dict):
        raise _missing(where)
    name = definition.get("name")
    if not isinstance(name, str):
        raise _missing(f"{where}.name")
    if not _NAME.match(name):
        raise Refused(
            f"Invalid '{where}.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            param=f"{where}.name",
            code="invalid_value",
        )
    _wants(definition, "description", str, where=f"{where}.")
    if _wants(definition, "parameters", dict, where=f"{where}.") and definition["parameters"].get("type", "object") != "object":
        raise Refused(
            f"Invalid schema for function '{name}': schema must be a JSON Schema of 'type: \"object\"'.",
            param=f"{where}.parameters",
            code="invalid_function_parameters",
        )
    if definition.get("strict") is True:
        _check_strict(definition.get("parameters") or {}, param=f"{where}.parameters", code="invalid_function_parameters")


def _check_strict(schema: Json, *, param: str, code: str | None) -> None:
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
            if set(node["properties"]) - set(node.get("required") or ()):
                raise Refused(
                    "Invalid schema: 'required' is required to be supplied and to be an array including every key in properties.",
                    param=param,
                    code=code,
                )
            waiting.extend(node["properties"].values())
        waiting.extend(node[key] for key in ("items", "anyOf", "allOf", "prefixItems") if key in node)
        if isinstance(node.get("$defs"), dict):
            waiting.extend(node["$defs"].values())


def _check_tool_choice(body: dict[str, Json]) -> None:
    choice = body.get("tool_choice")
    if choice is None or choice in ("none", "auto", "required"):
        return
    if not isinstance(choice, dict):
        raise _invalid("tool_choice", choice, ("none", "auto", "required"))
    kind = choice.get("type")
    if kind not in ("function", "custom", "allowed_tools"):
        raise _invalid("tool_choice.type", kind, ("function", "custom", "allowed_tools"))
    chosen = choice.get(kind)
    if not isinstance(chosen, dict):
        raise _missing(f"tool_choice.{kind}")
    if kind == "allowed_tools":
        if chosen.get("mode") not in ("auto", "required"):
            raise _invalid("tool_choice.allowed_tools.mode", chosen.get("mode"), ("auto", "required"))
        return
    names = [tool[tool["type"]]["name"] for tool in body.get("tools") or ()]
    if chosen.get("name") not in names:
        raise Refused(f"Invalid value for 'tool_choice': the tool '{chosen.get('name')}' was not found in 'tools'.", param="tool_choice")


def _check_functions(body: dict[str, Json]) -> None:
    call = body.get("function_call")
    if not _wants(body, "functions", list):
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
        _check_definition(function, where=f"functions[{index}]")
    names = [function["name"] for function in body["functions"]]
    if isinstance(call, dict) and call.get("name") not in names:
        raise Refused("Invalid value for 'function_call': no function of that name was specified.", param="function_call")
    if not isinstance(call, dict) and call not in (None, "none", "auto"):
        raise _invalid("function_call", call, ("none", "auto"))


# Answers


def _check_response_format(body: dict[str, Json]) -> None:
    if not _wants(body, "response_format", dict):
        return
    wanted = body["response_format"]
    if wanted.get("type") not in ("text", "json_object", "json_schema"):
        raise _invalid("response_format.type", wanted.get("type"), ("json_object", "json_schema", "text"))
    if wanted["type"] == "json_object" and not _says_json(body["messages"]):
        raise Refused(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", param="messages"
        )
    if wanted["type"] == "json_schema":
        _check_schema(wanted.get("json_schema"))


def _says_json(messages: list[dict[str, Json]]) -> bool:
    texts = [part.get("text", "") if isinstance(part, dict) else part for message in messages for part in _parts_of(message)]
    return any("json" in text.lower() for text in texts)


def _parts_of(message: dict[str, Json]) -> list[Json]:
    content = message.get("content")
    return content if isinstance(content, list) else [content or ""]


def _check_schema(schema: Json) -> None:
    where = "response_format.json_schema"
    if not isinstance(schema, dict):
        raise _missing(where)
    if not isinstance(schema.get("name"), str):
        raise _missing(f"{where}.name")
    if not _NAME.match(schema["name"]):
        raise Refused(
            f"Invalid '{where}.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.", param=f"{where}.name", code="invalid_value"
        )
    _wants(schema, "schema", dict, where=f"{where}.")
    if schema.get("strict") is True:
        root = schema.get("schema") or {}
        if root.get("type") != "object" or "anyOf" in root:
            raise Refused(
                "Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'.", param="response_format"
            )
        _check_strict(root, param="response_format", code=None)


def _check_model_rules(body: dict[str, Json]) -> None:
    """Reasoning models refuse what they cannot do; nobody takes two output limits."""

    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise Refused(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", code="invalid_parameter_combination"
        )
    model = body["model"]
    if not REASONING_MODEL.match(model):
        return
    if body.get("max_tokens") is not None:
        raise Refused(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            param="max_tokens",
            code="unsupported_parameter",
        )
    for name in ("temperature", "top_p"):
        if body.get(name) not in (None, 1):
            raise Refused(
                f"Unsupported value: '{name}' does not support {body[name]} with this model. Only the default (1) value is supported.",
                param=name,
                code="unsupported_value",
            )
    if body.get("stop") is not None and model.startswith(("o3", "o4")):
        raise Refused("Unsupported parameter: 'stop' is not supported with this model.", param="stop", code="unsupported_parameter")

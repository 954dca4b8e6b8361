"""What OpenAI refuses about a chat request, field by field. Fields nobody knows are accepted: imitators of OpenAI take extras."""

import math
import re
from collections.abc import Mapping

from modelgate.core.records import Json
from modelgate.sandbox.openai.chat_audio import check_chat_audio
from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.fields import NAME, Range, check_ranges, check_words, invalid, missing, wants
from modelgate.sandbox.openai.message_checks import check_messages
from modelgate.sandbox.openai.tool_checks import check_functions, check_strict, check_tool_choice, check_tools

MAX_N = 128
MAX_STOPS = 4
MAX_METADATA = 16
MAX_SAFETY_IDENTIFIER_CHARACTERS = 64
SAMPLING_RANGES: tuple[Range, ...] = (
    ("temperature", float, 0, 2),
    ("top_p", float, 0, 1),
    ("presence_penalty", float, -2, 2),
    ("frequency_penalty", float, -2, 2),
    ("seed", int, -(2**63), 2**63 - 1),
)
REASONING_MODEL = re.compile(r"^(o[1-9]|gpt-5)(?!.*chat)")
THINKING_MODEL = re.compile(r"(^|/)deepseek-(reasoner|r1)")
"""Imitators' models that think aloud, in `reasoning_content`."""

_CHOICES = {
    "reasoning_effort": ("none", "minimal", "low", "medium", "high", "xhigh", "max"),
    "verbosity": ("low", "medium", "high"),
    "service_tier": ("auto", "default", "flex", "scale", "priority", "fast"),
    "prompt_cache_retention": ("in_memory", "24h"),
}
_INNER_CHOICES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "prompt_cache_options": {"ttl": ("30m",), "mode": ("implicit", "explicit")},
    "prediction": {"type": ("content",)},
    "web_search_options": {"search_context_size": ("low", "medium", "high")},
}
"""Objects of few words, and what these may be."""


def check_chat(body: Json) -> None:
    """Refuse what the vendor would. Raises Refused, naming the first field at fault."""
    if not isinstance(body, dict):
        raise Refused("We could not parse the JSON body of your request. The API expects a JSON object.")
    if body.get("model") is None:
        raise Refused("you must provide a model parameter", param="model", code="missing_required_parameter")
    wants(body, "model", str)
    check_messages(body)
    _check_numbers(body)
    _check_words(body)
    check_stream_options(body)
    _check_logprobs(body)
    check_tools(body)
    check_tool_choice(body)
    check_functions(body)
    check_chat_audio(body)
    _check_response_format(body)
    _check_model_rules(body)


def _check_numbers(body: dict[str, Json]) -> None:
    check_ranges(
        body,
        *SAMPLING_RANGES,
        ("n", int, 1, MAX_N),
        ("max_tokens", int, 1, math.inf),
        ("max_completion_tokens", int, 1, math.inf),
        ("top_logprobs", int, 0, 20),
    )
    check_logit_bias(body)


def check_logit_bias(body: dict[str, Json]) -> None:
    """Check that token ids are biased within bounds. Raises Refused."""
    if wants(body, "logit_bias", dict):
        for token, bias in body["logit_bias"].items():
            if not token.isdecimal() or not isinstance(bias, int | float) or not -100 <= bias <= 100:
                raise Refused("Invalid 'logit_bias': token ids map to numbers from -100 to 100.", param="logit_bias", code="invalid_value")


def _check_words(body: dict[str, Json]) -> None:
    check_words(body, _CHOICES)
    for name, choices in _INNER_CHOICES.items():
        if wants(body, name, dict):
            check_words(body[name], choices, where=f"{name}.")
    for name in ("user", "prompt_cache_key", "safety_identifier"):
        wants(body, name, str)
    most = MAX_SAFETY_IDENTIFIER_CHARACTERS
    if len(body.get("safety_identifier") or "") > most:
        message = f"Invalid 'safety_identifier': string too long. Expected a string with maximum length {most}."
        raise Refused(message, param="safety_identifier", code="string_above_max_length")
    wants(body, "store", bool)
    check_stop(body)
    check_metadata(body)


def check_stop(body: dict[str, Json]) -> None:
    """Check `stop`. Raises Refused."""
    stop = body.get("stop")
    stops = stop if isinstance(stop, list) else [stop]
    if stop is not None and (len(stops) > MAX_STOPS or not stops or not all(isinstance(each, str) for each in stops)):
        raise Refused(f"Invalid 'stop': expected a string or an array of 1 to {MAX_STOPS} strings.", param="stop", code="invalid_value")


def check_metadata(body: dict[str, Json]) -> None:
    """Check `metadata`. Raises Refused."""
    if wants(body, "metadata", dict):
        metadata = body["metadata"]
        if len(metadata) > MAX_METADATA or not all(len(k) <= 64 and isinstance(v, str) and len(v) <= 512 for k, v in metadata.items()):
            raise Refused(
                "Invalid 'metadata': at most 16 pairs, keys up to 64 and values up to 512 characters.",
                param="metadata",
                code="invalid_value",
            )


def check_stream_options(body: dict[str, Json]) -> None:
    """Check `stream` and its options. Raises Refused."""
    wants(body, "stream", bool)
    if not wants(body, "stream_options", dict):
        return
    if not body.get("stream"):
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.", param="stream_options")
    for name in ("include_usage", "include_obfuscation"):
        wants(body["stream_options"], name, bool, where="stream_options.")


def _check_logprobs(body: dict[str, Json]) -> None:
    wants(body, "logprobs", bool)
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise Refused("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs")


def _check_response_format(body: dict[str, Json]) -> None:
    if not wants(body, "response_format", dict):
        return
    wanted = body["response_format"]
    if wanted.get("type") not in ("text", "json_object", "json_schema"):
        raise invalid("response_format.type", wanted.get("type"), ("json_object", "json_schema", "text"))
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
        raise missing(where)
    if not isinstance(schema.get("name"), str):
        raise missing(f"{where}.name")
    if not NAME.match(schema["name"]):
        raise Refused(
            f"Invalid '{where}.name': string does not match pattern '^[a-zA-Z0-9_-]+$'.", param=f"{where}.name", code="invalid_value"
        )
    wants(schema, "schema", dict, where=f"{where}.")
    check_schema_object(schema, param="response_format", code=None)


def check_schema_object(wanted: dict[str, Json], *, param: str, code: str | None) -> None:
    """Check the schema of a wanted answer: a strict one is an object that says all. Raises Refused."""
    if wanted.get("strict") is True:
        root = wanted.get("schema") or {}
        if root.get("type") != "object" or "anyOf" in root:
            raise Refused("Invalid schema for response_format: schema must be a JSON Schema of 'type: \"object\"'.", param=param, code=code)
        check_strict(root, param=param, code=code)


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

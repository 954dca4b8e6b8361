"""What Anthropic refuses about a message request as a whole, field by field, unknown fields among them."""

import re

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.anthropic.block_checks import check_mark, check_texts
from modelgate.sandbox.anthropic.errors import Refused
from modelgate.sandbox.anthropic.fields import must_be, one_of, only, optional, required, tagged, within
from modelgate.sandbox.anthropic.message_checks import blocks_of, check_messages, check_thoughts_lead
from modelgate.sandbox.anthropic.models import most_output_tokens
from modelgate.sandbox.anthropic.tool_checks import check_strict, check_tools

MAX_MARKS = 4
LEAST_BUDGET_TOKENS = 1_024
THINKING_TOP_P = 0.95
EFFORTS = ("low", "medium", "high", "xhigh", "max")
_COUNTED = ("model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "cache_control", "speed")
_CREATED = (
    *_COUNTED,
    "max_tokens",
    "stream",
    "stop_sequences",
    "metadata",
    "service_tier",
    "container",
    "inference_geo",
    "diagnostics",
)
NO_SAMPLING_SINCE = "2026-10-21"
"""The version of the API that took these away, at any value, and citations in what the user says (platform.claude.com, 2026-10)."""

_SAMPLING = ("temperature", "top_p", "top_k")
_BETA = ("betas", "context_management", "mcp_servers", "output_format", "fallbacks", "user_profile_id")
"""Taken only with an `anthropic-beta` header."""

_ONE_SAMPLING = re.compile(r"^claude-(opus|sonnet|haiku)-4-[1-9]")
"""Models that take `temperature` or `top_p`, never both."""

_THINKING = {"enabled": ("budget_tokens", "display"), "adaptive": ("display",), "disabled": ()}


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a request's headers say of how to read it: the version of the API, and whether it names any beta."""

    version: str
    beta: bool = False


def check_create(body: Json, terms: Terms) -> None:
    """Refuse what the vendor would of a request for a message. Raises Refused, naming the first field at fault."""
    _check_fields(body, (*_CREATED, *(() if terms.version >= NO_SAMPLING_SINCE else _SAMPLING)), beta=terms.beta)
    within(required(body, "max_tokens", int), low=0, where="max_tokens")
    most = most_output_tokens(body["model"])
    if body["max_tokens"] > most:
        raise Refused(
            f"max_tokens: {body['max_tokens']} > {most}, which is the maximum allowed number of output tokens for {body['model'][:80]}"
        )
    _check_shared(body, terms)
    _check_sampling(body)
    _check_words(body)
    _check_thinking(body)


def check_count(body: Json, terms: Terms) -> None:
    """Refuse what the vendor would of a request to count tokens. Raises Refused."""
    _check_fields(body, _COUNTED, beta=terms.beta)
    _check_shared(body, terms)


def is_thinking(body: dict[str, Json]) -> bool:
    """Say whether a request has thinking turned on."""
    return (body.get("thinking") or {}).get("type") in ("enabled", "adaptive")


def marks_of(body: dict[str, Json]) -> list[str]:
    """Return how long each breakpoint of the cache lasts, in the order of the prompt: tools, system, messages."""
    holders = [*(body.get("tools") or ()), *(_system_of(body))]
    for message in body["messages"]:
        for block in blocks_of(message):
            inner = block.get("content") if block["type"] == "tool_result" else None
            holders += [*(inner if isinstance(inner, list) else ()), block]
    marks = [mark for holder in (*holders, body) if (mark := holder.get("cache_control"))]
    return [mark.get("ttl") or "5m" for mark in marks]


def _system_of(body: dict[str, Json]) -> list[dict[str, Json]]:
    return body["system"] if isinstance(body.get("system"), list) else []


def _check_fields(body: Json, known: tuple[str, ...], *, beta: bool) -> None:
    must_be(body, dict, where="request body")
    if not required(body, "model", str):
        raise Refused("model: String should have at least 1 character")
    only(body, (*known, *_BETA) if beta else known)


def _check_shared(body: dict[str, Json], terms: Terms) -> None:
    if body.get("system") is not None and not isinstance(body["system"], str):
        must_be(body["system"], list, where="system")
        check_texts(body["system"], where="system")
    check_messages(body)
    if terms.version >= NO_SAMPLING_SINCE:
        _check_citations(body["messages"])
    check_tools(body)
    kinds = {block["type"] for message in body["messages"] for block in blocks_of(message)}
    if not body.get("tools") and kinds & {"tool_use", "tool_result"}:
        raise Refused("tools: Requests which include `tool_use` or `tool_result` blocks must define tools")
    _check_output(body)
    check_mark(body)
    marks = marks_of(body)
    if len(marks) > MAX_MARKS:
        raise Refused(f"A maximum of {MAX_MARKS} blocks with cache_control may be provided. Found {len(marks)}.")
    if "5m" in marks and "1h" in marks[marks.index("5m") :]:
        raise Refused("cache_control: a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")


def _check_citations(messages: list[dict[str, Json]]) -> None:
    for index, message in enumerate(messages):
        for number, block in enumerate(blocks_of(message)):
            if message["role"] == "user" and block["type"] == "text" and block.get("citations"):
                raise Refused(f"messages.{index}.content.{number}.text.citations: citations are not permitted in `user` messages")


def _check_output(body: dict[str, Json]) -> None:
    config = optional(body, "output_config", dict)
    if config is None:
        return
    only(config, ("effort", "format"), where="output_config.")
    if config.get("effort") is not None:
        one_of(config["effort"], EFFORTS, where="output_config.effort")
    wanted = optional(config, "format", dict, where="output_config.")
    if wanted is None:
        return
    tagged(wanted, ("json_schema",), where="output_config.format")
    only(wanted, ("type", "schema"), where="output_config.format.")
    check_strict(required(wanted, "schema", dict, where="output_config.format."), where="output_config.format.schema")
    if body["messages"][-1]["role"] == "assistant":
        raise Refused("output_config.format: message prefill is not supported with structured output")


def _check_sampling(body: dict[str, Json]) -> None:
    for name in ("temperature", "top_p"):
        if optional(body, name, float) is not None:
            within(body[name], low=0, high=1, where=name)
    if optional(body, "top_k", int) is not None:
        within(body["top_k"], low=0, where="top_k")
    if body.get("temperature") is not None and body.get("top_p") is not None and _ONE_SAMPLING.match(body["model"]):
        raise Refused("`temperature` and `top_p` cannot both be specified for this model. Please use only one.")


def _check_words(body: dict[str, Json]) -> None:
    optional(body, "stream", bool)
    for index, stop in enumerate(optional(body, "stop_sequences", list) or ()):
        must_be(stop, str, where=f"stop_sequences.{index}")
        if not stop.strip():
            raise Refused("stop_sequences: each stop sequence must contain non-whitespace")
    metadata = optional(body, "metadata", dict) or {}
    only(metadata, ("user_id",), where="metadata.")
    optional(metadata, "user_id", str, where="metadata.")
    if body.get("service_tier") is not None:
        one_of(body["service_tier"], ("auto", "standard_only"), where="service_tier")


def _check_thinking(body: dict[str, Json]) -> None:
    thinking = optional(body, "thinking", dict)
    if thinking is None:
        return
    kind = tagged(thinking, _THINKING, where="thinking")
    only(thinking, ("type", *_THINKING[kind]), where=f"thinking.{kind}.")
    if thinking.get("display") is not None:
        one_of(thinking["display"], ("summarized", "omitted"), where=f"thinking.{kind}.display")
    if kind == "disabled":
        return
    if kind == "enabled":
        within(
            required(thinking, "budget_tokens", int, where="thinking.enabled."),
            low=LEAST_BUDGET_TOKENS,
            where="thinking.enabled.budget_tokens",
        )
        if thinking["budget_tokens"] >= body["max_tokens"]:
            raise Refused("`max_tokens` must be greater than `thinking.budget_tokens`.")
        check_thoughts_lead(body["messages"])
    _check_thinking_rules(body)


def _check_thinking_rules(body: dict[str, Json]) -> None:
    """With thinking on, sampling stays as it is and tools are not forced."""
    if body.get("temperature") not in (None, 1):
        raise Refused("`temperature` may only be set to 1 when thinking is enabled.")
    if body.get("top_k") is not None:
        raise Refused("`top_k` must be unset when thinking is enabled.")
    if body.get("top_p") is not None and body["top_p"] < THINKING_TOP_P:
        raise Refused("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled.")
    if (body.get("tool_choice") or {}).get("type") in ("any", "tool"):
        raise Refused("Thinking may not be enabled when tool_choice forces tool use.")
    final = body["messages"][-1]
    if final["role"] == "assistant" and not any(block["type"] in ("thinking", "redacted_thinking") for block in blocks_of(final)[:1]):
        raise Refused("messages: the final `assistant` message (prefill) must start with a thinking block when `thinking` is enabled.")

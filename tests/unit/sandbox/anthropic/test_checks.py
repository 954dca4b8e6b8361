from typing import Any

import pytest

from modelgate.sandbox.anthropic.checks import Terms, check_count, check_create, marks_of
from modelgate.sandbox.anthropic.errors import Refused

OLD, NEW = Terms(version="2023-06-01"), Terms(version="2026-10-21")
BODY: dict[str, Any] = {"model": "claude-opus-4-5", "max_tokens": 2_000, "messages": [{"role": "user", "content": "Hi"}]}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False}
TOOL = {"name": "f", "input_schema": {"type": "object"}}
MARK = {"cache_control": {"type": "ephemeral"}}
LONG = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
ENABLED = {"type": "enabled", "budget_tokens": 1_024}


def _text(**fields: Any) -> dict[str, Any]:
    return {"type": "text", "text": "Hi", **fields}


def _refusal(terms: Terms = OLD, **fields: Any) -> str:
    with pytest.raises(Refused) as caught:
        check_create({**BODY, **fields}, terms)
    return caught.value.message


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"max_tokens": 0},
        {"system": "Be brief."},
        {"system": [_text(**LONG)], "tools": [{**TOOL, **LONG}], "cache_control": {"type": "ephemeral"}},
        {"stream": True, "stop_sequences": ["\n\nHuman:"], "metadata": {"user_id": "u"}, "service_tier": "standard_only"},
        {"thinking": ENABLED},
        {"thinking": {**ENABLED, "display": "omitted"}},
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
        {"thinking": {"type": "disabled"}},
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        {"container": "c", "inference_geo": "eu"},
    ],
)
@pytest.mark.parametrize("terms", [OLD, NEW])
def test_good_requests(fields: dict[str, Any], terms: Terms) -> None:
    check_create({**BODY, **fields}, terms)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": 1}, "model: Input should be a valid string"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"max_tokens": -1}, "max_tokens: Input should be greater than or equal to 0"),
        ({"max_tokens": "9"}, "max_tokens: Input should be a valid integer"),
        ({"max_tokens": 64_001}, "max_tokens: 64001 > 64000, which is the maximum allowed number of output tokens for claude-opus-4-5"),
        ({"max_completion_tokens": 1}, "max_completion_tokens: Extra inputs are not permitted"),
        ({"context_management": {}}, "context_management: Extra inputs are not permitted"),
        ({"system": 1}, "system: Input should be a valid list"),
        ({"stream": "yes"}, "stream: Input should be a valid boolean"),
        ({"stop_sequences": "a"}, "stop_sequences: Input should be a valid list"),
        ({"stop_sequences": ["a", 1]}, "stop_sequences.1: Input should be a valid string"),
        ({"stop_sequences": ["\n"]}, "stop_sequences: each stop sequence must contain non-whitespace"),
        ({"metadata": {"user": "u"}}, "metadata.user: Extra inputs are not permitted"),
        ({"service_tier": "flex"}, "service_tier: Input should be 'auto' or 'standard_only'"),
        ({"output_config": {"effort": "minimal"}}, "output_config.effort: Input should be 'low', 'medium'"),
        ({"output_config": {"format": {"type": "json_object"}}}, "output_config.format: Input tag 'json_object'"),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: Field required"),
        (
            {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
            "output_config.format.schema: For 'object' type, 'additionalProperties' must be explicitly set to false",
        ),
        ({"thinking": {"type": "on"}}, "thinking: Input tag 'on'"),
        ({"thinking": {"type": "enabled"}}, "thinking.enabled.budget_tokens: Field required"),
        (
            {"thinking": {**ENABLED, "budget_tokens": 1_023}},
            "thinking.enabled.budget_tokens: Input should be greater than or equal to 1024",
        ),
        ({"thinking": {**ENABLED, "budget_tokens": 2_000}}, "`max_tokens` must be greater than `thinking.budget_tokens`."),
        ({"thinking": {"type": "adaptive", "budget_tokens": 9}}, "thinking.adaptive.budget_tokens: Extra inputs are not permitted"),
        ({"thinking": {"type": "adaptive", "display": "full"}}, "thinking.adaptive.display: Input should be 'summarized' or 'omitted'"),
        (
            {"thinking": ENABLED, "tools": [TOOL], "tool_choice": {"type": "any"}},
            "Thinking may not be enabled when tool_choice forces tool use.",
        ),
        (
            {"thinking": ENABLED, "messages": [*BODY["messages"], {"role": "assistant", "content": "I"}]},
            "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `text`.",
        ),
        (
            {"thinking": {"type": "adaptive"}, "messages": [*BODY["messages"], {"role": "assistant", "content": "I"}]},
            "messages: the final `assistant` message (prefill) must start with a thinking block",
        ),
        ({"cache_control": {"type": "persistent"}}, "cache_control: Input tag 'persistent'"),
        ({"system": [_text(**MARK)] * 5}, "A maximum of 4 blocks with cache_control may be provided. Found 5."),
        ({"tools": [{**TOOL, **MARK}], "system": [_text(**LONG)]}, "cache_control: a ttl='1h' cache_control block must not come after"),
    ],
)
@pytest.mark.parametrize("terms", [OLD, NEW])
def test_bad_requests(fields: dict[str, Any], message: str, terms: Terms) -> None:
    assert _refusal(terms, **fields).startswith(message)


@pytest.mark.parametrize("name", ["model", "max_tokens", "messages"])
def test_what_must_be_there(name: str) -> None:
    with pytest.raises(Refused, match=f"^{name}: Field required"):
        check_create({key: value for key, value in BODY.items() if key != name}, OLD)


def test_what_is_no_object() -> None:
    with pytest.raises(Refused, match="Input should be a valid dictionary"):
        check_create([], OLD)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"temperature": 1.1}, "temperature: Input should be less than or equal to 1"),
        ({"top_p": -1}, "top_p: Input should be greater than or equal to 0"),
        ({"top_k": 1.5}, "top_k: Input should be a valid integer"),
        ({"temperature": 0.5, "top_p": 0.5}, "`temperature` and `top_p` cannot both be specified for this model."),
        ({"temperature": 0.5, "thinking": ENABLED}, "`temperature` may only be set to 1 when thinking is enabled."),
        ({"top_k": 5, "thinking": ENABLED}, "`top_k` must be unset when thinking is enabled."),
        ({"top_p": 0.9, "thinking": ENABLED}, "`top_p` must be greater than or equal to 0.95"),
    ],
)
def test_sampling(fields: dict[str, Any], message: str) -> None:
    assert _refusal(OLD, **fields).startswith(message)
    assert "Extra inputs are not permitted" in _refusal(NEW, **fields)


def test_sampling_within_its_bounds() -> None:
    check_create({**BODY, "temperature": 1, "top_k": 4}, OLD)
    check_create({**BODY, "model": "any", "temperature": 0, "top_p": 1}, OLD)
    check_create({**BODY, "temperature": 1, "thinking": ENABLED}, OLD)


def test_citations_of_the_user() -> None:
    messages = [{"role": "user", "content": [_text(citations=[{"type": "char_location"}])]}]
    check_create({**BODY, "messages": messages}, OLD)
    assert _refusal(NEW, messages=messages).startswith("messages.0.content.0.text.citations:")


def test_fields_of_a_beta() -> None:
    check_create({**BODY, "context_management": {}}, Terms(version="2023-06-01", beta=True))


def test_tools_must_be_there_for_history() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
    result = {"type": "tool_result", "tool_use_id": "a"}
    messages = [*BODY["messages"], {"role": "assistant", "content": [call]}, {"role": "user", "content": [result]}]
    check_create({**BODY, "messages": messages, "tools": [TOOL]}, OLD)
    assert _refusal(messages=messages).startswith("tools: Requests which include `tool_use` or `tool_result` blocks must define tools")


def test_counting_takes_fewer_fields() -> None:
    check_count({"model": "m", "messages": BODY["messages"], "thinking": {"type": "adaptive"}}, OLD)
    with pytest.raises(Refused, match="max_tokens: Extra inputs are not permitted"):
        check_count(BODY, OLD)


def test_marks_are_found_in_the_order_of_the_prompt() -> None:
    inner = {"type": "tool_result", "tool_use_id": "a", "content": [_text(**LONG)]}
    body = {"messages": [{"role": "user", "content": [inner, _text(**MARK)]}], "tools": [{**TOOL, **LONG}], "system": "x", **MARK}
    assert marks_of(body) == ["1h", "1h", "5m", "5m"]

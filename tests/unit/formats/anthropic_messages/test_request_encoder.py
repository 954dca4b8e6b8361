import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.anthropic_messages.request_encoder import encode_request
from modelgate.formats.chat.request import (
    Audio,
    AudioOutput,
    ChatRequest,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from modelgate.sandbox.anthropic.checks import Terms, check_create

USER = Message(role="user", parts=(Text(text="x"),))


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest(**{"model": "alias", "messages": (USER,), **fields})


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 2}, "n"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 3}, "logprobs"),
        ({"audio": AudioOutput(voice="a", format="mp3")}, "audio"),
        ({"modalities": ("text", "image")}, "modalities"),
        ({"tools": (Tool(name="f", custom=True),)}, "tools"),
        ({"tools": (Tool(name="code_interpreter", vendor={"type": "code_interpreter"}, vendor_format="openai_responses"),)}, "tools"),
        ({"messages": (Message(role="user", parts=(Audio(data="xx", format="wav"),)),)}, "messages"),
        ({"messages": (Message(role="user", parts=(Image(data="Qk0=", media_type="image/bmp"),)),)}, "messages"),
        ({"reasoning": Reasoning(effort="a lot")}, "reasoning"),
    ],
)
def test_what_changes_the_meaning_and_cannot_be_said_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as refused:
        encode_request(ask(**fields), "claude-opus-4-6", NO_QUIRKS)
    assert refused.value.param == param


def test_what_says_nothing_is_no_reason_to_refuse() -> None:
    assert encode_request(ask(n=1, logprobs=False, modalities=("text",)), "claude-opus-4-6", NO_QUIRKS).ignored == ()


def test_a_vendors_departures() -> None:
    quirks = Quirks(refuses=frozenset(("top_k", "user")), has_json_schema=False, paths={"anthropic_messages": "/x"}, query="a=b")
    sent = encode_request(ask(top_k=3, output=OutputFormat(kind="schema", schema={"type": "object"})), "claude-opus-4-6", quirks)
    body = json.loads(sent.body)
    assert (sent.path, sent.ignored) == ("/x?a=b", ("top_k",))
    assert "output_config" not in body
    assert "JSON Schema" in body["system"][0]["text"]


words = st.text(st.characters(codec="utf-8"), max_size=6)
parts = st.one_of(
    words.map(lambda text: Text(text=text)),
    words.map(lambda text: Refusal(text=text)),
    st.builds(Thinking, text=words, signature=words, format=st.sampled_from(["", "gemini_content"])),
    st.just(Image(url="https://e.com/a.png")),
)
names = st.sampled_from(["f", "g"])
call_ids = st.sampled_from(["a", "a.b", "a_b", "functions.f:0", ""])


@st.composite
def histories(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as careless as clients of other dialects have them; each call is answered in the turn after it."""
    turns: list[Message] = []
    for _ in range(draw(st.integers(0, 4))):
        if draw(st.booleans()):
            turns.append(
                Message(
                    role="user",
                    parts=tuple(draw(st.lists(parts.filter(lambda part: not isinstance(part, Thinking | Refusal)), max_size=2))),
                )
            )
            continue
        said = draw(st.lists(parts, max_size=2))
        calls = [
            ToolCall(id=draw(call_ids), name=draw(names), arguments=draw(words | st.just('{"a":1}')))
            for _ in range(draw(st.integers(0, 3)))
        ]
        turns.append(Message(role="assistant", parts=(*said, *calls)))
        if calls:
            results = [
                ToolResult(call_id=call.id, parts=tuple(draw(st.lists(words.map(lambda text: Text(text=text)), max_size=2))))
                for call in calls
            ]
            turns.append(Message(role="user", parts=(*draw(st.lists(st.just(Text(text="hm")), max_size=1)), *results)))
    return tuple(turns)


TOOLS = (Tool(name="f", schema={"properties": {}}), Tool(name="g"))
requests = st.builds(
    ChatRequest,
    model=st.just("m"),
    messages=histories(),
    system=st.lists(words.map(lambda text: Text(text=text)), max_size=2).map(tuple),
    max_output_tokens=st.none() | st.integers(1, 3000),
    temperature=st.none() | st.floats(0, 2),
    top_p=st.none() | st.floats(0, 1),
    top_k=st.none() | st.integers(0, 9),
    stop=st.lists(words, max_size=2).map(tuple),
    tools=st.sampled_from([(), TOOLS]),
    tool_choice=st.none()
    | st.sampled_from(
        [ToolChoice(mode="auto", allowed=("f",)), ToolChoice(mode="required"), ToolChoice(mode="none"), ToolChoice(mode="named", name="g")]
    ),
    parallel_tool_calls=st.none() | st.booleans(),
    reasoning=st.none()
    | st.builds(Reasoning, effort=st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max"]))
    | st.builds(Reasoning, budget_tokens=st.integers(0, 4000), show=st.none() | st.booleans())
    | st.just(Reasoning(adaptive=True)),
    output=st.none()
    | st.sampled_from([{"type": "object"}, {"type": "object", "properties": {"a": {"type": "string", "minLength": 3}}}, None]).map(
        lambda schema: OutputFormat(kind="schema", name="x", schema=schema)
    ),
    user=words,
    service_tier=st.sampled_from(["", "auto", "default", "flex"]),
)
MODELS = st.sampled_from(
    ["claude-3-5-haiku-latest", "claude-sonnet-4-0", "claude-opus-4-1", "claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5"]
)


@settings(max_examples=300)
@given(requests, MODELS)
def test_whatever_clients_ask_the_vendor_takes_it(request: ChatRequest, model: str) -> None:
    """Held against the rules of the sandbox's vendor, which were written from the same documentation by themselves."""
    body = json.loads(encode_request(request, model, NO_QUIRKS).body)
    check_create(body, Terms(version="2023-06-01"))

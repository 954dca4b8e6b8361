import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.anthropic_messages.request import peek
from modelgate.formats.anthropic_messages.request_decoder import MAX_IGNORED, decode_request
from modelgate.formats.anthropic_messages.request_encoder import encode_request
from modelgate.formats.chat.request import (
    CacheMark,
    ChatRequest,
    File,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    WebSearch,
)

from .conftest import asked, cases

BASE: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}


def decoded(body: Any) -> ChatRequest:
    request = asked(body)
    return decode_request(request, peek(request))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages.0.role: "),
        ({"messages": [{"role": "user"}]}, "messages.0.content: Field required"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages.0.content.0.type: Field required"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": 1}]}]}, "messages.0.content.0.text: "),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema: Field required"),
        ({"tools": [{"name": "", "input_schema": {}}]}, "tools.0.name: "),
        ({"tools": [{"type": 7}]}, "tools.0.type: "),
        ({"tool_choice": {"type": "some"}}, "tool_choice.type: "),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name: Field required"),
        ({"thinking": {"type": "on"}}, "thinking.type: "),
        ({"output_config": {"effort": "huge"}}, "output_config.effort: "),
        ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema: Field required"),
        ({"stop_sequences": "x"}, "stop_sequences: "),
        ({"temperature": "hot"}, "temperature: "),
    ],
)
def test_a_bad_field_is_named_in_the_vendors_manner(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequest, match=message):
        decoded({**BASE, **fields})


def test_servers_of_tools_that_only_the_vendor_calls_are_refused() -> None:
    """They were dropped and named like a hint, so that a model answered without its tools."""
    with pytest.raises(InvalidRequest, match="mcp_servers") as caught:
        decoded({**BASE, "mcp_servers": [{"type": "url", "url": "https://example.com", "name": "one"}]})
    assert (caught.value.param, caught.value.code) == ("mcp_servers", "unsupported_parameter")
    assert decoded({**BASE, "mcp_servers": []}).ignored == ()


def test_what_is_ignored_is_named_up_to_a_bound_and_fit_for_a_header() -> None:
    found = decoded({**BASE, **{f"field{n}": 1 for n in range(100)}, "bad\nname": 1, "nothing": None})
    assert len(found.ignored) == MAX_IGNORED
    assert set(decoded({**BASE, "bad\nname": 1, "nothing": None, "inference_geo": "us"}).ignored) == {"inference_geo"}


NAME = "anthropic_messages"
words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(lambda text: text.strip() == text and text)
marks = st.none() | st.sampled_from([CacheMark(), CacheMark(ttl="1h"), CacheMark(ttl="5m")])
ids = st.from_regex(r"toolu_[a-zA-Z0-9_-]{3}", fullmatch=True)
texts = st.builds(Text, text=words, cache=marks)
images = st.builds(Image, url=st.just("https://e.com/a.png"), cache=marks) | st.builds(
    Image, data=st.just("iVBORw0KGgo="), media_type=st.just("image/png"), cache=marks
)
files = (
    st.builds(File, name=st.just("") | words, media_type=st.just("application/pdf"), data=st.just("JVBERi0xLjQ="), cache=marks)
    | st.builds(File, name=st.just("") | words, url=st.just("https://e.com/a.pdf"), cache=marks)
    | st.builds(File, name=st.just("") | words, media_type=st.just("text/plain"), text=words, cache=marks)
)
thoughts = st.builds(Thinking, text=words, signature=words.map(lambda text: "s" + text), format=st.just(NAME)) | st.builds(
    Thinking, sealed=words, format=st.just(NAME)
)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    """Turns as the API allows them, each call answered."""
    turns = [Message(role="user", parts=tuple(draw(st.lists(texts | images | files, min_size=1, max_size=3))))]
    used: set[str] = set()
    for _ in range(draw(st.integers(0, 2))):
        called = [call for call in draw(st.lists(ids, max_size=2, unique=True)) if call not in used]
        used.update(called)
        calls = [
            ToolCall(id=call, name=draw(words), arguments=json.dumps(draw(st.dictionaries(words, words, max_size=2)))) for call in called
        ]
        turns.append(
            Message(role="assistant", parts=(*draw(st.lists(thoughts, max_size=2)), *draw(st.lists(texts, min_size=1, max_size=2)), *calls))
        )
        results = [
            ToolResult(
                call_id=call.id, name=call.name, parts=tuple(draw(st.lists(texts | images, max_size=2))), is_error=draw(st.booleans())
            )
            for call in calls
        ]
        turns.append(Message(role="user", parts=(*results, *draw(st.lists(texts, min_size=1, max_size=2)))))
    return tuple(turns)


tools = st.builds(
    Tool,
    name=words,
    description=st.just("") | words,
    schema=st.just({"type": "object", "properties": {"a": {}}, "additionalProperties": False}),
    strict=st.none() | st.just(True),
    cache=marks,
) | st.just(Tool(name="bash", vendor={"type": "bash_20250124", "name": "bash"}, vendor_format=NAME))
requests = st.builds(
    ChatRequest,
    model=st.just("claude-opus-4-6"),
    messages=conversations(),
    system=st.lists(texts, max_size=2).map(tuple),
    stream=st.booleans(),
    max_output_tokens=st.integers(2000, 9000),
    temperature=st.none() | st.floats(0, 1),
    stop=st.lists(words, max_size=2).map(tuple),
    tools=st.lists(tools, min_size=1, max_size=3).map(tuple),
    tool_choice=st.none() | st.sampled_from([ToolChoice(mode="auto"), ToolChoice(mode="required"), ToolChoice(mode="named", name="f")]),
    output=st.none()
    | st.just(
        OutputFormat(
            kind="schema", name="answer", schema={"type": "object", "properties": {"a": {}}, "additionalProperties": False}, strict=True
        )
    ),
    web_search=st.none() | st.just(WebSearch(context_size="low", location={"type": "approximate", "approximate": {"city": "Paris"}})),
    user=st.just("") | words,
    service_tier=st.sampled_from(["", "auto", "default"]),
)


@given(requests)
def test_what_the_dialect_can_say_comes_back_as_it_was(request: ChatRequest) -> None:
    ask = encode_request(request, "claude-opus-4-6", NO_QUIRKS)
    assert ask.ignored == ()
    assert decoded(bytes(ask.body)) == request


@given(
    st.sampled_from(
        [
            Reasoning(effort="none"),
            Reasoning(adaptive=True, effort="max", show=True),
            Reasoning(adaptive=True),
            Reasoning(budget_tokens=2048, show=False),
        ]
    )
)
def test_how_much_to_think_comes_back_as_it_was(reasoning: Reasoning) -> None:
    request = ChatRequest(
        model="claude-opus-4-6", messages=(Message(role="user", parts=(Text(text="x"),)),), max_output_tokens=4096, reasoning=reasoning
    )
    assert decoded(bytes(encode_request(request, "claude-opus-4-6", NO_QUIRKS).body)) == request


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["type", "text", "content", "source", "id"]), inner, max_size=2)
    ),
    max_leaves=5,
)


def mutated(body: Any, draw: st.DrawFn) -> Any:
    """Return JSON with one value somewhere in it replaced or taken away."""
    if isinstance(body, dict) and body and draw(st.integers(0, 3)):
        name = draw(st.sampled_from(sorted(body)))
        rest = {field: value for field, value in body.items() if field != name}
        return rest if draw(st.integers(0, 5)) == 0 else {**rest, name: mutated(body[name], draw)}
    if isinstance(body, list) and body and draw(st.integers(0, 3)):
        at = draw(st.integers(0, len(body) - 1))
        return [*body[:at], mutated(body[at], draw), *body[at + 1 :]]
    return draw(VALUES)


@settings(max_examples=400)
@given(st.data())
def test_a_mutated_request_is_read_or_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([case.values[0]["given"] for case in cases("decode_request")]))
    with contextlib.suppress(InvalidRequest):
        encode_request(decoded(mutated(whole, data.draw)), "claude-opus-4-6", NO_QUIRKS)

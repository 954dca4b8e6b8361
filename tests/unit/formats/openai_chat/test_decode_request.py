import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import Quirks
from modelgate.formats.chat.request import AudioOutput, CacheMark, ChatRequest, Message, OutputFormat, Text, Tool, ToolChoice, WebSearch
from modelgate.formats.openai_chat.decode_request import decode_request
from modelgate.formats.openai_chat.encode_request import encode_request
from modelgate.formats.openai_chat.peek import peek_request


def decoded(request: HttpRequest) -> ChatRequest:
    return decode_request(request, peek_request(request))


def test_the_least_request(ask) -> None:
    assert decoded(ask()) == ChatRequest(model="m", messages=(Message(role="user", parts=(Text(text="hi"),)),))


def test_everything_the_hub_has_a_word_for(ask) -> None:
    found = decoded(
        ask(
            stream=True,
            max_completion_tokens=9,
            stop="end",
            logit_bias={"5": 1.0},
            modalities=["text", "audio"],
            audio={"voice": {"id": "v"}, "format": "wav"},
            response_format={"type": "json_object"},
            web_search_options={"search_context_size": "low"},
            safety_identifier="s",
            metadata={"a": "b"},
            extra_body={"google": {"image_config": {"aspect_ratio": "1:1", "image_size": "2K"}, "safety_settings": [1]}},
            top_k=4,
        )
    )
    assert (found.stream, found.max_output_tokens, found.stop, found.logit_bias) == (True, 9, ("end",), {"5": 1})
    assert (found.modalities, found.audio) == (("text", "audio"), AudioOutput(voice={"id": "v"}, format="wav"))
    assert (found.output, found.web_search) == (OutputFormat(kind="json"), WebSearch(context_size="low"))
    assert (found.user, found.metadata, found.top_k) == ("s", {"a": "b"}, 4)
    assert (found.image_aspect_ratio, found.image_size, found.gemini_safety_settings) == ("1:1", "2K", [1])
    assert found.ignored == ()


def test_what_the_hub_has_no_word_for_is_named(ask) -> None:
    assert decoded(ask(min_p=0.1, moderation={"model": "x"}, foo=None, **{"a" * 65: 1})).ignored == ("min_p", "moderation")
    assert len(decoded(ask(**{f"x{at}": 1 for at in range(100)})).ignored) == 32


def test_tools_of_every_kind(ask) -> None:
    function = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}, "cache_control": {"type": "ephemeral"}}
    custom = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
    own = {"type": "web_search", "web_search": {"enable": True}}
    assert decoded(ask(tools=[function, custom, own], tool_choice="required")).tools == (
        Tool(name="f", schema={"type": "object"}, cache=CacheMark()),
        Tool(name="c", custom=True, grammar={"type": "text"}),
        Tool(name="web_search", vendor=own, vendor_format="openai_chat"),
    )


def test_the_older_form_of_tools(ask) -> None:
    found = decoded(ask(functions=[{"name": "f", "description": "d", "parameters": {}}], function_call={"name": "f"}))
    assert found.tools == (Tool(name="f", description="d", schema={}),)
    assert (found.tool_choice, found.parallel_tool_calls) == (ToolChoice(mode="named", name="f"), False)


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"temperature": "hot"}, "temperature", "invalid_type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name", "missing_required_parameter"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "alien", "content": "x"}]}, "messages[0].role", None),
        ({"messages": [{"content": "x"}]}, "messages[0].role", "missing_required_parameter"),
        ({"response_format": {"type": "xml"}}, "response_format.type", None),
        ({"stop": ["x"] * 65}, "stop", "invalid_value"),
        ({"tool_choice": "maybe", "tools": [{"type": "function", "function": {"name": "f"}}]}, "tool_choice", "invalid_value"),
    ],
)
def test_a_bad_request_names_the_field(ask, fields: dict[str, Any], param: str, code: str | None) -> None:
    with pytest.raises(InvalidRequest) as caught:
        decoded(ask(**fields))
    assert caught.value.param == param
    assert code is None or caught.value.code == code


# Round trips: what this dialect can say survives being said and read again.

TEXTS = st.text(min_size=1, max_size=20)
CALL_IDS = st.from_regex(r"call_[a-z0-9]{1,12}", fullmatch=True)


@st.composite
def requests(draw: st.DrawFn) -> ChatRequest:
    fields: dict[str, Any] = {
        "temperature": draw(st.none() | st.floats(0, 2)),
        "top_p": draw(st.none() | st.floats(0, 1)),
        "n": draw(st.none() | st.integers(1, 128)),
        "seed": draw(st.none() | st.integers(-(2**40), 2**40)),
        "stop": tuple(draw(st.lists(TEXTS, max_size=4))),
        "max_output_tokens": draw(st.none() | st.integers(1, 10**6)),
        "user": draw(st.just("") | TEXTS),
        "stream": draw(st.booleans()),
        "logprobs": draw(st.none() | st.booleans()),
    }
    tools = draw(
        st.lists(st.builds(Tool, name=st.from_regex(r"[a-z_]{1,10}", fullmatch=True), description=st.text(max_size=5)), max_size=3)
    )
    system = draw(st.lists(st.builds(Text, text=TEXTS), max_size=1))
    turns = draw(st.lists(TEXTS, min_size=1, max_size=4))
    messages = tuple(Message(role="assistant" if at % 2 else "user", parts=(Text(text=text),)) for at, text in enumerate(turns))
    return ChatRequest(model="m", messages=messages, system=tuple(system), tools=tuple(tools), **fields)


@given(requests())
def test_what_can_be_said_survives(request: ChatRequest) -> None:
    ask = encode_request(request, "m", Quirks())
    wire = HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=bytes(ask.body))
    assert decoded(wire) == request
    assert ask.ignored == ()


# Nothing a client sends breaks it.

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "user", "text", "auto", "call_mg1xx", "data:image/png;base64,AAAA"])
)
KEYS = st.sampled_from(
    [
        "role",
        "content",
        "type",
        "text",
        "image_url",
        "url",
        "tool_calls",
        "id",
        "function",
        "name",
        "arguments",
        "audio",
        "file",
        "file_data",
        "tool_call_id",
        "input_audio",
        "data",
        "google",
        "thinking_config",
    ]
)
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "messages",
                "tools",
                "tool_choice",
                "functions",
                "response_format",
                "reasoning",
                "thinking",
                "audio",
                "stop",
                "extra_body",
                "metadata",
                "web_search_options",
            ]
        ),
        JSON,
        max_size=5,
    ),
    st.lists(st.dictionaries(KEYS, JSON, max_size=4), max_size=3),
)
def test_structures_of_any_kind_are_read_or_refused(fields: dict[str, Any], messages: list[Any]) -> None:
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    request = HttpRequest(method="POST", path="/", headers=HeaderBlock(), body=body)
    try:
        encode_request(decoded(request), "m", Quirks(reasoning="reasoning", accepts=frozenset(("cache",))))
    except InvalidRequest as error:
        assert error.message  # noqa: PT017

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelgate.core.errors import InvalidRequest
from modelgate.formats.chat.request import ChatRequest, Tool, ToolChoice
from modelgate.formats.gemini_content.model_facts import facts_of
from modelgate.formats.gemini_content.schema import FunctionCallingConfig, ToolConfig
from modelgate.formats.gemini_content.tools import decode_tool_choice, decode_tools, encode_tool_choice, encode_tools

NEWER = facts_of("gemini-2.5-flash")


def test_a_function_of_a_magic_name_with_arguments_is_a_function() -> None:
    schema = {"type": "object", "properties": {"q": {"type": "string"}}}
    request = ChatRequest(model="m", messages=(), tools=(Tool(name="googleSearch", schema=schema),))
    assert encode_tools(request, NEWER) == [{"functionDeclarations": [{"name": "googleSearch", "parametersJsonSchema": schema}]}]


def test_a_choice_of_a_magic_name_is_no_choice() -> None:
    request = ChatRequest(model="m", messages=(), tool_choice=ToolChoice(mode="named", name="googleSearch"))
    assert encode_tool_choice(request) is None


def test_snake_case_and_one_declaration_for_a_list() -> None:
    tools = msgspec.json.decode(
        b'[{"function_declarations":{"name":"f"}},{"google_search_retrieval":{}},{"urlContext":null}]', type=list[dict[str, msgspec.Raw]]
    )
    assert decode_tools(tools) == (
        Tool(name="f"),
        Tool(name="web_search", vendor={"googleSearchRetrieval": {}}, vendor_format="gemini_content"),
    )


def test_a_declaration_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decode_tools([{"functionDeclarations": msgspec.Raw(b"[1]")}])
    assert caught.value.param == "tools[0].functionDeclarations"


CHOICES = st.sampled_from(
    [
        ToolChoice(mode="none"),
        ToolChoice(mode="auto"),
        ToolChoice(mode="required"),
        ToolChoice(mode="required", allowed=("a", "b")),
        ToolChoice(mode="named", name="a"),
    ]
)
SCHEMAS = st.dictionaries(st.text("ab", min_size=1), st.just({"type": "string"}), min_size=1, max_size=2).map(
    lambda properties: {"type": "object", "properties": properties}
)
FUNCTIONS = st.builds(Tool, name=st.text("abc_", min_size=1, max_size=5), description=st.text(max_size=5), schema=st.none() | SCHEMAS)


@given(CHOICES, st.lists(FUNCTIONS, min_size=1, max_size=3))
def test_what_the_dialect_can_say_comes_back(choice: ToolChoice, tools: list[Tool]) -> None:
    request = ChatRequest(model="m", messages=(), tools=tuple(tools), tool_choice=choice)
    written = msgspec.json.encode(encode_tools(request, NEWER))
    said = encode_tool_choice(request)
    assert said is not None

    assert decode_tools(msgspec.json.decode(written, type=list[dict[str, msgspec.Raw]])) == request.tools
    assert decode_tool_choice(msgspec.convert(said, ToolConfig)) == choice


def test_a_validated_choice_is_the_models() -> None:
    config = ToolConfig(function_calling_config=FunctionCallingConfig(mode="VALIDATED", allowed_function_names=["a"]))
    assert decode_tool_choice(config) == ToolChoice(mode="auto", allowed=("a",))
    assert decode_tool_choice(ToolConfig()) is None

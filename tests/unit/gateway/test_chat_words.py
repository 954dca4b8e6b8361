from modelgate.formats.chat.request import ChatRequest, Image, Message, OutputFormat, Text, Thinking, Tool, ToolCall, ToolResult
from modelgate.gateway.chat_words import words_of


def test_everything_that_is_text_is_counted_and_pictures_apart() -> None:
    request = ChatRequest(
        model="m",
        system=(Text(text="be kind"),),
        tools=(Tool(name="f", description="does it", schema={"type": "object"}),),
        output=OutputFormat(kind="schema", schema={"type": "string"}),
        messages=(
            Message(role="user", parts=(Text(text="hello"), Image(url="https://x.example/a.png"))),
            Message(role="assistant", parts=(Thinking(text="hm"), ToolCall(id="c", name="f", arguments="{}"))),
            Message(role="user", parts=(ToolResult(call_id="c", parts=(Text(text="done"), Image(data="AAAA"))),)),
        ),
    )
    words = words_of(request, answer=[Text(text="bye"), Image(data="AAAA")])
    assert words.prompt == ["be kind", 'f does it{"type":"object"}', '{"type":"string"}', "hello", "hm", "f {}", "done"]
    assert (words.answer, words.messages, words.images) == (["bye"], 4, 2)

import io
from typing import Any

from PIL import Image

from modelgate.sandbox.gemini.models import traits_of
from modelgate.sandbox.gemini.request import GeminiAsk, read_generation


def read(*contents: dict[str, Any], model: str = "gemini-2.5-flash", **body: Any) -> GeminiAsk:
    return read_generation({"contents": list(contents), **body}, model=model, traits=traits_of(model), stream=False)


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def test_the_text_is_the_users_last() -> None:
    ask = read(user({"text": "one"}), {"role": "model", "parts": [{"text": "two"}]}, user({"text": "three"}, {"text": "magic: slow"}))
    assert ask.chat.text == "three"
    assert ask.magic.has("slow")
    assert ask.n == 1


def test_results_answer_the_calls() -> None:
    ask = read(
        user({"text": "weather?"}),
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        user(
            {"functionResponse": {"name": "f", "response": {"output": "rain"}}}, {"functionResponse": {"name": "g", "response": {"a": 1}}}
        ),
    )
    assert ask.chat.text == "weather?"
    assert ask.chat.results == (("f", "rain"), ("g", '{"a":1}'))


def test_what_is_shown() -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (2, 2)).save(buffer, "PNG")
    ask = read(
        user(
            {"inlineData": {"mimeType": "image/png", "data": buffer.getvalue()}},
            {"inlineData": {"mimeType": "audio/wav", "data": b"1234"}},
            {"fileData": {"fileUri": "gs://a/b"}},
        )
    )
    assert ask.chat.images[0][0].startswith("data:image/png;base64,iVBOR")
    assert ask.chat.documents == (
        "Attachment 1 is audio/wav of 4 bytes.",
        "Attachment 2 is at gs://a/b, which the sandbox does not fetch.",
    )


def test_tools_and_their_choice() -> None:
    declared = [
        {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}}},
        {"name": "g", "parametersJsonSchema": {"type": "object"}},
        {"name": "h"},
    ]

    def chosen(**calling: Any) -> tuple[list[str], str]:
        ask = read(user({"text": "x"}), tools=[{"functionDeclarations": declared}], toolConfig={"functionCallingConfig": calling})
        return [tool.name for tool in ask.chat.tools], ask.chat.mode

    assert chosen() == (["f", "g", "h"], "auto")
    assert chosen(mode="VALIDATED") == (["f", "g", "h"], "auto")
    assert chosen(mode="ANY", allowedFunctionNames=["g"]) == (["g"], "required")
    assert chosen(mode="NONE")[1] == "none"
    tools = read(user({"text": "x"}), tools=[{"functionDeclarations": declared}, {"googleSearch": {}}])
    assert [tool.parameters for tool in tools.chat.tools] == [
        {"type": "object", "properties": {"a": {"type": "string"}}},
        {"type": "object"},
        None,
    ]
    assert (tools.searches, tools.runs_code) == (True, False)


def test_settings() -> None:
    ask = read(
        user({"text": "x"}),
        generationConfig={
            "maxOutputTokens": 9,
            "stopSequences": ["a"],
            "candidateCount": 2,
            "responseMimeType": "application/json",
            "responseSchema": {"type": "STRING"},
            "thinkingConfig": {"thinkingBudget": 40, "includeThoughts": True},
        },
    )
    chat = ask.chat
    assert (chat.limit, chat.stops, ask.n, chat.format, chat.schema) == (9, ("a",), 2, "json_schema", {"type": "string"})
    assert (chat.hidden_tokens, chat.thinks) == (10, True)
    assert read(user({"text": "x"}), generationConfig={"responseMimeType": "application/json"}).chat.format == "json_object"
    assert not read(user({"text": "x"}), generationConfig={"thinkingConfig": {"thinkingBudget": 0, "includeThoughts": True}}).chat.thinks

"""The ways to use chat completions, as the documentation shows them and the tests try them."""

from typing import Final

from modelgate.core.endpoints import Case
from modelgate.core.records import Json

MODEL: Final = "gpt-4o-mini"
CLAUDE: Final = "claude-sonnet-4-5"
FLASH: Final = "gemini-2.5-flash"
PICTURE_URL: Final = "https://upload.wikimedia.org/wikipedia/commons/3/3a/Cat03.jpg"
DOT: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
"""A red picture of one pixel, as PNG in base64."""
WITH_USAGE: Final[dict[str, Json]] = {"stream": True, "stream_options": {"include_usage": True}}
_STREAM_PROSE = "The answer arrives as server-sent events; `include_usage` asks for a last chunk with the token counts."
_SEEING = "The model is asked about a picture that stands beside the text"


def ask(content: Json, *, model: str = MODEL, **more: Json) -> dict[str, Json]:
    """Return a request of one turn."""
    return {"model": model, "messages": [{"role": "user", "content": content}], **more}


def look_at(url: str, *, text: str = "What is in this picture?") -> list[dict[str, Json]]:
    """Return a question about a picture."""
    return [{"type": "text", "text": text}, {"type": "image_url", "image_url": {"url": url}}]


WEATHER_TOOL: Final = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
_WEATHER: Final = "What is the weather in Paris?"
_CALL: Final = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
_GREETING: Final = {
    "name": "greeting",
    "strict": True,
    "schema": {
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
        "additionalProperties": False,
    },
}

_OPENAI_CASES = (
    Case(name="plain", title="Chat", prose="One question, one answer.", request=ask("Say hello.")),
    Case(name="streaming", title="Streaming", prose=_STREAM_PROSE, request=ask("Say hello.", **WITH_USAGE)),
    Case(
        name="vision",
        title="Image input",
        prose=f"{_SEEING}, by its address.",
        request=ask(look_at(PICTURE_URL), max_completion_tokens=300),
    ),
    Case(
        name="vision-streaming",
        title="Image input, streamed",
        prose=f"{_SEEING}, by its address, and the answer arrives as server-sent events.",
        request=ask(look_at(PICTURE_URL), max_completion_tokens=300, stream=True),
    ),
    Case(
        name="vision-streaming-base64",
        title="Image input in base64, streamed",
        prose=f"{_SEEING}, as a data URL: `data:image/png;base64,` and the file in base64. The answer arrives as server-sent events.",
        request=ask(look_at(f"data:image/png;base64,{DOT}"), max_completion_tokens=300, stream=True),
    ),
    Case(
        name="tools",
        title="Tool calls",
        prose=(
            "The model may call the functions that are offered. Then `finish_reason` is `tool_calls`, and the message says which function "
            "with which arguments: run it, and send the result back as a `tool` message."
        ),
        request=ask(_WEATHER, tools=[WEATHER_TOOL], tool_choice="auto"),
    ),
    Case(
        name="tool-results",
        title="Results of tools",
        prose="Send back the model's message with its calls, and for each call a `tool` message with the result.",
        request={
            "model": MODEL,
            "messages": [
                {"role": "user", "content": _WEATHER},
                {"role": "assistant", "content": None, "tool_calls": [_CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": "18 °C, sunny"},
            ],
            "tools": [WEATHER_TOOL],
        },
    ),
    Case(
        name="functions",
        title="Function calls, legacy form",
        prose=(
            "The older `functions` and `function_call` fields, as first released. The call stands in the message's `function_call`; "
            "its result goes back as a message of the role `function`."
        ),
        request=ask(_WEATHER, functions=[WEATHER_TOOL["function"]], function_call="auto"),
    ),
    Case(
        name="json-object",
        title="JSON answers",
        prose="The answer is a JSON object; the word JSON must appear in the messages.",
        request=ask("Answer in JSON: one greeting.", response_format={"type": "json_object"}),
    ),
    Case(
        name="json-schema",
        title="Structured output",
        prose="The answer is JSON valid for the schema. With `strict`, every property is required and no other is allowed.",
        request=ask("One greeting.", response_format={"type": "json_schema", "json_schema": _GREETING}),
    ),
    Case(
        name="choices",
        title="Several answers",
        prose="`n` asks for several answers to one prompt, each in `choices` under its `index`; the prompt is counted once.",
        request=ask("Say hello.", n=2, max_completion_tokens=20),
    ),
    Case(
        name="audio",
        title="A spoken answer",
        prose="With `modalities` and `audio` a model that speaks answers with sound in base64 and a transcript. A stream takes `pcm16`.",
        request=ask("Say hello.", model="gpt-4o-audio-preview", modalities=["text", "audio"], audio={"voice": "alloy", "format": "wav"}),
    ),
)
_CLAUDE_CASES = (
    Case(
        name="claude",
        title="Claude",
        prose="Anthropic's models in this dialect: request and answer are OpenAI's, nothing of Claude's own shape is seen.",
        request=ask("Say hello.", model=CLAUDE),
    ),
    Case(
        name="claude-streaming",
        title="Claude, streamed",
        prose=f"Anthropic's models in this dialect. {_STREAM_PROSE}",
        request=ask("Say hello.", model=CLAUDE, **WITH_USAGE),
    ),
    Case(
        name="claude-vision",
        title="Claude, image input",
        prose=f"{_SEEING}, by its address or as a data URL.",
        request=ask(look_at(PICTURE_URL), model=CLAUDE, max_tokens=300),
    ),
    Case(
        name="claude-vision-streaming",
        title="Claude, image input, streamed",
        prose=f"{_SEEING}, by its address or as a data URL. The answer arrives as server-sent events.",
        request=ask(look_at(PICTURE_URL), model=CLAUDE, max_tokens=300, stream=True),
    ),
)
_GEMINI_CASES = (
    Case(
        name="gemini-chat",
        title="Gemini",
        prose="Google's models in this dialect; their thoughts are counted as `reasoning_tokens`.",
        request=ask("Say hello.", model=FLASH),
    ),
    Case(
        name="gemini-vision",
        title="Gemini, image input",
        prose=f"{_SEEING}, as a data URL. One by its address works too: Gemini fetches none, so the gateway does, and sends it along.",
        request=ask(look_at(f"data:image/png;base64,{DOT}"), model=FLASH),
    ),
    Case(
        name="gemini-image",
        title="Gemini, a picture as the answer",
        prose=(
            "The picture is Markdown inside `content`: `![image](data:image/png;base64,…)`, after the text. To change a picture send it "
            "as an `image_url` part beside the words; earlier answers may be sent back as they came. In a stream it is one chunk."
        ),
        request=ask([{"type": "text", "text": "Draw a cat on a sofa."}], model="gemini-2.0-flash-exp-image-generation", stream=False),
    ),
    Case(
        name="gemini-search",
        title="Gemini with Google Search",
        prose=(
            "A function named `googleSearch`, without parameters, is Google's own search: it is run at the vendor, never returned as a "
            "call, and its sources are `annotations` of the message. `urlContext`, which reads the addresses in the prompt, is asked for "
            "the same way."
        ),
        request=ask("Which kite flew highest?", model=FLASH, tools=[{"type": "function", "function": {"name": "googleSearch"}}]),
    ),
    Case(
        name="gemini-code",
        title="Gemini with code execution",
        prose=(
            "A function named `codeExecution`, without parameters, lets the model write Python and run it at the vendor. Code and output "
            "stand in the text, in fenced blocks."
        ),
        request=ask("How many letters has “kite”?", model=FLASH, tools=[{"type": "function", "function": {"name": "codeExecution"}}]),
    ),
)

CHAT_CASES = (
    *_OPENAI_CASES,
    *_CLAUDE_CASES,
    *_GEMINI_CASES,
    Case(
        name="deepseek-chat",
        title="DeepSeek",
        prose="Models of DeepSeek, as of every vendor that speaks this dialect. What a model thought aloud comes as `reasoning_content`.",
        request=ask("Say hello.", model="deepseek-v4-pro"),
    ),
)

"""What stands inside a response or its request, as documented to readers: items, parts, tools, settings.

Source: the OpenAI API reference, read 2026-11. Types for the OpenAPI document, not for the hot path.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.openai_chat.reference_messages import FunctionName, SoundPiece


class InputPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a message; `type` tells which other fields count."""

    type: Annotated[
        Literal["input_text", "input_image", "input_file", "input_audio", "output_text", "refusal"],
        Meta(description="Kind of the part; `output_text` and `refusal` in `assistant` messages.", examples=["input_text"]),
    ]
    text: Annotated[str | None, Meta(description="With `input_text` and `output_text`: the words.", examples=["What is this?"])] = None
    image_url: Annotated[
        str | None,
        Meta(description="With `input_image`: an address, or the picture as a data URL.", examples=["https://example.com/cat.png"]),
    ] = None
    detail: Annotated[
        Literal["auto", "low", "high"] | None,
        Meta(description="With `input_image`: how closely the model looks, `auto` when left out.", examples=["low"]),
    ] = None
    file_url: Annotated[str | None, Meta(description="With `input_file`: the document's address.")] = None
    file_data: Annotated[str | None, Meta(description="With `input_file`: the document as a data URL.")] = None
    filename: Annotated[str | None, Meta(description="With `input_file`: name shown to the model.", examples=["invoice.pdf"])] = None
    file_id: Annotated[
        str | None, Meta(description="With `input_image` and `input_file`: id of a file uploaded at the vendor; only where it answers.")
    ] = None
    input_audio: Annotated[SoundPiece | None, Meta(description="With `input_audio`: the sound.")] = None
    refusal: Annotated[str | None, Meta(description="With `refusal`: the words the model refused with.")] = None


class SummaryPart(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the thoughts in short."""

    type: Annotated[Literal["summary_text"], Meta(description="Always `summary_text`.")]
    text: Annotated[str, Meta(description="The words.")]


class InputItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the conversation; `type` tells which other fields count. Items of an output go back as they came."""

    type: Annotated[
        Literal[
            "message",
            "function_call",
            "function_call_output",
            "custom_tool_call",
            "custom_tool_call_output",
            "reasoning",
            "image_generation_call",
            "item_reference",
        ],
        Meta(description="Kind of the item; the vendor's own tools have more.", examples=["message"]),
    ] = msgspec.field(default="message")
    role: Annotated[
        Literal["user", "assistant", "system", "developer"] | None,
        Meta(description="With `message`, required: who speaks.", examples=["user"]),
    ] = None
    content: Annotated[
        str | list[InputPart] | None, Meta(description="With `message`, required: text or parts.", examples=["Say hello."])
    ] = None
    call_id: Annotated[str | None, Meta(description="With calls and their results, required: names the call.", examples=["call_8dQ2"])] = (
        None
    )
    name: Annotated[str | None, Meta(description="With calls, required: the tool.", examples=["get_weather"])] = None
    arguments: Annotated[
        str | None, Meta(description="With `function_call`: the arguments as JSON text.", examples=['{"city":"Paris"}'])
    ] = None
    input: Annotated[str | None, Meta(description="With `custom_tool_call`: the text for the tool.")] = None
    output: Annotated[
        str | list[InputPart] | None,
        Meta(
            description="With results of calls, required: text, or `input_text`, `input_image` and `input_file` parts.", examples=["18 °C"]
        ),
    ] = None
    summary: Annotated[list[SummaryPart] | None, Meta(description="With `reasoning`: the thoughts in short.")] = None
    encrypted_content: Annotated[str | None, Meta(description="With `reasoning`: the sealed thoughts, unchanged.")] = None
    result: Annotated[str | None, Meta(description="With `image_generation_call`: the picture in base64.")] = None
    status: Annotated[
        Literal["completed", "incomplete", "in_progress"] | None, Meta(description="Of items that came back: how far it is. Not heeded.")
    ] = None
    id: Annotated[
        str | None, Meta(description="Id of the item. With `item_reference`: of one that is kept at the vendor; only where it answers.")
    ] = None


class ResponseTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer. The vendor's own tools have fields of their own; besides searches of the web they pass to OpenAI only."""

    type: Annotated[
        str,
        Meta(
            description="`function` (JSON arguments), `custom` (free text), `web_search`, or another tool of the vendor's.",
            examples=["function"],
        ),
    ]
    name: Annotated[FunctionName | None, Meta(description="With `function` and `custom`, required: its name.")] = None
    description: Annotated[str | None, Meta(description="When and how to use it.", examples=["The weather in a city."])] = None
    parameters: Annotated[
        dict[str, Json] | None,
        Meta(
            description="With `function`: the arguments as a JSON Schema object; left out, it takes none.",
            examples=[{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}],
        ),
    ] = None
    strict: Annotated[bool | None, Meta(description="With `function`: arguments follow the schema exactly.")] = None
    format: Annotated[
        dict[str, Json] | None,
        Meta(
            description='With `custom`: `{"type": "text"}`, or `{"type": "grammar", "definition", "syntax": "lark" or "regex"}`.',
            examples=[{"type": "text"}],
        ),
    ] = None
    search_context_size: Annotated[
        Literal["low", "medium", "high"] | None,
        Meta(description="With `web_search`: how much of what is found the model reads, `medium` when left out.", examples=["medium"]),
    ] = None
    user_location: Annotated[
        dict[str, Json] | None,
        Meta(description="With `web_search`: where the reader is.", examples=[{"type": "approximate", "country": "FR", "city": "Paris"}]),
    ] = None


class ToolByName(msgspec.Struct, frozen=True, kw_only=True):
    """A tool by type and name."""

    type: Annotated[str, Meta(description="Its type.", examples=["function"])]
    name: Annotated[str | None, Meta(description="Its name, if it has one.", examples=["get_weather"])] = None


class ResponseToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which tool has to be called."""

    type: Annotated[
        str, Meta(description="`function`, `custom`, `allowed_tools`, or the type of one of the vendor's tools.", examples=["function"])
    ]
    name: Annotated[str | None, Meta(description="With `function` and `custom`: this one is called.", examples=["get_weather"])] = None
    mode: Annotated[Literal["auto", "required"] | None, Meta(description="With `allowed_tools`: whether one of them has to be called.")] = (
        None
    )
    tools: Annotated[list[ToolByName] | None, Meta(description="With `allowed_tools`: only these.")] = None


class TextFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The form of the answer."""

    type: Annotated[
        Literal["text", "json_object", "json_schema"],
        Meta(description="`json_object`: any JSON object; `json_schema`: JSON by the schema.", examples=["json_schema"]),
    ]
    name: Annotated[str | None, Meta(description="With `json_schema`, required: letters, digits, `_` and `-`.", examples=["greeting"])] = (
        None
    )
    schema: Annotated[
        dict[str, Json] | None,
        Meta(
            description="With `json_schema`, required: a JSON Schema whose root is an object.",
            examples=[{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}],
        ),
    ] = None
    description: Annotated[str | None, Meta(description="With `json_schema`: what the answer is for; the model reads it.")] = None
    strict: Annotated[bool | None, Meta(description="With `json_schema`: the answer follows it exactly.")] = None


class TextSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What the text of the answer is like."""

    format: Annotated[TextFormat | None, Meta(description="Its form; plain text when left out.")] = None
    verbosity: Annotated[Literal["low", "medium", "high"] | None, Meta(description="How long it is.", examples=["low"])] = None


class ReasoningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How much a reasoning model thinks."""

    effort: Annotated[
        Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None,
        Meta(description="How much; which words and which default depend on the model.", examples=["low"]),
    ] = None
    summary: Annotated[
        Literal["auto", "concise", "detailed"] | None, Meta(description="Tell the thoughts in short.", examples=["auto"])
    ] = None


class TextAnnotation(msgspec.Struct, frozen=True, kw_only=True):
    """A note on a place in the text."""

    type: Annotated[Literal["url_citation"], Meta(description="`url_citation`; the vendor's own tools have more.")]
    url: Annotated[str, Meta(description="Address of the page.")]
    title: Annotated[str, Meta(description="Title of the page.")]
    start_index: Annotated[int, Meta(description="First character of the text it supports.")]
    end_index: Annotated[int, Meta(description="The character after the last.")]


class OutputPart(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a message; `type` tells which other fields count."""

    type: Annotated[Literal["output_text", "refusal"], Meta(description="Kind of the part.", examples=["output_text"])]
    text: Annotated[str | None, Meta(description="With `output_text`: the words.", examples=["Hello!"])] = None
    annotations: Annotated[list[TextAnnotation] | None, Meta(description="With `output_text`: what it cites.")] = None
    logprobs: Annotated[
        list[dict[str, Json]] | None,
        Meta(description="With `output_text`, where `include` asks for it: `token`, `logprob`, `bytes`, `top_logprobs`."),
    ] = None
    refusal: Annotated[str | None, Meta(description="With `refusal`: the words the model refused with.")] = None


class OutputItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the answer; `type` tells which other fields count. The first need not be the message."""

    type: Annotated[
        Literal["message", "function_call", "custom_tool_call", "reasoning", "image_generation_call"],
        Meta(description="Kind of the item; the vendor's own tools have more.", examples=["message"]),
    ]
    id: Annotated[str, Meta(description="Id of the item.", examples=["msg_9f2c_0"])]
    status: Annotated[
        Literal["completed", "incomplete", "in_progress"] | None, Meta(description="How far it is.", examples=["completed"])
    ] = None
    role: Annotated[Literal["assistant"] | None, Meta(description="With `message`: always `assistant`.")] = None
    content: Annotated[list[OutputPart] | None, Meta(description="With `message`: its parts.")] = None
    call_id: Annotated[str | None, Meta(description="With calls: names the call; its result repeats it.", examples=["call_8dQ2"])] = None
    name: Annotated[str | None, Meta(description="With calls: the tool.", examples=["get_weather"])] = None
    arguments: Annotated[
        str | None,
        Meta(description="With `function_call`: the arguments as JSON text; check it before use.", examples=['{"city":"Paris"}']),
    ] = None
    input: Annotated[str | None, Meta(description="With `custom_tool_call`: the text for the tool.")] = None
    summary: Annotated[list[SummaryPart] | None, Meta(description="With `reasoning`: the thoughts in short.")] = None
    encrypted_content: Annotated[str | None, Meta(description="With `reasoning`: the sealed thoughts; send the item back unchanged.")] = (
        None
    )
    result: Annotated[str | None, Meta(description="With `image_generation_call`: the picture in base64.")] = None
    output_format: Annotated[str | None, Meta(description="With `image_generation_call`: its encoding.", examples=["png"])] = None

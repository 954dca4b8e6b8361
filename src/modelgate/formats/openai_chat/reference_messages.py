"""What stands inside a chat request or answer, as documented to readers: messages, parts, tools, formats.

Source: the OpenAI API reference, read 2026-11. Types for the OpenAPI document, not for the hot path.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

FunctionName = Annotated[
    str, Meta(description="Its name: letters, digits, `_` and `-`.", max_length=64, pattern="^[a-zA-Z0-9_-]+$", examples=["get_weather"])
]
ToolKind = Annotated[Literal["function", "custom"], Meta(description="`function`: JSON arguments. `custom`: free text, OpenAI only.")]
CallId = Annotated[str, Meta(description="Names the call; its result repeats it as `tool_call_id`.", examples=["call_8dQ2fT"])]


class ImageAddress(msgspec.Struct, frozen=True, kw_only=True):
    """A picture to look at."""

    url: Annotated[
        str,
        Meta(
            description="An `https` address, or the picture itself as a data URL: `data:image/png;base64,…`.",
            examples=["https://example.com/cat.png"],
        ),
    ]
    detail: Annotated[
        Literal["auto", "low", "high"], Meta(description="How closely the model looks; `low` costs fewer tokens.", examples=["low"])
    ] = "auto"


class SoundPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A sound to listen to."""

    data: Annotated[str, Meta(description="The sound in base64, without `data:` before it.")]
    format: Annotated[Literal["wav", "mp3"], Meta(description="How the sound is encoded.", examples=["wav"])]


class AttachedFile(msgspec.Struct, frozen=True, kw_only=True):
    """A document: the content itself or the id of an uploaded one."""

    filename: Annotated[str | None, Meta(description="Name shown to the model.", examples=["invoice.pdf"])] = None
    file_data: Annotated[str | None, Meta(description="The document as a data URL: `data:application/pdf;base64,…`.")] = None
    file_id: Annotated[str | None, Meta(description="Id of a file uploaded at the vendor; it binds the call to that vendor.")] = None


class ContentPart(msgspec.Struct, frozen=True, kw_only=True):
    """One part of a message; `type` tells which other field counts."""

    type: Annotated[
        Literal["text", "image_url", "input_audio", "file", "refusal"],
        Meta(
            description=(
                "Kind of the part. `image_url`, `input_audio` and `file` only in `user` messages, `refusal` only in `assistant` messages."
            ),
            examples=["text"],
        ),
    ]
    text: Annotated[str | None, Meta(description="With `text`: the words.", examples=["What is this?"])] = None
    image_url: Annotated[ImageAddress | None, Meta(description="With `image_url`: the picture.")] = None
    input_audio: Annotated[SoundPiece | None, Meta(description="With `input_audio`: the sound.")] = None
    file: Annotated[AttachedFile | None, Meta(description="With `file`: the document.")] = None
    refusal: Annotated[str | None, Meta(description="With `refusal`: the words the model refused with.")] = None


class CalledFunction(msgspec.Struct, frozen=True, kw_only=True):
    """Which function, with what."""

    name: Annotated[str, Meta(description="Name of the function.", examples=["get_weather"])]
    arguments: Annotated[
        str,
        Meta(description="The arguments as JSON text, as the model wrote it: check it before use.", examples=['{"city":"Paris"}']),
    ]


class CalledCustomTool(msgspec.Struct, frozen=True, kw_only=True):
    """Which custom tool, with what."""

    name: Annotated[str, Meta(description="Name of the tool.")]
    input: Annotated[str, Meta(description="The free text the model wrote for it.")]


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call the model wants made."""

    id: CallId
    type: ToolKind = "function"
    function: Annotated[CalledFunction | None, Meta(description="With `function`: the call.")] = None
    custom: Annotated[CalledCustomTool | None, Meta(description="With `custom`: the call.")] = None


class EarlierSound(msgspec.Struct, frozen=True, kw_only=True):
    """A spoken answer from before."""

    id: Annotated[str, Meta(description="`message.audio.id` of that answer; valid for about an hour, at the upstream that spoke.")]


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a conversation."""

    role: Annotated[
        Literal["developer", "system", "user", "assistant", "tool", "function"],
        Meta(
            description=(
                "Who speaks. `developer` and `system` instruct; `tool` brings a call's result; `function` is the older form of `tool`."
            ),
            examples=["user"],
        ),
    ]
    content: Annotated[
        str | list[ContentPart] | None,
        Meta(
            description="Text, or a list of parts. May be null only in an `assistant` message that has calls or audio.",
            examples=["Say hello."],
        ),
    ] = None
    name: Annotated[str | None, Meta(description="Tells speakers of one role apart. With `function`: the function that answered.")] = None
    tool_calls: Annotated[list[ToolCall] | None, Meta(description="With `assistant`: the calls it made, as they came.")] = None
    tool_call_id: Annotated[
        str | None,
        Meta(
            description="With `tool`, required: the call this answers. Every call is answered before the next message.",
            examples=["call_8dQ2fT"],
        ),
    ] = None
    function_call: Annotated[CalledFunction | None, Meta(description="With `assistant`: the older form of one call.")] = None
    refusal: Annotated[str | None, Meta(description="With `assistant`: the words it refused with.")] = None
    audio: Annotated[EarlierSound | None, Meta(description="With `assistant`: the spoken answer this stands for.")] = None
    reasoning_content: Annotated[
        str | None, Meta(description="With `assistant`: its thoughts, for models that want them back (DeepSeek, Qwen).")
    ] = None


class FunctionDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A function the model may call."""

    name: FunctionName
    description: Annotated[str | None, Meta(description="When and how to use it.", examples=["The weather in a city."])] = None
    parameters: Annotated[
        dict[str, Json] | None,
        Meta(
            description="The arguments as a JSON Schema object; left out, it takes none.",
            examples=[{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}],
        ),
    ] = None
    strict: Annotated[
        bool | None,
        Meta(description="Arguments follow the schema exactly: every property required, `additionalProperties: false` everywhere."),
    ] = False


class CustomToolDefinition(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that takes free text."""

    name: FunctionName
    description: Annotated[str | None, Meta(description="When and how to use it.")] = None
    format: Annotated[
        dict[str, Json] | None,
        Meta(
            description='`{"type": "text"}`, or `{"type": "grammar", "grammar": {"definition", "syntax": "lark" or "regex"}}`.',
            examples=[{"type": "text"}],
        ),
    ] = None


class ChatTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool on offer."""

    type: ToolKind
    function: Annotated[FunctionDefinition | None, Meta(description="With `function`: the function.")] = None
    custom: Annotated[CustomToolDefinition | None, Meta(description="With `custom`: the tool.")] = None


class NamedFunction(msgspec.Struct, frozen=True, kw_only=True):
    """One function by name."""

    name: FunctionName


class AllowedTools(msgspec.Struct, frozen=True, kw_only=True):
    """Some of the tools on offer."""

    mode: Annotated[Literal["auto", "required"], Meta(description="Whether one of them has to be called.")]
    tools: Annotated[
        list[dict[str, Json]],
        Meta(description="The tools, by type and name.", examples=[[{"type": "function", "function": {"name": "get_weather"}}]]),
    ]


class ToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Which tool has to be called."""

    type: Annotated[Literal["function", "custom", "allowed_tools"], Meta(description="Kind of the choice.")]
    function: Annotated[NamedFunction | None, Meta(description="With `function`: this one is called.")] = None
    custom: Annotated[NamedFunction | None, Meta(description="With `custom`: this one is called.")] = None
    allowed_tools: Annotated[AllowedTools | None, Meta(description="With `allowed_tools`: only these.")] = None


class JsonSchemaFormat(msgspec.Struct, frozen=True, kw_only=True):
    """A schema for the answer."""

    name: Annotated[
        str, Meta(description="Its name: letters, digits, `_` and `-`.", max_length=64, pattern="^[a-zA-Z0-9_-]+$", examples=["greeting"])
    ]
    description: Annotated[str | None, Meta(description="What the answer is for; the model reads it.")] = None
    schema: Annotated[
        dict[str, Json] | None,
        Meta(
            description="A JSON Schema whose root is an object. A value that may be missing is a union with null.",
            examples=[{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}],
        ),
    ] = None
    strict: Annotated[
        bool | None,
        Meta(description="The answer follows the schema exactly: every property required, `additionalProperties: false` everywhere."),
    ] = None


class ResponseFormat(msgspec.Struct, frozen=True, kw_only=True):
    """The form of the answer."""

    type: Annotated[
        Literal["text", "json_object", "json_schema"],
        Meta(
            description="`json_object`: any JSON object; the word JSON has to stand in the messages. `json_schema`: JSON by the schema.",
            examples=["json_object"],
        ),
    ]
    json_schema: Annotated[JsonSchemaFormat | None, Meta(description="With `json_schema`, required: the schema.")] = None


class OwnVoice(msgspec.Struct, frozen=True, kw_only=True):
    """A voice that was made at the vendor."""

    id: Annotated[str, Meta(description="Its id at the vendor.", examples=["voice_8dQ2"])]


class AudioOutput(msgspec.Struct, frozen=True, kw_only=True):
    """How a spoken answer sounds."""

    voice: Annotated[
        str | OwnVoice,
        Meta(
            description=(
                '`alloy`, `ash`, `ballad`, `coral`, `echo`, `sage`, `shimmer`, `verse`, `marin`, `cedar`, or `{"id": …}` of an own voice.'
            ),
            examples=["alloy"],
        ),
    ]
    format: Annotated[
        Literal["wav", "mp3", "flac", "opus", "pcm16", "aac"],
        Meta(description="Encoding of the sound. Streams take `pcm16` only: 24 kHz, mono, 16 bit, little-endian.", examples=["wav"]),
    ]


class WebSearchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """A search on the web before the answer."""

    search_context_size: Annotated[
        Literal["low", "medium", "high"], Meta(description="How much of what is found the model reads.", examples=["medium"])
    ] = "medium"
    user_location: Annotated[
        dict[str, Json] | None,
        Meta(
            description="Where the reader is: `country`, `region`, `city`, `timezone`, all optional.",
            examples=[{"type": "approximate", "approximate": {"country": "FR", "city": "Paris"}}],
        ),
    ] = None


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """Text that is expected in the answer."""

    type: Annotated[Literal["content"], Meta(description="Always `content`.")]
    content: Annotated[str | list[ContentPart], Meta(description="The expected text, or a list of text parts.")]


class StreamOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What a stream holds besides the answer."""

    include_usage: Annotated[
        bool, Meta(description="Send the token counts in a last chunk whose `choices` are empty.", examples=[True])
    ] = False
    include_obfuscation: Annotated[bool, Meta(description="Let OpenAI pad chunks with random `obfuscation`.")] = True

"""What stands inside a request to generate, or its answer, as documented to readers: contents, parts, tools, settings.

Source: ai.google.dev/api/generate-content, read 2026-11. Types for the OpenAPI document, not for the hot path.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.gemini_content.schema import MAX_CANDIDATES, MAX_PARTS


class _Body(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class InlineData(_Body):
    """Data that comes along: a picture, a sound, a film or a document."""

    mime_type: Annotated[
        str,
        Meta(
            description=(
                "What it is. Pictures: png, jpeg, webp, heic, heif. Sounds: wav, mp3, aiff, aac, ogg, flac. Films: mp4, mpeg, mov, webm, "
                "more. Documents: `application/pdf`, `text/plain`."
            ),
            examples=["image/png"],
        ),
    ]
    data: Annotated[str, Meta(description="The data in base64.")]


class LinkedFile(_Body):
    """Data that lies elsewhere."""

    file_uri: Annotated[
        str,
        Meta(
            description="An address: of a file at the vendor, a YouTube film, `gs://`, or public https.", examples=["https://youtu.be/9hE5"]
        ),
    ]
    mime_type: Annotated[str | None, Meta(description="What it is.", examples=["video/mp4"])] = None


class CallOfFunction(_Body):
    """A call the model wants made."""

    name: Annotated[str, Meta(description="The function.", examples=["get_weather"])]
    args: Annotated[dict[str, Json] | None, Meta(description="The arguments, an object.", examples=[{"city": "Paris"}])] = None
    id: Annotated[str | None, Meta(description="Names the call, where the model gives one; its result repeats it.")] = None


class ResultOfFunction(_Body):
    """The result of a call."""

    name: Annotated[str, Meta(description="The function.", examples=["get_weather"])]
    response: Annotated[dict[str, Json], Meta(description="The result, an object.", examples=[{"result": "18 °C"}])]
    id: Annotated[str | None, Meta(description="The call's `id`, if it had one.")] = None
    parts: Annotated[list[Json] | None, Meta(description="Pictures and documents of the result: `inlineData` parts.")] = None


class CodeToRun(_Body):
    """Code the vendor ran."""

    language: Annotated[str, Meta(description="The language.", examples=["PYTHON"])]
    code: Annotated[str, Meta(description="The code.")]


class ResultOfCode(_Body):
    """What the code said."""

    outcome: Annotated[Literal["OUTCOME_OK", "OUTCOME_FAILED", "OUTCOME_DEADLINE_EXCEEDED"], Meta(description="How it ended.")]
    output: Annotated[str | None, Meta(description="What it wrote.")] = None


class VideoMetadata(_Body):
    """Which part of a film is looked at."""

    start_offset: Annotated[str | None, Meta(description="From here.", examples=["10s"])] = None
    end_offset: Annotated[str | None, Meta(description="Up to here.", examples=["25s"])] = None
    fps: Annotated[float | None, Meta(description="Pictures looked at in a second.", examples=[1])] = None


class ContentPiece(_Body):
    """One part: exactly one of the first seven fields, and what modifies it."""

    text: Annotated[str | None, Meta(description="Words.", examples=["What is this?"])] = None
    inline_data: Annotated[InlineData | None, Meta(description="Data that comes along.")] = None
    file_data: Annotated[LinkedFile | None, Meta(description="Data that lies elsewhere.")] = None
    function_call: Annotated[CallOfFunction | None, Meta(description="A call the model wants made, in a `model` turn.")] = None
    function_response: Annotated[
        ResultOfFunction | None, Meta(description="The result of a call, in a `user` turn; parallel calls' in one turn, in their order.")
    ] = None
    executable_code: Annotated[CodeToRun | None, Meta(description="Code the vendor ran, in a `model` turn.")] = None
    code_execution_result: Annotated[ResultOfCode | None, Meta(description="What the code said, in a `model` turn.")] = None
    thought: Annotated[bool | None, Meta(description="The part is a thought.")] = None
    thought_signature: Annotated[
        str | None, Meta(description="The vendor's seal of its thoughts; send it back unchanged, in the same part.")
    ] = None
    video_metadata: Annotated[VideoMetadata | None, Meta(description="Of a film: which part of it is looked at.")] = None


class ConversationTurn(_Body):
    """One turn."""

    parts: Annotated[list[ContentPiece], Meta(description="What is said, part by part.", min_length=1, max_length=MAX_PARTS)]
    role: Annotated[
        Literal["user", "model", "function"], Meta(description="Who speaks; `function` is the older form of `user` for results.")
    ] = "user"


class FunctionDeclaration(_Body):
    """A function the model may call."""

    name: Annotated[
        str,
        Meta(description="Begins with a letter or `_`; letters, digits and `_.:-`, up to 128.", max_length=128, examples=["get_weather"]),
    ]
    description: Annotated[str | None, Meta(description="When and how to use it.", examples=["The weather in a city."])] = None
    parameters: Annotated[
        dict[str, Json] | None,
        Meta(
            description="The arguments as an OpenAPI schema with upper-case types; left out, it takes none.",
            examples=[{"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]}],
        ),
    ] = None
    parameters_json_schema: Annotated[
        dict[str, Json] | None, Meta(description="The arguments as a JSON Schema, in place of `parameters`.")
    ] = None


class GeminiTool(_Body):
    """Functions of yours, or one of the vendor's tools, which only Gemini has."""

    function_declarations: Annotated[list[FunctionDeclaration] | None, Meta(description="Functions of yours.")] = None
    google_search: Annotated[
        dict[str, Json] | None, Meta(description="An empty object: the vendor searches the web first.", examples=[{}])
    ] = None
    code_execution: Annotated[
        dict[str, Json] | None, Meta(description="An empty object: the vendor runs code the model writes.", examples=[{}])
    ] = None
    url_context: Annotated[
        dict[str, Json] | None, Meta(description="An empty object: the vendor reads addresses in the prompt.", examples=[{}])
    ] = None
    google_maps: Annotated[dict[str, Json] | None, Meta(description="An empty object: the vendor looks places up.", examples=[{}])] = None


class FunctionCallingConfig(_Body):
    """Whether functions may or must be called."""

    mode: Annotated[
        Literal["AUTO", "ANY", "NONE", "VALIDATED"],
        Meta(description="`ANY`: one has to be called; `VALIDATED`: as `AUTO`, arguments follow the schema.", examples=["AUTO"]),
    ] = "AUTO"
    allowed_function_names: Annotated[
        list[str] | None, Meta(description="With `ANY` and `VALIDATED`: only these.", examples=[["get_weather"]])
    ] = None


class ToolConfig(_Body):
    """Settings of the tools."""

    function_calling_config: Annotated[FunctionCallingConfig | None, Meta(description="Whether functions may or must be called.")] = None


class SafetySetting(_Body):
    """What the vendor withholds in one category."""

    category: Annotated[
        str,
        Meta(
            description=(
                "`HARM_CATEGORY_HARASSMENT`, `HARM_CATEGORY_HATE_SPEECH`, `HARM_CATEGORY_SEXUALLY_EXPLICIT`, "
                "`HARM_CATEGORY_DANGEROUS_CONTENT` or `HARM_CATEGORY_CIVIC_INTEGRITY`; each once."
            ),
            examples=["HARM_CATEGORY_HARASSMENT"],
        ),
    ]
    threshold: Annotated[
        Literal["BLOCK_LOW_AND_ABOVE", "BLOCK_MEDIUM_AND_ABOVE", "BLOCK_ONLY_HIGH", "BLOCK_NONE", "OFF"],
        Meta(description="From how likely harm on.", examples=["BLOCK_ONLY_HIGH"]),
    ]


class ThinkingConfig(_Body):
    """How much the model thinks."""

    include_thoughts: Annotated[bool | None, Meta(description="Show the thoughts, as parts with `thought`.")] = None
    thinking_budget: Annotated[
        int | None,
        Meta(description="Gemini 2.5: bound on the thoughts in tokens; 0 for none (not Pro), -1 as the model sees fit.", examples=[1024]),
    ] = None
    thinking_level: Annotated[
        Literal["MINIMAL", "LOW", "MEDIUM", "HIGH"] | None,
        Meta(description="Gemini 3: how much; not beside `thinkingBudget`.", examples=["LOW"]),
    ] = None


class ImageConfig(_Body):
    """What pictures are like."""

    aspect_ratio: Annotated[
        Literal["1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"] | None,
        Meta(description="Width to height.", examples=["16:9"]),
    ] = None
    image_size: Annotated[Literal["1K", "2K", "4K"] | None, Meta(description="How large.", examples=["1K"])] = None


class GenerationConfig(_Body):
    """How the answer is made."""

    temperature: (
        Annotated[float, Meta(ge=0, le=2, description="Higher is more varied, 0 nearly always the same.", examples=[0.7])] | None
    ) = None
    top_p: (
        Annotated[
            float, Meta(ge=0, le=1, description="Draw only from the likeliest tokens that together have this probability.", examples=[0.9])
        ]
        | None
    ) = None
    top_k: Annotated[int | None, Meta(description="Draw only from so many likeliest tokens.", examples=[40])] = None
    candidate_count: (
        Annotated[int, Meta(ge=1, le=MAX_CANDIDATES, description="How many answers; many models make only 1.", examples=[1])] | None
    ) = 1
    max_output_tokens: (
        Annotated[int, Meta(ge=1, description="Bound on each answer's tokens, thoughts included.", examples=[1000])] | None
    ) = None
    stop_sequences: (
        Annotated[list[str], Meta(max_length=5, description="The answer ends before any of these texts.", examples=[["END"]])] | None
    ) = None
    response_mime_type: Annotated[
        Literal["text/plain", "application/json", "text/x.enum"] | None,
        Meta(description="The form of the answer: text, JSON, or one word of an enum.", examples=["application/json"]),
    ] = None
    response_schema: Annotated[
        dict[str, Json] | None,
        Meta(
            description="With JSON or an enum: an OpenAPI schema with upper-case types.",
            examples=[{"type": "OBJECT", "properties": {"text": {"type": "STRING"}}}],
        ),
    ] = None
    response_json_schema: Annotated[dict[str, Json] | None, Meta(description="With JSON: a JSON Schema, in place of `responseSchema`.")] = (
        None
    )
    presence_penalty: Annotated[
        float | None, Meta(description="Above 0 it repeats fewer of the tokens already used; not all models.", examples=[0.5])
    ] = None
    frequency_penalty: Annotated[
        float | None, Meta(description="Above 0 it repeats a token less the more often it was used; not all models.", examples=[0.5])
    ] = None
    response_logprobs: Annotated[bool | None, Meta(description="Tell the log probability of every token.")] = None
    logprobs: (
        Annotated[int, Meta(ge=0, le=20, description="So many likeliest alternatives beside each; needs `responseLogprobs`.", examples=[3])]
        | None
    ) = None
    seed: Annotated[int | None, Meta(description="Same seed, same request: the same answer, as far as the model can.", examples=[7])] = None
    response_modalities: Annotated[
        list[Literal["TEXT", "IMAGE", "AUDIO"]] | None,
        Meta(description="What the answer is made of; image models answer in text and pictures.", examples=[["TEXT", "IMAGE"]]),
    ] = None
    speech_config: Annotated[
        dict[str, Json] | None,
        Meta(
            description="With `AUDIO`: the voice, or with `multiSpeakerVoiceConfig` those of two speakers.",
            examples=[{"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}],
        ),
    ] = None
    image_config: Annotated[ImageConfig | None, Meta(description="With `IMAGE`: what pictures are like.")] = None
    thinking_config: Annotated[ThinkingConfig | None, Meta(description="How much the model thinks.")] = None
    media_resolution: Annotated[
        Literal["MEDIA_RESOLUTION_LOW", "MEDIA_RESOLUTION_MEDIUM", "MEDIA_RESOLUTION_HIGH"] | None,
        Meta(description="How closely pictures and films are looked at.", examples=["MEDIA_RESOLUTION_LOW"]),
    ] = None

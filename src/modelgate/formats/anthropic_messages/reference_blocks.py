"""What stands inside a message or its answer, as documented to readers: content blocks, tools, options.

Source: the Anthropic API reference, read 2026-11. Types for the OpenAPI document, not for the hot path.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

ToolName = Annotated[str, Meta(pattern="^[a-zA-Z0-9_-]{1,64}$", description="Letters, digits, `_` and `-`.", examples=["get_weather"])]


class CacheMark(msgspec.Struct, frozen=True, kw_only=True):
    """Caches the prompt up to here: tools, then system, then messages. At most four marks in a request."""

    type: Annotated[Literal["ephemeral"], Meta(description="Always `ephemeral`.")] = msgspec.field(default="ephemeral")
    ttl: Annotated[
        Literal["5m", "1h"] | None, Meta(description="How long it is kept, `5m` when left out; `1h` costs more to write.", examples=["5m"])
    ] = None


class BlockSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a picture or a document is; `type` tells which other fields count."""

    type: Annotated[
        Literal["base64", "url", "text", "content", "file"],
        Meta(
            description="`base64` and `text` carry the data, `url` the address, `content` blocks of a document; `file`: an uploaded one.",
            examples=["base64"],
        ),
    ]
    media_type: Annotated[
        str | None,
        Meta(
            description=(
                "With `base64`: `image/jpeg`, `image/png`, `image/gif`, `image/webp` or `application/pdf`; it has to be true. "
                "With `text`: `text/plain`."
            ),
            examples=["image/png"],
        ),
    ] = None
    data: Annotated[
        str | None, Meta(description="With `base64`: the data, without `data:` before it; a picture up to 5 MB. With `text`: the text.")
    ] = None
    url: Annotated[str | None, Meta(description="With `url`: the address.", examples=["https://example.com/cat.png"])] = None
    content: Annotated[str | list[Json] | None, Meta(description="With `content`: text, or `text` and `image` blocks.")] = None
    file_id: Annotated[str | None, Meta(description="With `file`: id of a file uploaded at the vendor.")] = None


class InputBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A content block of a request; `type` tells which other fields count."""

    type: Annotated[
        Literal["text", "image", "document", "search_result", "tool_use", "tool_result", "thinking", "redacted_thinking"],
        Meta(
            description=(
                "Kind of the block. `tool_use`, `thinking` and `redacted_thinking` only of the `assistant`, as they came; `tool_result` "
                "only of the `user`, before anything else in the turn. Blocks of the vendor's own tools go back as they came."
            ),
            examples=["text"],
        ),
    ]
    text: Annotated[str | None, Meta(description="With `text`, required and not empty: the words.", examples=["What is this?"])] = None
    source: Annotated[
        BlockSource | str | None,
        Meta(description="With `image` and `document`, required: where it is. With `search_result`: a string, where it was found."),
    ] = None
    title: Annotated[str | None, Meta(description="With `document` and `search_result`: its title.")] = None
    context: Annotated[str | None, Meta(description="With `document`: what the model should know of it; never cited.")] = None
    citations: Annotated[
        dict[str, Json] | None, Meta(description='With `document` and `search_result`: `{"enabled": true}` lets the answer cite it.')
    ] = None
    id: Annotated[str | None, Meta(description="With `tool_use`, required: names the call.", examples=["toolu_8dQ2"])] = None
    name: Annotated[str | None, Meta(description="With `tool_use`, required: the tool.", examples=["get_weather"])] = None
    input: Annotated[
        dict[str, Json] | None, Meta(description="With `tool_use`, required: the arguments, an object.", examples=[{"city": "Paris"}])
    ] = None
    tool_use_id: Annotated[
        str | None,
        Meta(
            description="With `tool_result`, required: the call this answers. Every call is answered in the next turn.",
            examples=["toolu_8dQ2"],
        ),
    ] = None
    content: Annotated[
        str | list[Json] | None,
        Meta(description="With `tool_result`: text, or `text`, `image` and `document` blocks. With `search_result`: `text` blocks."),
    ] = None
    is_error: Annotated[bool | None, Meta(description="With `tool_result`: the call failed.")] = None
    thinking: Annotated[str | None, Meta(description="With `thinking`: the thoughts, unchanged.")] = None
    signature: Annotated[str | None, Meta(description="With `thinking`: their seal, unchanged.")] = None
    data: Annotated[str | None, Meta(description="With `redacted_thinking`: the sealed thoughts, unchanged.")] = None
    cache_control: Annotated[CacheMark | None, Meta(description="Caches the prompt up to this block.")] = None


class SystemBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of the instructions."""

    type: Annotated[Literal["text"], Meta(description="Always `text`.")]
    text: Annotated[str, Meta(description="The words; not empty.", examples=["You answer in one word."])]
    cache_control: Annotated[CacheMark | None, Meta(description="Caches the prompt up to this block.")] = None


class MessageTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool of yours, or one that the vendor runs itself: those have a dated `type` and fields of their own, which pass to Claude only."""

    name: ToolName
    input_schema: Annotated[
        dict[str, Json] | None,
        Meta(
            description="Required of your own tools: the arguments as a JSON Schema of type `object`.",
            examples=[{"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}],
        ),
    ] = None
    description: Annotated[str | None, Meta(description="When and how to use it.", examples=["The weather in a city."])] = None
    type: Annotated[
        str | None, Meta(description="`custom` or nothing: your own. Else the vendor's, as `web_search_20250305`.", examples=["custom"])
    ] = msgspec.field(default=None)
    strict: Annotated[bool | None, Meta(description="Arguments follow the schema exactly.")] = None
    cache_control: Annotated[CacheMark | None, Meta(description="Caches the tools up to this one.")] = None
    max_uses: Annotated[int | None, Meta(description="Of `web_search`: how often at most.", examples=[3])] = None
    allowed_domains: Annotated[list[str] | None, Meta(description="Of `web_search`: only there.", examples=[["example.com"]])] = None
    blocked_domains: Annotated[list[str] | None, Meta(description="Of `web_search`: not there.", examples=[["example.org"]])] = None
    user_location: Annotated[
        dict[str, Json] | None,
        Meta(
            description="Of `web_search`: where the reader is.",
            examples=[{"type": "approximate", "country": "FR", "city": "Paris"}],
        ),
    ] = None


class MessageToolChoice(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a tool is called, or which."""

    type: Annotated[
        Literal["auto", "any", "none", "tool"],
        Meta(description="`auto`: as the model sees fit; `any`: one of them; `none`; `tool`: the one named.", examples=["auto"]),
    ]
    name: Annotated[str | None, Meta(description="With `tool`, required: the tool.", examples=["get_weather"])] = None
    disable_parallel_tool_use: Annotated[bool | None, Meta(description="At most one call in an answer.")] = False


class ThinkingSetting(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the model thinks before it answers."""

    type: Annotated[
        Literal["enabled", "adaptive", "disabled"],
        Meta(description="`enabled` thinks within `budget_tokens`, `adaptive` as much as the model sees fit.", examples=["enabled"]),
    ]
    budget_tokens: (
        Annotated[int, Meta(ge=1024, description="With `enabled`, required: bound on the thoughts, below `max_tokens`.", examples=[2048])]
        | None
    ) = None
    display: Annotated[
        Literal["summarized", "omitted"] | None, Meta(description="Whether the thoughts are shown, as a summary.", examples=["summarized"])
    ] = None


class OutputSchema(msgspec.Struct, frozen=True, kw_only=True):
    """JSON by a schema."""

    type: Annotated[Literal["json_schema"], Meta(description="Always `json_schema`.")]
    schema: Annotated[
        dict[str, Json],
        Meta(
            description="A JSON Schema whose root is an object, with `additionalProperties: false`.",
            examples=[{"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}],
        ),
    ]


class OutputConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How the answer is made."""

    effort: Annotated[
        Literal["low", "medium", "high", "xhigh", "max"] | None,
        Meta(description="How much work goes into the answer; which words depends on the model.", examples=["low"]),
    ] = None
    format: Annotated[OutputSchema | None, Meta(description="The answer is JSON by this schema.")] = None


class MessageMetadata(msgspec.Struct, frozen=True, kw_only=True):
    """About the request."""

    user_id: Annotated[str | None, Meta(description="An opaque id of who asks; no name or address.", examples=["u-81"])] = None


class Citation(msgspec.Struct, frozen=True, kw_only=True):
    """A place the answer leans on; `type` tells which other fields count."""

    type: Annotated[
        Literal["char_location", "page_location", "content_block_location", "web_search_result_location", "search_result_location"],
        Meta(description="What the place is counted in, or where it was found."),
    ]
    cited_text: Annotated[str, Meta(description="The words cited.")]
    document_index: Annotated[int | None, Meta(description="Number of the document in the request, from 0.")] = None
    document_title: Annotated[str | None, Meta(description="Title of the document.")] = None
    start_char_index: Annotated[int | None, Meta(description="With `char_location`: the first character.")] = None
    end_char_index: Annotated[int | None, Meta(description="With `char_location`: the character after the last.")] = None
    start_page_number: Annotated[int | None, Meta(description="With `page_location`: the first page, from 1.")] = None
    end_page_number: Annotated[int | None, Meta(description="With `page_location`: the page after the last.")] = None
    start_block_index: Annotated[int | None, Meta(description="With `content_block_location` and `search_result_location`.")] = None
    end_block_index: Annotated[int | None, Meta(description="The block after the last.")] = None
    url: Annotated[str | None, Meta(description="With `web_search_result_location`: the page's address.")] = None
    title: Annotated[str | None, Meta(description="With the two kinds of search: the title.")] = None
    source: Annotated[str | None, Meta(description="With `search_result_location`: where it was found.")] = None
    search_result_index: Annotated[int | None, Meta(description="With `search_result_location`: number of the result, from 0.")] = None


class OutputBlock(msgspec.Struct, frozen=True, kw_only=True):
    """A content block of an answer; `type` tells which other fields count. The vendor's own tools have more kinds."""

    type: Annotated[
        Literal["text", "thinking", "redacted_thinking", "tool_use", "server_tool_use", "web_search_tool_result"],
        Meta(description="Kind of the block.", examples=["text"]),
    ]
    text: Annotated[str | None, Meta(description="With `text`: the words.", examples=["Hello!"])] = None
    citations: Annotated[list[Citation] | None, Meta(description="With `text`: what it leans on.")] = None
    thinking: Annotated[str | None, Meta(description="With `thinking`: the thoughts.")] = None
    signature: Annotated[str | None, Meta(description="With `thinking`: their seal; send both back unchanged.")] = None
    data: Annotated[str | None, Meta(description="With `redacted_thinking`: the sealed thoughts; send them back unchanged.")] = None
    id: Annotated[str | None, Meta(description="With `tool_use`: names the call; its result repeats it as `tool_use_id`.")] = None
    name: Annotated[str | None, Meta(description="With `tool_use`: the tool.")] = None
    input: Annotated[
        dict[str, Json] | None, Meta(description="With `tool_use`: the arguments, an object.", examples=[{"city": "Paris"}])
    ] = None
    tool_use_id: Annotated[str | None, Meta(description="With `web_search_tool_result`: the search.")] = None
    content: Annotated[Json, Meta(description="With `web_search_tool_result`: what was found, or the error.")] = None

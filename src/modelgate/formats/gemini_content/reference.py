"""The dialect as documented to readers: types for the OpenAPI document, not for the hot path, which looks at less.

Source: ai.google.dev/api/generate-content, read 2026-11.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from modelgate.core.records import Json
from modelgate.formats.gemini_content.reference_parts import (
    ContentPiece,
    ConversationTurn,
    GeminiTool,
    GenerationConfig,
    SafetySetting,
    ToolConfig,
)
from modelgate.formats.gemini_content.schema import MAX_PARTS


class _Body(msgspec.Struct, kw_only=True, omit_defaults=True, rename="camel"):
    pass


class GenerateContentRequest(_Body):
    """A request to generate. Names may be in camelCase or snake_case; fields that are not listed travel on as they are."""

    contents: Annotated[
        list[ConversationTurn],
        Meta(
            description="The conversation so far.",
            min_length=1,
            max_length=MAX_PARTS,
            examples=[[{"role": "user", "parts": [{"text": "Say hello."}]}]],
        ),
    ]
    system_instruction: Annotated[
        ConversationTurn | None,
        Meta(description="What the model shall be: text parts; the role does not matter.", examples=[{"parts": [{"text": "Be brief."}]}]),
    ] = None
    tools: Annotated[list[GeminiTool] | None, Meta(description="What the model may call, and what the vendor does for it.")] = None
    tool_config: Annotated[ToolConfig | None, Meta(description="Whether functions may or must be called.")] = None
    safety_settings: Annotated[
        list[SafetySetting] | None, Meta(description="What the vendor withholds, by category; only where Gemini answers.")
    ] = None
    generation_config: Annotated[GenerationConfig | None, Meta(description="How the answer is made.")] = None
    cached_content: Annotated[
        str | None, Meta(description="Name of a content cached at the vendor; only where Gemini answers.", examples=["cachedContents/8dQ2"])
    ] = None


class ModalityTokenCount(_Body):
    """Tokens of one kind."""

    modality: Annotated[str, Meta(description="`TEXT`, `IMAGE`, `AUDIO`, `VIDEO` or `DOCUMENT`.", examples=["TEXT"])]
    token_count: Annotated[int, Meta(description="How many.", examples=[4])] = 0


class UsageCounts(_Body):
    """Counts in tokens. The candidates' leave thoughts out."""

    prompt_token_count: Annotated[int, Meta(description="All input, cached or not.", examples=[4])]
    candidates_token_count: Annotated[int, Meta(description="Output without thoughts.", examples=[2])]
    total_token_count: Annotated[int, Meta(description="The sum of all.", examples=[36])]
    thoughts_token_count: Annotated[int | None, Meta(description="Thoughts; they cost as output.", examples=[30])] = None
    cached_content_token_count: Annotated[int | None, Meta(description="Input read from the cache.")] = None
    tool_use_prompt_token_count: Annotated[int | None, Meta(description="Input that the vendor's tools added.")] = None
    prompt_tokens_details: Annotated[list[ModalityTokenCount] | None, Meta(description="Input by kind.")] = None
    candidates_tokens_details: Annotated[list[ModalityTokenCount] | None, Meta(description="Output by kind.")] = None


class GroundingPage(_Body):
    """A page."""

    uri: Annotated[str | None, Meta(description="Its address.")] = None
    title: Annotated[str | None, Meta(description="Its title.")] = None


class GroundingSource(_Body):
    """Something the answer leans on."""

    web: Annotated[GroundingPage | None, Meta(description="A page on the web.")] = None


class GroundedSegment(_Body):
    """A piece of the answer; offsets are in bytes of UTF-8."""

    start_index: Annotated[int | None, Meta(description="The first byte, 0 when left out.")] = None
    end_index: Annotated[int | None, Meta(description="The byte after the last.")] = None
    text: Annotated[str | None, Meta(description="The words.")] = None
    part_index: Annotated[int | None, Meta(description="Number of the part, 0 when left out.")] = None


class GroundingLink(_Body):
    """Which piece leans on which pages."""

    segment: Annotated[GroundedSegment | None, Meta(description="The piece.")] = None
    grounding_chunk_indices: Annotated[list[int] | None, Meta(description="Numbers of its pages in `groundingChunks`.")] = None
    confidence_scores: Annotated[list[float] | None, Meta(description="How sure the vendor is of each, 0 to 1.")] = None


class SearchEntryPoint(_Body):
    """The vendor's own widget of a search."""

    rendered_content: Annotated[str | None, Meta(description="HTML to be shown beside the answer.")] = None


class Grounding(_Body):
    """What a search found."""

    web_search_queries: Annotated[list[str] | None, Meta(description="What was searched for.")] = None
    search_entry_point: Annotated[SearchEntryPoint | None, Meta(description="The vendor's own widget of it.")] = None
    grounding_chunks: Annotated[list[GroundingSource] | None, Meta(description="What was found.")] = None
    grounding_supports: Annotated[list[GroundingLink] | None, Meta(description="Which piece of the answer leans on what.")] = None


class AnsweredTurn(_Body):
    """The answer as a turn; send it back as it is to go on with the conversation."""

    parts: Annotated[list[ContentPiece] | None, Meta(description="The answer, part by part; in a stream a piece of it.")] = None
    role: Annotated[Literal["model"], Meta(description="Always `model`.")] = "model"


class CandidateAnswer(_Body):
    """One of the answers."""

    content: Annotated[AnsweredTurn | None, Meta(description="The answer; missing when all was withheld.")] = None
    finish_reason: Annotated[
        str | None,
        Meta(
            description=(
                "Why it ended: `STOP` (calls too), `MAX_TOKENS`, `SAFETY`, `RECITATION`, `PROHIBITED_CONTENT`, `MALFORMED_FUNCTION_CALL`, "
                "`IMAGE_SAFETY` and others. Missing in a stream until the end."
            ),
            examples=["STOP"],
        ),
    ] = None
    index: Annotated[int, Meta(description="Number of the answer, from 0.")] = 0
    grounding_metadata: Annotated[Grounding | None, Meta(description="What a search found.")] = None
    logprobs_result: Annotated[
        dict[str, Json] | None,
        Meta(description="When `responseLogprobs` was asked for: `chosenCandidates` and `topCandidates`, token by token."),
    ] = None


class PromptFeedback(_Body):
    """Why there is no answer."""

    block_reason: Annotated[
        str | None,
        Meta(description="`SAFETY`, `BLOCKLIST`, `PROHIBITED_CONTENT`, `IMAGE_SAFETY` or `OTHER`.", examples=["SAFETY"]),
    ] = None


class GenerateContentResponse(_Body):
    """An answer, or one chunk of a streamed one. A refused prompt has no candidates but `promptFeedback`."""

    candidates: Annotated[list[CandidateAnswer] | None, Meta(description="The answers.")] = None
    prompt_feedback: Annotated[PromptFeedback | None, Meta(description="When the prompt was refused: why.")] = None
    usage_metadata: Annotated[UsageCounts | None, Meta(description="Counts in tokens; in a stream those so far.")] = None
    model_version: Annotated[str | None, Meta(description="Name of the model that answered.", examples=["gemini-2.5-flash"])] = None
    response_id: Annotated[str | None, Meta(description="Id of the answer.", examples=["resp-9f2c"])] = None


class CountedRequest(GenerateContentRequest):
    """A whole request to be counted."""

    model: Annotated[
        str | None, Meta(description="As in the path, with `models/` before it; may be left out.", examples=["models/gemini-2.5-flash"])
    ] = None


class CountTokensRequest(_Body):
    """The conversation, or the whole request, to be counted."""

    contents: Annotated[
        list[ConversationTurn] | None,
        Meta(description="The conversation.", examples=[[{"role": "user", "parts": [{"text": "Say hello."}]}]]),
    ] = None
    generate_content_request: Annotated[CountedRequest | None, Meta(description="The whole request, in place of `contents`.")] = None


class CountTokensResponse(_Body):
    """The count."""

    total_tokens: Annotated[int, Meta(description="All input.", examples=[31])]
    prompt_tokens_details: Annotated[list[ModalityTokenCount] | None, Meta(description="Input by kind.")] = None


class ErrorInside(_Body):
    """What went wrong."""

    code: Annotated[int, Meta(description="The HTTP status.", examples=[400])]
    message: Annotated[
        str, Meta(description="One sentence for people.", examples=["* GenerateContentRequest.contents: contents is not specified"])
    ]
    status: Annotated[
        str,
        Meta(
            description=(
                "Class of the error: `INVALID_ARGUMENT`, `UNAUTHENTICATED`, `PERMISSION_DENIED`, `NOT_FOUND`, `RESOURCE_EXHAUSTED`, "
                "`INTERNAL`, `UNAVAILABLE`, `DEADLINE_EXCEEDED` and others."
            ),
            examples=["INVALID_ARGUMENT"],
        ),
    ]
    details: Annotated[
        list[dict[str, Json]] | None,
        Meta(
            description="More for programs, each with an `@type`: when to try again, why a key is not valid.",
            examples=[[{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34s"}]],
        ),
    ] = None


class ErrorAnswer(_Body):
    """Every failure, with its HTTP status."""

    error: Annotated[ErrorInside, Meta(description="What went wrong.")]

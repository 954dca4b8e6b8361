"""The bodies of the dialect as types: what is looked at. Unknown fields are skipped.

Everything is optional: protobuf leaves out what is zero, and so do imitators. One message where a list belongs is taken as a list of one,
as Google's servers do.
"""

from typing import Annotated, TypeGuard, TypeVar, cast

import msgspec
from msgspec import Meta

from modelgate.core.records import Json

MAX_CANDIDATES = 8
MAX_PARTS = 4096
"""Parts of one content, and contents of one request: vendors stop long before."""
T = TypeVar("T")


NOTHING = msgspec.Raw(b"")
"""A field that was not said."""


def is_said(raw: msgspec.Raw) -> bool:
    """Return whether a field holds more than nothing."""
    return bytes(raw) not in (b"", b"null")


def as_list(value: list[T] | T | None) -> list[T]:
    """Return a repeated field's values."""
    if value is None:
        return []
    return cast("list[T]", value) if isinstance(value, list) else [value]


def is_object(value: Json) -> TypeGuard[dict[str, Json]]:
    """Return whether opaque JSON is an object."""
    return isinstance(value, dict)


def is_list(value: Json) -> TypeGuard[list[Json]]:
    """Return whether opaque JSON is a list."""
    return isinstance(value, list)


def object_of(value: Json) -> dict[str, Json]:
    """Return opaque JSON if it is an object, else an empty one."""
    return value if is_object(value) else {}


def list_of(value: Json) -> list[Json]:
    """Return opaque JSON if it is a list, else an empty one."""
    return value if is_list(value) else []


class _Body(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    pass


class Blob(_Body):
    mime_type: str | None = None
    data: str | None = None
    display_name: str | None = None


class FileData(_Body):
    file_uri: str
    mime_type: str | None = None
    display_name: str | None = None


class FunctionCall(_Body):
    id: str | None = None
    name: str | None = None
    args: msgspec.Raw = NOTHING


class ResultPart(_Body):
    inline_data: Blob | None = None
    file_data: FileData | None = None


class FunctionResponse(_Body):
    id: str | None = None
    name: str | None = None
    response: msgspec.Raw = NOTHING
    parts: list[ResultPart] | None = None


class ExecutableCode(_Body):
    language: str | None = None
    code: str | None = None


class CodeExecutionResult(_Body):
    outcome: str | None = None
    output: str | None = None


class Part(_Body):
    """One of the first group, and what modifies it."""

    text: str | None = None
    inline_data: Blob | None = None
    file_data: FileData | None = None
    function_call: FunctionCall | None = None
    function_response: FunctionResponse | None = None
    executable_code: ExecutableCode | None = None
    code_execution_result: CodeExecutionResult | None = None
    tool_call: msgspec.Raw = NOTHING
    tool_response: msgspec.Raw = NOTHING
    thought: bool | None = None
    thought_signature: str | None = None
    video_metadata: msgspec.Raw = NOTHING
    media_resolution: msgspec.Raw = NOTHING


class Content(_Body):
    role: str | None = None
    parts: Annotated[list[Part], Meta(max_length=MAX_PARTS)] | Part | None = None


class FunctionDeclaration(_Body):
    name: str
    description: str | None = None
    parameters: Json = None
    parameters_json_schema: Json = None
    behavior: str | None = None


class FunctionCallingConfig(_Body):
    mode: str | None = None
    allowed_function_names: list[str] | None = None


class ToolConfig(_Body):
    function_calling_config: FunctionCallingConfig | None = None
    retrieval_config: msgspec.Raw = NOTHING


class ThinkingConfig(_Body):
    include_thoughts: bool | None = None
    thinking_budget: int | None = None
    thinking_level: str | None = None


class ImageConfig(_Body):
    aspect_ratio: str | None = None
    image_size: str | None = None


class GenerationConfig(_Body):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    candidate_count: int | None = None
    max_output_tokens: int | None = None
    stop_sequences: list[str] | None = None
    response_mime_type: str | None = None
    response_schema: Json = None
    response_json_schema: Json = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    response_logprobs: bool | None = None
    logprobs: int | None = None
    seed: int | None = None
    response_modalities: list[str] | None = None
    speech_config: Json = None
    image_config: ImageConfig | None = None
    thinking_config: ThinkingConfig | None = None


class Request(_Body):
    contents: Annotated[list[Content], Meta(max_length=MAX_PARTS)] | Content | None = None
    system_instruction: Content | str | None = None
    tools: list[dict[str, msgspec.Raw]] | dict[str, msgspec.Raw] | None = None
    tool_config: ToolConfig | None = None
    safety_settings: list[dict[str, str]] | None = None
    generation_config: GenerationConfig | None = None
    cached_content: str | None = None
    service_tier: str | None = None
    model: str | None = None


class ModalityCount(_Body):
    modality: str | None = None
    token_count: int | None = None


class UsageMetadata(_Body):
    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    total_token_count: int | None = None
    cached_content_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    prompt_tokens_details: list[ModalityCount] | None = None
    candidates_tokens_details: list[ModalityCount] | None = None
    tool_use_prompt_tokens_details: list[ModalityCount] | None = None


class Web(_Body):
    uri: str | None = None
    title: str | None = None


class GroundingChunk(_Body):
    web: Web | None = None
    maps: Web | None = None
    retrieved_context: Web | None = None


class Segment(_Body):
    """Offsets in bytes of UTF-8, within the part `part_index`."""

    part_index: int | None = None
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class GroundingSupport(_Body):
    segment: Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class GroundingMetadata(_Body):
    grounding_chunks: list[GroundingChunk] | None = None
    grounding_supports: list[GroundingSupport] | None = None
    web_search_queries: list[str] | None = None


class LogprobsCandidate(_Body):
    token: str | None = None
    token_id: int | None = None
    log_probability: float | None = None


class TopCandidates(_Body):
    candidates: list[LogprobsCandidate] | None = None


class LogprobsResult(_Body):
    top_candidates: list[TopCandidates] | None = None
    chosen_candidates: list[LogprobsCandidate] | None = None


class Candidate(_Body):
    content: Content | None = None
    finish_reason: str | None = None
    index: int | None = None
    grounding_metadata: GroundingMetadata | None = None
    logprobs_result: LogprobsResult | None = None


class PromptFeedback(_Body):
    block_reason: str | None = None


class Answer(_Body):
    """A whole answer, or one chunk of a streamed one. `error` stands alone."""

    candidates: list[Candidate] | None = None
    prompt_feedback: PromptFeedback | None = None
    usage_metadata: msgspec.Raw = NOTHING
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = NOTHING

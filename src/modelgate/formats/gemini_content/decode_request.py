"""A client's request in neutral words."""

import msgspec

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HttpRequest
from modelgate.core.records import Json
from modelgate.formats.chat.request import AudioOutput, ChatRequest, OutputFormat, Reasoning, Text
from modelgate.formats.gemini_content.casing import camel_case
from modelgate.formats.gemini_content.decode_contents import Conversation
from modelgate.formats.gemini_content.peek import RequestPeek, say_invalid
from modelgate.formats.gemini_content.schema import Content, GenerationConfig, Request, ThinkingConfig, as_list, is_said
from modelgate.formats.gemini_content.schema_subset import to_json_schema
from modelgate.formats.gemini_content.sound import RAW_FORMAT
from modelgate.formats.gemini_content.tools import decode_tool_choice, decode_tools
from modelgate.formats.json_fields import decode_fields

MAX_IGNORED = 32
MAX_FIELD_CHARACTERS = 64
_DYNAMIC_BUDGET = -1

_decoder = msgspec.json.Decoder(Request, strict=False)
_top_level = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _names_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(kind.__struct_encode_fields__)


_REQUEST_FIELDS = _names_of(Request)
_CONFIG_FIELDS = _names_of(GenerationConfig)


def decode_request(request: HttpRequest, peeked: RequestPeek) -> ChatRequest:
    """Return what a request asks for.

    Raises:
        InvalidRequest: a field of the wrong type, or one that means something to Gemini's own servers alone; `param` names it.
    """
    return decode_body(request.body, model=peeked.model, stream=peeked.stream)


def decode_body(body: bytes | bytearray, *, model: str, stream: bool) -> ChatRequest:
    """Return what a body asks for. Raises InvalidRequest as `decode_request` does."""
    plain = camel_case(body)
    asked = decode_fields(_decoder, plain, say=say_invalid)
    if asked.cached_content:
        raise _unsupported("cachedContent", "is kept at Google's servers, and this model is served elsewhere")
    conversation = Conversation()
    for at, content in enumerate(as_list(asked.contents)):
        conversation.add(content, at)
    config = asked.generation_config or GenerationConfig()
    modalities = tuple(name.lower() for name in config.response_modalities or ())
    pictures = config.image_config
    return ChatRequest(
        model=model,
        messages=conversation.messages(),
        system=_system(asked.system_instruction),
        stream=stream,
        max_output_tokens=config.max_output_tokens,
        temperature=config.temperature,
        top_p=config.top_p,
        top_k=config.top_k,
        stop=tuple(config.stop_sequences or ()),
        n=config.candidate_count,
        seed=config.seed,
        presence_penalty=config.presence_penalty,
        frequency_penalty=config.frequency_penalty,
        logprobs=config.response_logprobs,
        top_logprobs=config.logprobs,
        tools=decode_tools(as_list(asked.tools)),
        tool_choice=decode_tool_choice(asked.tool_config),
        output=_output(config),
        reasoning=_reasoning(config.thinking_config),
        modalities=modalities,
        audio=AudioOutput(voice=config.speech_config or {}, format=RAW_FORMAT) if "audio" in modalities else None,
        image_aspect_ratio=(pictures.aspect_ratio or "") if pictures is not None else "",
        image_size=(pictures.image_size or "") if pictures is not None else "",
        service_tier=(asked.service_tier or "").lower(),
        gemini_safety_settings=asked.safety_settings or None,
        ignored=_ignored(plain, asked, conversation),
    )


def _unsupported(param: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"'{param}' {why}.", param=param, code="unsupported_parameter")


def _system(instruction: Content | str | None) -> tuple[Text, ...]:
    if instruction is None:
        return ()
    if isinstance(instruction, str):
        return (Text(text=instruction),) if instruction else ()
    return tuple(Text(text=part.text) for part in as_list(instruction.parts) if part.text)


def _output(config: GenerationConfig) -> OutputFormat | None:
    kind = (config.response_mime_type or "text/plain").lower()
    if kind == "text/plain":
        return None
    if kind != "application/json":
        raise _unsupported("generationConfig.responseMimeType", f"cannot be {kind[:50]!r} for this model: it knows text and JSON")
    schema: Json = config.response_json_schema
    if schema is None and config.response_schema is not None:
        schema = to_json_schema(config.response_schema, param="generationConfig.responseSchema")
    return OutputFormat(kind="json") if schema is None else OutputFormat(kind="schema", name="response", schema=schema)


def _reasoning(config: ThinkingConfig | None) -> Reasoning | None:
    if config is None:
        return None
    show, budget_tokens = config.include_thoughts, config.thinking_budget
    if config.thinking_level:
        return Reasoning(effort=config.thinking_level.lower(), show=show)
    if budget_tokens is None:
        return Reasoning(show=show)
    if budget_tokens <= _DYNAMIC_BUDGET:
        return Reasoning(adaptive=True, show=show)
    return Reasoning(budget_tokens=budget_tokens, show=show) if budget_tokens else Reasoning(effort="none", show=show)


def _ignored(body: bytes | bytearray, asked: Request, conversation: Conversation) -> tuple[str, ...]:
    """Return what was said and has no neutral word, up to a bound."""
    fields = _top_level.decode(body)
    unknown = _unknown(fields, _REQUEST_FIELDS, "")
    if asked.generation_config is not None:
        config = fields["generationConfig"]
        unknown += _unknown(_top_level.decode(config), _CONFIG_FIELDS, "generationConfig.")
    if asked.tool_config is not None and is_said(asked.tool_config.retrieval_config):
        unknown.append("toolConfig.retrievalConfig")
    if asked.generation_config is not None and asked.generation_config.speech_config and not _speaks(asked.generation_config):
        unknown.append("generationConfig.speechConfig")
    return tuple([*unknown, *sorted(conversation.ignored)][:MAX_IGNORED])


def _speaks(config: GenerationConfig) -> bool:
    return any(name.lower() == "audio" for name in config.response_modalities or ())


def _unknown(fields: dict[str, msgspec.Raw], known: frozenset[str], prefix: str) -> list[str]:
    names = [name for name, value in fields.items() if name not in known and bytes(value) != b"null"]
    return [prefix + name for name in names if name.isprintable() and len(name) <= MAX_FIELD_CHARACTERS]

"""The dialect as the gateway finds it."""

from collections.abc import Callable
from typing import cast

from modelgate.core.errors import ModelgateError
from modelgate.core.http import HttpRequest
from modelgate.core.providers import Quirks
from modelgate.core.rates import no_rate_lines
from modelgate.formats.chat.request import ChatRequest
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek, Passed, StateIds, UpstreamAsk, WireFormat, always
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content import decode_request as requests
from modelgate.formats.gemini_content import peek as peeks
from modelgate.formats.gemini_content import tap as taps
from modelgate.formats.gemini_content.decode_response import decode_response
from modelgate.formats.gemini_content.encode_request import encode_request
from modelgate.formats.gemini_content.encode_response import encode_response
from modelgate.formats.gemini_content.errors import decode_error, encode_array_error, encode_error, encode_stream_error
from modelgate.formats.gemini_content.peek import RequestPeek
from modelgate.formats.gemini_content.stream import EventDecoder, EventEncoder

EVENTS_TYPE = b"text/event-stream"
ARRAY_TYPE = b"application/json"

FIELD_NAMES = {
    "messages": "contents",
    "system": "systemInstruction",
    "max_output_tokens": "generationConfig.maxOutputTokens",
    "temperature": "generationConfig.temperature",
    "top_p": "generationConfig.topP",
    "top_k": "generationConfig.topK",
    "stop": "generationConfig.stopSequences",
    "n": "generationConfig.candidateCount",
    "seed": "generationConfig.seed",
    "presence_penalty": "generationConfig.presencePenalty",
    "frequency_penalty": "generationConfig.frequencyPenalty",
    "logprobs": "generationConfig.responseLogprobs",
    "top_logprobs": "generationConfig.logprobs",
    "tool_choice": "toolConfig.functionCallingConfig",
    "output": "generationConfig.responseSchema",
    "reasoning": "generationConfig.thinkingConfig",
    "modalities": "generationConfig.responseModalities",
    "audio": "generationConfig.speechConfig",
    "image_aspect_ratio": "generationConfig.imageConfig.aspectRatio",
    "image_size": "generationConfig.imageConfig.imageSize",
    "web_search": "tools",
    "service_tier": "serviceTier",
    "gemini_safety_settings": "safetySettings",
}


def _decode_request(request: HttpRequest, peeked: ChatPeek) -> ChatRequest:
    return requests.decode_request(request, cast(RequestPeek, peeked))


def _make_encoder(peeked: ChatPeek, head: AnswerHead) -> EventEncoder:
    return EventEncoder(head, is_sse=cast(RequestPeek, peeked).is_sse)


def _stream_error_for(peeked: ChatPeek) -> Callable[[ModelgateError, str], bytes]:
    return encode_stream_error if cast(RequestPeek, peeked).is_sse else encode_array_error


def _stream_type(peeked: ChatPeek) -> bytes:
    return EVENTS_TYPE if cast(RequestPeek, peeked).is_sse else ARRAY_TYPE


def _pass_request(request: HttpRequest, peeked: ChatPeek, upstream_model: str, quirks: Quirks, state_ids: StateIds) -> UpstreamAsk:
    return peeks.pass_request(request, cast(RequestPeek, peeked), upstream_model, quirks, state_ids)


def _pass_response(body: bytes | bytearray, peeked: ChatPeek, renamed: bool, state_ids: StateIds) -> Passed:
    return taps.pass_response(body, cast(RequestPeek, peeked), renamed, state_ids)


def _make_tap(peeked: ChatPeek, renamed: bool, state_ids: StateIds) -> taps.StreamTap:
    del state_ids
    return taps.StreamTap(is_sse=cast(RequestPeek, peeked).is_sse, model=peeked.model if renamed else None)


WIRE_FORMAT = WireFormat(
    name=NAME,
    peek=peeks.peek,
    decode_request=_decode_request,
    encode_response=encode_response,
    make_encoder=_make_encoder,
    encode_error=encode_error,
    encode_stream_error=encode_stream_error,
    stream_error_for=_stream_error_for,
    rate_lines=no_rate_lines,  # Google tells none in its headers
    stream_type=_stream_type,
    field_names=FIELD_NAMES,
    encode_request=encode_request,
    decode_response=decode_response,
    make_decoder=EventDecoder,
    decode_error=decode_error,
    fetches_images=False,
    passes_untouched=always,
    pass_request=_pass_request,
    pass_response=_pass_response,
    make_tap=_make_tap,
)

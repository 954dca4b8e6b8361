"""An answer for a client of this dialect: its parts, and the whole of it."""

from collections.abc import Iterable

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.media_type import sniff_base64
from modelgate.formats.chat.request import Audio, Image, Refusal, Text, Thinking, ToolCall
from modelgate.formats.chat.response import AnswerPart, ChatResponse, Choice
from modelgate.formats.chat.wire_format import AnswerHead, ChatPeek
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.encode_contents import arguments_object
from modelgate.formats.gemini_content.finish import encode_finish
from modelgate.formats.gemini_content.grounding import encode_citations, encode_logprobs
from modelgate.formats.gemini_content.parts import audio_media_type, file_data
from modelgate.formats.gemini_content.signatures import tell_signature
from modelgate.formats.gemini_content.sound import PCM, RAW_FORMAT
from modelgate.formats.gemini_content.usage import encode_usage


class Signing:
    """The seals of one answer's thoughts on their way into its parts. Another vendor's go with the first call after them, which every
    client sends back."""

    def __init__(self) -> None:
        self._waiting: list[Thinking] = []

    def seal(self, thought: Thinking) -> list[Json]:
        """Take a sealed thought; return the part that bears the seal at once, if one does."""
        if thought.format == NAME:
            return [{"text": "", "thoughtSignature": thought.signature}] if thought.signature else []
        if thought.signature or thought.sealed:
            self._waiting.append(thought)
        return []

    def call(self, call: ToolCall) -> Json:
        """Return a call as a part."""
        arguments = {"input": call.arguments} if call.custom else arguments_object(call.arguments)
        made: dict[str, Json] = {"functionCall": {"id": call.id, "name": call.name, "args": arguments}}
        told = tell_signature(signature=call.signature, format=call.format, thinking=tuple(self._waiting), call_id=call.id)
        self._waiting = []
        if told:
            made["thoughtSignature"] = told
        return made

    def rest(self) -> list[Json]:
        """Return a part for the seals that no call took."""
        told = tell_signature(signature="", format="", thinking=tuple(self._waiting))
        self._waiting = []
        return [{"text": "", "thoughtSignature": told}] if told else []


def encode_image(image: Image) -> Json:
    """Return a picture as a part."""
    if image.url:
        return file_data(image.url, image.media_type)
    return {"inlineData": {"mimeType": image.media_type or "image/png", "data": image.data}}


def encode_sound(data: str, format: str) -> Json:
    """Return sound as a part. Of an unknown format its beginning decides: raw samples have none that is known."""
    media_type = PCM if format == RAW_FORMAT else audio_media_type(format)
    if not format:
        try:
            media_type = sniff_base64(data) or PCM
        except ValueError:
            media_type = PCM
    return {"inlineData": {"mimeType": media_type, "data": data}}


def _parts(parts: Iterable[AnswerPart]) -> list[Json]:
    signing = Signing()
    made: list[Json] = []
    for part in parts:
        match part:
            case Text(text=text) | Refusal(text=text):
                made += [{"text": text}] if text else []
            case Thinking(text=text):
                made += _thought(part, signing)
            case ToolCall():
                made.append(signing.call(part))
            case Image():
                made.append(encode_image(part))
            case Audio():
                made.append(encode_sound(part.data, part.format) if part.data else {"text": part.transcript})
    return made + signing.rest()


def _thought(thought: Thinking, signing: Signing) -> list[Json]:
    seal = signing.seal(thought)
    if not thought.text:
        return seal
    told: dict[str, Json] = {"text": thought.text, "thought": True}
    if seal:
        told["thoughtSignature"] = thought.signature
    return [told]


def encode_candidate(choice: Choice) -> Json:
    """Return one answer."""
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    made: dict[str, Json] = {
        "content": {"parts": _parts(choice.parts), "role": "model"},
        "finishReason": encode_finish(choice.finish),
        "index": choice.index,
    }
    grounding = encode_citations(choice.citations, text) if choice.citations else None
    if grounding is not None:
        made["groundingMetadata"] = grounding
    logprobs = encode_logprobs(choice.logprobs)
    if logprobs is not None:
        made["logprobsResult"] = logprobs
    return made


def encode_response(response: ChatResponse, peeked: ChatPeek, head: AnswerHead) -> bytes:
    """Return a whole answer."""
    del peeked
    body: dict[str, Json] = {"candidates": [encode_candidate(choice) for choice in response.choices]}
    if response.usage is not None:
        body["usageMetadata"] = encode_usage(response.usage)
    return msgspec.json.encode({**body, "modelVersion": head.model, "responseId": head.request_id})

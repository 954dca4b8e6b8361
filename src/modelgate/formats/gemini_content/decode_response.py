"""An upstream's answer in neutral words. A whole answer is read as a stream of one chunk."""

import binascii
import re
import zlib

import msgspec

from modelgate.core.records import Json
from modelgate.formats.chat.collect import Collector
from modelgate.formats.chat.events import (
    AudioDelta,
    ChoiceEnd,
    CitationAdded,
    ImageAdded,
    ResponseEnd,
    ResponseStart,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolCallDelta,
    ToolCallEnd,
    ToolCallStart,
    UsageReport,
)
from modelgate.formats.chat.media_type import normal_media_type
from modelgate.formats.chat.request import Audio, Image
from modelgate.formats.chat.response import ChatResponse
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.gemini_content import NAME
from modelgate.formats.gemini_content.decode_contents import compact_json
from modelgate.formats.gemini_content.encode_contents import GENERATED_ID
from modelgate.formats.gemini_content.finish import UNSPECIFIED, decode_finish
from modelgate.formats.gemini_content.grounding import decode_citations, decode_logprobs
from modelgate.formats.gemini_content.parts import audio_format, render_code, render_outcome
from modelgate.formats.gemini_content.schema import Answer, Blob, Candidate, FunctionCall, GroundingMetadata, Part, as_list, is_said
from modelgate.formats.gemini_content.sound import is_raw_sound, rate_of, wav_of
from modelgate.formats.gemini_content.usage import decode_usage, says_something, usage_of
from modelgate.formats.json_fields import UNREADABLE

MAX_TAIL = 24
"""Of the answer's own id, in ids made for calls."""
MAX_INDEX = 127
"""No answer has more candidates."""
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")

answer_decoder = msgspec.json.Decoder(Answer, strict=False)
_answers_decoder = msgspec.json.Decoder(list[Answer], strict=False)


def decode_response(body: bytes | bytearray) -> ChatResponse:
    """Return a whole answer; a list of chunks, from upstreams that stream without being asked, is put together.

    Raises:
        UnreadableAnswer: not an answer, or one that says nothing at all.
    """
    try:
        answers = _answers_decoder.decode(body) if body.lstrip()[:1] == b"[" else [answer_decoder.decode(body)]
    except UNREADABLE:
        raise UnreadableAnswer from None
    reader = AnswerReader(is_whole=True)
    collector = Collector()
    for answer in answers:
        if is_said(answer.error):
            raise UnreadableAnswer
        for event in reader.read(answer):
            collector.add(event)
    for event in reader.end():
        collector.add(event)
    response = collector.response()
    if not response.choices:
        raise UnreadableAnswer
    choices = [
        msgspec.structs.replace(
            choice, parts=tuple(msgspec.structs.replace(part, format="wav") if isinstance(part, Audio) else part for part in choice.parts)
        )
        for choice in response.choices
    ]
    return msgspec.structs.replace(response, choices=tuple(choices))


class _Reading:
    """One candidate while it is read: the text of each of its parts for citations, and how it ends."""

    __slots__ = ("calls", "finish", "grounding", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.calls = 0
        self.finish = ""
        self.grounding: GroundingMetadata | None = None


class AnswerReader:
    """Makes events of answers, one for each chunk of a stream. `is_whole`: the only one is complete, and sound becomes a file."""

    def __init__(self, *, is_whole: bool = False) -> None:
        self._is_whole = is_whole
        self._choices: dict[int, _Reading] = {}
        self._is_started = False
        self._tail = ""
        self._images = 0

    def read(self, answer: Answer) -> list[StreamEvent]:
        """Return what one chunk tells."""
        events: list[StreamEvent] = []
        if not self._is_started:
            self._is_started = True
            events.append(ResponseStart(id=answer.response_id or "", model=answer.model_version or ""))
        if answer.response_id and not self._tail:
            self._tail = _NOT_IN_IDS.sub("", answer.response_id)[-MAX_TAIL:]
        candidates = answer.candidates or ()
        for position, candidate in enumerate(candidates):
            index = candidate.index if candidate.index is not None else position
            if 0 <= index <= MAX_INDEX:
                events += self._read_candidate(candidate, index)
        if answer.prompt_feedback is not None and answer.prompt_feedback.block_reason and not candidates:
            for reading in self._choices.values() or (self._choices.setdefault(0, _Reading()),):
                reading.finish = "SAFETY"
        counted = decode_usage(answer.usage_metadata)
        if counted is not None and says_something(counted):
            events.append(UsageReport(usage=usage_of(counted, images=self._images)))
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is told last; `ResponseEnd` only if every answer came to its end."""
        events: list[StreamEvent] = []
        ended = 0
        for index, reading in sorted(self._choices.items()):
            if not reading.finish and not self._is_whole:
                continue
            ended += 1
            if reading.grounding is not None:
                # Chunks of a stream are pieces of one text, whose offsets run through all of them.
                texts = reading.texts if self._is_whole else ["".join(reading.texts)]
                events += [CitationAdded(citation=citation, choice=index) for citation in decode_citations(reading.grounding, texts)]
            events.append(ChoiceEnd(finish=decode_finish(reading.finish, has_calls=reading.calls > 0), choice=index))
        if ended and ended == len(self._choices):
            events.append(ResponseEnd())
        return events

    def _read_candidate(self, candidate: Candidate, index: int) -> list[StreamEvent]:
        reading = self._choices.get(index)
        if reading is None:
            reading = self._choices[index] = _Reading()
        events: list[StreamEvent] = []
        logprobs: Json = decode_logprobs(candidate.logprobs_result) if candidate.logprobs_result is not None else None
        for part in as_list(candidate.content.parts) if candidate.content is not None else ():
            if part.text and not part.thought_signature and part.function_call is None and logprobs is None:  # the usual part
                reading.texts.append("" if part.thought else part.text)
                events.append((ThinkingDelta if part.thought else TextDelta)(text=part.text, choice=index))
                continue
            told = self._read_part(part, reading, index)
            text = "".join(event.text for event in told if isinstance(event, TextDelta))
            reading.texts.append(text)
            if text and logprobs is not None:
                told = [TextDelta(text=text, choice=index, logprobs=logprobs), *told[1:]]
                logprobs = None
            events += told
        if candidate.finish_reason and candidate.finish_reason != UNSPECIFIED:
            reading.finish = candidate.finish_reason
        if candidate.grounding_metadata is not None:
            reading.grounding = candidate.grounding_metadata
        return events

    def _read_part(self, part: Part, reading: _Reading, index: int) -> list[StreamEvent]:
        """Numbered cases: 1. a call, which bears its signature itself; 2. anything else, its signature told behind it."""
        signature = part.thought_signature or ""
        if part.function_call is not None:
            return self._read_call(part.function_call, signature, reading, index)
        events: list[StreamEvent] = []
        if part.thought:
            events += [ThinkingDelta(text=part.text, choice=index)] if part.text else ()
        elif text := _text_of(part):
            events.append(TextDelta(text=text, choice=index))
        elif part.inline_data is not None:
            events += self._read_blob(part.inline_data, index)
        if signature:
            events.append(ThinkingEnd(signature=signature, format=NAME, choice=index))
        return events

    def _read_call(self, call: FunctionCall, signature: str, reading: _Reading, index: int) -> list[StreamEvent]:
        arguments = compact_json(call.args)
        number = reading.calls
        reading.calls += 1
        tail = self._tail or f"{zlib.crc32((call.name or '').encode() + arguments.encode()):08x}"
        own = f"{GENERATED_ID}{tail}_{number}" if index == 0 else f"{GENERATED_ID}{tail}_{index}_{number}"
        return [
            ToolCallStart(
                index=number,
                id=call.id or own,
                name=call.name or "",
                signature=signature,
                format=NAME if signature else "",
                choice=index,
            ),
            ToolCallDelta(index=number, arguments=arguments, choice=index),
            ToolCallEnd(index=number, choice=index),
        ]

    def _read_blob(self, blob: Blob, index: int) -> list[StreamEvent]:
        declared, data = blob.mime_type or "", blob.data or ""
        if not declared.lower().startswith("audio/"):
            self._images += 1
            image = Image(data=data, media_type=normal_media_type(declared) or "image/png")
            return [ImageAdded(image=image, choice=index)] if image.media_type.startswith("image/") else []
        if self._is_whole and is_raw_sound(declared):
            try:
                data = wav_of(data, rate_hz=rate_of(declared))
            except (binascii.Error, ValueError):
                return []
        return [AudioDelta(data=data, choice=index)] if is_raw_sound(declared) or audio_format(declared) == "wav" else []


def _text_of(part: Part) -> str:
    if part.text:
        return part.text
    if part.executable_code is not None:
        return render_code(part.executable_code)
    return render_outcome(part.code_execution_result) if part.code_execution_result is not None else ""

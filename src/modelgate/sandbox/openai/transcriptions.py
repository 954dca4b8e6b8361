"""`POST /v1/audio/transcriptions` and `/translations`: what the sandbox said it hears again, of others it tells what kind of file it is."""

import math
from collections.abc import Iterator

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.magic import Magic, read_magic
from modelgate.sandbox.openai.errors import refuse_if_asked
from modelgate.sandbox.openai.forms import read_form
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.hearing import Heard
from modelgate.sandbox.openai.sending import EVENT_STREAM, Thought, event
from modelgate.sandbox.openai.transcription_checks import HearAsk, read_transcription, read_translation
from modelgate.sandbox.openai.wire import grouped, render_logprobs
from modelgate.sandbox.tokens import Tokenizer

INPUT_TOKENS_PER_S = 10
_PLAIN = "text/plain; charset=utf-8"
_LANGUAGES = {"en": "english", "de": "german", "fr": "french", "es": "spanish", "it": "italian", "zh": "chinese", "ja": "japanese"}


class Transcriptions:
    """Writes down what is said."""

    def __init__(self, *, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (
            Operation("POST", "/audio/transcriptions", think=self._transcribe, read=read_form, apart=True),
            Operation("POST", "/audio/translations", think=self._translate, read=read_form, apart=True),
        )

    def _transcribe(self, asked: Asked) -> Thought:
        return self._heard(read_transcription(asked.body))

    def _translate(self, asked: Asked) -> Thought:
        return self._heard(read_translation(asked.body))

    def _heard(self, ask: HearAsk) -> Thought:
        magic = read_magic(ask.model, ask.prompt)
        refuse_if_asked(magic, param="prompt")
        text = ask.sound.describe() if ask.sound.text is None else ask.sound.text
        heard = Heard(
            text=f"(translated) {text}" if ask.translates and ask.sound.text is not None else text, duration_s=ask.sound.duration_s
        )
        usage, spent, made = self._usage(ask, heard, magic)
        reported = magic.usage(usage)
        if ask.stream:
            parts, kind = list(self._events(ask, heard, usage=reported)), EVENT_STREAM
        else:
            body, kind = self._body(ask, heard, usage=reported)
            parts = [body]
        return Thought(magic=magic, parts=parts, stream=ask.stream, prompt_tokens=spent, completion_tokens=made, content_type=kind)

    def _usage(self, ask: HearAsk, heard: Heard, magic: Magic) -> tuple[dict[str, Json], int, int]:
        """Return the usage object with what is counted: whisper's seconds, the others' tokens."""
        if ask.family == "whisper" or ask.translates:
            seconds = magic.pinned.prompt if magic.pinned else max(1, math.ceil(heard.duration_s))
            return {"type": "duration", "seconds": seconds}, seconds, 0
        words = 0 if magic.pinned else self._tokenizer.count(ask.prompt)
        sound = magic.pinned.prompt if magic.pinned else max(1, round(heard.duration_s * INPUT_TOKENS_PER_S))
        made = magic.pinned.completion if magic.pinned else self._tokenizer.count(heard.text)
        usage = {
            "type": "tokens",
            "input_tokens": words + sound,
            "input_token_details": {"text_tokens": words, "audio_tokens": sound},
            "output_tokens": made,
            "total_tokens": words + sound + made,
        }
        return usage, words + sound, made

    def _body(self, ask: HearAsk, heard: Heard, *, usage: Json) -> tuple[bytes, str]:
        match ask.format:
            case "text":
                return f"{heard.text}\n".encode(), _PLAIN
            case "srt":
                return heard.srt().encode(), _PLAIN
            case "vtt":
                return heard.vtt().encode(), _PLAIN
        answer = self._answer(ask, heard)
        if usage is not None and not (ask.translates and ask.format == "json"):
            answer["usage"] = usage
        return msgspec.json.encode(answer), "application/json"

    def _answer(self, ask: HearAsk, heard: Heard) -> dict[str, Json]:
        if ask.format == "json":
            logprobs = {"logprobs": self._logprobs(heard.text)} if ask.logprobs else {}
            return {"text": heard.text, **logprobs}
        shared = {"task": "translate" if ask.translates else "transcribe", "duration": round(heard.duration_s, 2), "text": heard.text}
        if ask.format == "diarized_json":
            return {**shared, "segments": heard.turns(list(ask.speakers))}
        verbose: dict[str, Json] = {**shared, "language": "english" if ask.translates else _language(ask)}
        if "word" in ask.granularities:
            verbose["words"] = heard.words()
        if "segment" in ask.granularities:
            verbose["segments"] = heard.segments(self._tokenizer, temperature=ask.temperature)
        return verbose

    def _logprobs(self, text: str) -> list[dict[str, Json]]:
        return _without_rivals(render_logprobs(self._tokenizer.pieces(text), top=0, tokenizer=self._tokenizer))

    def _events(self, ask: HearAsk, heard: Heard, *, usage: Json) -> Iterator[bytes]:
        """Give the events; where speakers are told apart, each sentence's text comes before the sentence as a whole."""
        if ask.format == "diarized_json":
            for turn in heard.turns(list(ask.speakers)):
                yield from self._deltas(turn["text"] + " ", ask=ask, segment={"segment_id": turn["id"]})
                yield event(turn)
        else:
            yield from self._deltas(heard.text, ask=ask, segment={})
        done: dict[str, Json] = {"type": "transcript.text.done", "text": heard.text}
        if ask.logprobs:
            done["logprobs"] = self._logprobs(heard.text)
        yield event({**done, **({"usage": usage} if usage is not None else {})})

    def _deltas(self, text: str, *, ask: HearAsk, segment: dict[str, Json]) -> Iterator[bytes]:
        for group in grouped(self._tokenizer.pieces(text)):
            delta: dict[str, Json] = {"type": "transcript.text.delta", "delta": "".join(piece for piece, _ in group), **segment}
            if ask.logprobs:
                delta["logprobs"] = _without_rivals(render_logprobs(group, top=0, tokenizer=self._tokenizer))
            yield event(delta)


def _without_rivals(rows: list[dict[str, Json]]) -> list[dict[str, Json]]:
    return [{"token": row["token"], "logprob": row["logprob"], "bytes": row["bytes"]} for row in rows]


def _language(ask: HearAsk) -> str:
    return _LANGUAGES.get((ask.language or "en").lower(), ask.language or "english")

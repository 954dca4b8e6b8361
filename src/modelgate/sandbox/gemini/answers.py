"""Gemini's answers: candidates of the make-believe model with thoughts, calls, pictures or speech, and what they count."""

from base64 import b64encode

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.calls import Call
from modelgate.sandbox.gemini.grounding import code_run, render_grounding
from modelgate.sandbox.gemini.prompt import count_prompt
from modelgate.sandbox.gemini.request import GeminiAsk
from modelgate.sandbox.gemini.signatures import sign
from modelgate.sandbox.gemini.speech import MIME_TYPE, count_speech, speak
from modelgate.sandbox.openai.answers import PrefixCache
from modelgate.sandbox.pictures import draw_picture
from modelgate.sandbox.speaker import Speaker
from modelgate.sandbox.tokens import Tokenizer

PICTURE_TOKENS = 1_290
ID_LENGTH = 8
DEFAULT_PICTURE = "a picture"


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One answer as the vendor's parts. `counted`: its tokens by modality, thoughts apart; `extras`: fields beside its content.

    `signature`: of the thought that led to a text; that of a call is in its part already.
    """

    parts: tuple[dict[str, Json], ...] = ()
    finish: str = "STOP"
    counted: dict[str, int] = {}
    thoughts: int = 0
    extras: dict[str, Json] = {}
    signature: str = ""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a request counts. `prompt` and `candidates` by modality; `cached` is a part of the prompt's text."""

    prompt: dict[str, int]
    cached: int = 0
    candidates: dict[str, int] = {}
    thoughts: int = 0
    tool_use: int = 0

    @property
    def prompt_tokens(self) -> int:
        """All that went in, with what the vendor's tools added."""
        return sum(self.prompt.values()) + self.tool_use

    @property
    def completion_tokens(self) -> int:
        """All that came out, thoughts included."""
        return sum(self.candidates.values()) + self.thoughts


class GeminiAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """All candidates of one request with its usage; none when the prompt was blocked."""

    candidates: tuple[Candidate, ...]
    usage: Usage


class GeminiAnswerer:
    """Answers generations. Holds the tokenizer, the model and the memory of long prompts."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._speaker = Speaker(tokenizer)
        self._cache = PrefixCache()

    def answer(self, ask: GeminiAsk) -> GeminiAnswer:
        """Return the answer to a request. Raises Unsatisfiable when a schema allows no value."""
        prompt = count_prompt(ask.body, self._tokenizer)
        usage = Usage(prompt=prompt.by_modality, cached=self._cache.cached(prompt.text))
        pinned = ask.magic.pinned
        if pinned:
            usage = Usage(prompt={"TEXT": pinned.prompt}, cached=pinned.cached)
        if ask.magic.has("blocked-prompt"):
            return GeminiAnswer(candidates=(), usage=usage)
        candidates = tuple(self._candidate(ask, index) for index in range(ask.n))
        counted: dict[str, int] = {}
        for candidate in candidates:
            for modality, tokens in candidate.counted.items():
                counted[modality] = counted.get(modality, 0) + tokens
        if pinned:
            usage = msgspec.structs.replace(usage, candidates={_main_output(ask): pinned.completion})
        else:
            used = self._tool_use(candidates)
            thoughts = sum(candidate.thoughts for candidate in candidates)
            usage = msgspec.structs.replace(usage, candidates=counted, thoughts=thoughts, tool_use=used)
        return GeminiAnswer(candidates=candidates, usage=usage)

    def _candidate(self, ask: GeminiAsk, index: int) -> Candidate:
        match _main_output(ask):
            case "IMAGE":
                return self._picture(ask, index)
            case "AUDIO":
                return self._speech(ask)
        return self._text(ask, index)

    def _text(self, ask: GeminiAsk, index: int) -> Candidate:
        choice = self._speaker.speak(ask.chat, index)
        text, tokens, finish = choice.text or "", choice.tokens - choice.reasoning, "MAX_TOKENS" if choice.finish == "length" else "STOP"
        if ask.settings.get("responseMimeType") == "text/x.enum":
            text = text.strip('"')  # a value of an enum stands without the quotes of JSON
        parts = [{"text": choice.thought, "thought": True}] if choice.thought else []
        if ask.magic.has("blocked-answer"):
            half = tokens // 2
            parts += [{"text": self._tokenizer.cut(text, limit=half)}] if text and half else []
            return Candidate(
                parts=tuple(parts), finish="SAFETY", counted={"TEXT": half}, thoughts=choice.reasoning, extras=_ratings(blocked=True)
            )
        if ask.runs_code and not choice.calls:
            parts += code_run(ask.chat.text)
        parts += [{"text": text}] if text else []
        parts += self._calls(ask, choice.calls)
        extras = {"groundingMetadata": render_grounding(ask.chat.text, text)} if ask.searches and text else {}
        signed = ask.traits.signs and text and not choice.calls
        return Candidate(
            parts=tuple(parts),
            finish=finish,
            counted={"TEXT": tokens},
            thoughts=choice.reasoning,
            extras=extras,
            signature=sign("") if signed else "",
        )

    def _calls(self, ask: GeminiAsk, calls: tuple[Call, ...]) -> list[dict[str, Json]]:
        """Return the parts of calls; one that a limit cut is not made. The first of a signing model carries the signature."""
        parts: list[dict[str, Json]] = []
        for call in calls:
            try:
                arguments = msgspec.json.decode(call.arguments)
            except msgspec.DecodeError:
                break
            made: dict[str, Json] = {"name": call.name, "args": arguments}
            if ask.traits.has_ids:
                made = {"id": call.id.removeprefix("call_")[:ID_LENGTH], **made}
            parts.append({"functionCall": made})
            if ask.traits.signs and len(parts) == 1:
                parts[0]["thoughtSignature"] = sign(call.name, arguments)
        return parts

    def _picture(self, ask: GeminiAsk, index: int) -> Candidate:
        if ask.magic.has("blocked-answer"):
            return Candidate(finish="IMAGE_SAFETY", extras={"finishMessage": "Unable to show the generated image."})
        if ask.chat.limit is not None and ask.chat.limit < PICTURE_TOKENS:
            return Candidate(finish="MAX_TOKENS", counted={"TEXT": ask.chat.limit})
        wanted, prompt = ask.settings.get("imageConfig", {}), ask.chat.text or DEFAULT_PICTURE
        references = [media.data for media in ask.shown if media.modality == "IMAGE" and media.data]
        drawn = draw_picture(
            prompt,
            ratio=wanted.get("aspectRatio", "1:1"),
            variant=index,
            large=wanted.get("imageSize", "1K") != "1K",
            reference=references[-1] if references else None,
        )
        said = f"Here is what you asked for: {prompt[:80]}" if "TEXT" in ask.outputs else ""
        blob = {"inlineData": {"mimeType": "image/png", "data": b64encode(drawn).decode()}}
        counted = {"IMAGE": PICTURE_TOKENS, **({"TEXT": self._tokenizer.count(said)} if said else {})}
        return Candidate(parts=(*([{"text": said}] if said else ()), blob), counted=counted)

    def _speech(self, ask: GeminiAsk) -> Candidate:
        spoken = speak(ask.chat.text, ask.settings.get("speechConfig", {}))
        blob = {"inlineData": {"mimeType": MIME_TYPE, "data": b64encode(spoken).decode()}}
        return Candidate(parts=(blob,), counted={"AUDIO": count_speech(spoken)})

    def _tool_use(self, candidates: tuple[Candidate, ...]) -> int:
        """Code that was run, and what it printed, count as input."""
        ran = [part for candidate in candidates for part in candidate.parts if "executableCode" in part or "codeExecutionResult" in part]
        return sum(self._tokenizer.count(msgspec.json.encode(part).decode()) for part in ran)


def _main_output(ask: GeminiAsk) -> str:
    return next((modality for modality in ("IMAGE", "AUDIO") if modality in ask.outputs), "TEXT")


def _ratings(*, blocked: bool) -> dict[str, Json]:
    rating = {"category": "HARM_CATEGORY_DANGEROUS_CONTENT", "probability": "HIGH" if blocked else "NEGLIGIBLE"}
    return {"safetyRatings": [{**rating, **({"blocked": True} if blocked else {})}]}


BLOCKED_FEEDBACK: dict[str, Json] = {"blockReason": "SAFETY", **_ratings(blocked=True)}
"""The promptFeedback of a blocked prompt."""

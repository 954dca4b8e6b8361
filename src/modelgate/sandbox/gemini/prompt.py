"""Counts a prompt as the make-believe Gemini does: text by the tokenizer, the rest by kind."""

from collections.abc import Iterator

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.gemini.media import Media, media_of
from modelgate.sandbox.tokens import Tokenizer


class PromptCount(msgspec.Struct, frozen=True, kw_only=True):
    """What a prompt counts. `text`: the tokens of its text, in order; `media`: (modality, tokens) of everything else."""

    text: list[int]
    media: tuple[tuple[str, int], ...]

    @property
    def by_modality(self) -> dict[str, int]:
        """Tokens by modality, text first; none is zero but the text."""
        counted = {"TEXT": len(self.text)}
        for modality, tokens in self.media:
            counted[modality] = counted.get(modality, 0) + tokens
        return counted


def count_prompt(body: dict[str, Json], tokenizer: Tokenizer) -> PromptCount:
    """Count the instruction, tools, contents and schema of a request."""
    settings = body.get("generationConfig", {})
    contents = [*([body["systemInstruction"]] if "systemInstruction" in body else ()), *body.get("contents", ())]
    parts = [part for content in contents for part in content.get("parts", ())]
    about = [body[name] for name in ("tools",) if body.get(name)]
    about += [settings[name] for name in ("responseSchema", "responseJsonSchema") if settings.get(name)]
    shown = list(_media(parts))
    texts = [msgspec.json.encode(each).decode() for each in about]
    texts += [text for part in parts for text in _texts(part)]
    texts += [media.data.decode("utf-8", "replace") for media in shown if media.modality == "TEXT"]
    return PromptCount(
        text=[token for text in texts for token in tokenizer.encode(text)],
        media=tuple((media.modality, media.tokens) for media in shown if media.tokens),
    )


def _media(parts: list[dict[str, Json]]) -> Iterator[Media]:
    for part in parts:
        if (media := media_of(part)) is not None:
            yield media
        yield from _media(part.get("functionResponse", {}).get("parts", []))


def _texts(part: dict[str, Json]) -> Iterator[str]:
    if part.get("text"):
        yield part["text"]
    for name, fields in (
        ("functionCall", ("name", "args")),
        ("functionResponse", ("name", "response")),
        ("executableCode", ("code",)),
        ("codeExecutionResult", ("output",)),
    ):
        if name in part:
            yield msgspec.json.encode({field: part[name].get(field) for field in fields}).decode()

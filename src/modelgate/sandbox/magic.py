"""Magic words: like a payment provider's test cards, they provoke what vendors rarely do."""

import re
from collections.abc import Iterable

import msgspec

from modelgate.core.records import Json
from modelgate.core.sandbox import MAGIC_WORDS

MODEL_PREFIX = "sandbox-"
CHAT_MODEL = MODEL_PREFIX + "chat"
MAGIC_MODELS = frozenset(MODEL_PREFIX + word for word in MAGIC_WORDS)
MAX_PINNED_TOKENS = 1_000_000_000
_MODEL = re.compile(r"^[^\s\x00-\x1f]{1,200}$")
_LINE = re.compile(r"^[ \t]*magic:[ \t]*([a-z0-9-]+)((?:[ \t]+\d{1,10}){0,4})[ \t]*$", re.MULTILINE | re.IGNORECASE)


class Pinned(msgspec.Struct, frozen=True):
    """Exact usage to report, whatever was said: `magic: tokens IN OUT [CACHED [WRITTEN]]`. IN is the whole prompt.

    `written`: tokens of the prompt written to the cache, at vendors that count these.
    """

    prompt: int
    completion: int
    cached: int = 0
    written: int = 0


class Magic(msgspec.Struct, frozen=True):
    """The magic of one request: words of `MAGIC_WORDS`, pinned usage, and the text without its magic lines."""

    words: frozenset[str]
    pinned: Pinned | None
    text: str

    def has(self, word: str) -> bool:
        """Say whether a word was given."""
        return word in self.words

    def first_of(self, words: Iterable[str]) -> str:
        """Return the first of some words that was given, empty when none was."""
        return next((word for word in words if word in self.words), "")

    @property
    def error_status(self) -> int | None:
        """The HTTP status to fail with, if one was asked for."""
        statuses = [int(status) for word in self.words if (status := word.removeprefix("error-")).isdecimal()]
        return min(statuses, default=None)

    def usage(self, true: Json) -> Json:
        """Return the usage to report for the true one: as it is, None for `no-usage`, all negative for `bad-usage`."""
        if self.has("no-usage"):
            return None
        return _negative(true) if self.has("bad-usage") else true


def _negative(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _negative(part) for key, part in value.items()}
    return -1 - value if isinstance(value, int | float) else value


def read_magic(model: str, text: str) -> Magic:
    """Find the magic in a model's name and in the lines of a prompt. Words nobody knows are left alone."""
    words = {model.removeprefix(MODEL_PREFIX)} & set(MAGIC_WORDS) if model.startswith(MODEL_PREFIX) else set()
    pinned: Pinned | None = None
    for match in _LINE.finditer(text):
        word, numbers = match[1].lower(), [min(int(number), MAX_PINNED_TOKENS) for number in match[2].split()]
        if word == "tokens" and len(numbers) >= 2:
            pinned = _pin(*numbers)
        elif word in MAGIC_WORDS and not numbers:
            words.add(word)
    return Magic(frozenset(words), pinned, _LINE.sub("", text).strip())


def _pin(prompt: int, completion: int, cached: int = 0, written: int = 0) -> Pinned:
    """Return pinned usage whose parts fit into its prompt."""
    cached = min(cached, prompt)
    return Pinned(prompt, completion, cached, min(written, prompt - cached))


def is_served(model: str) -> bool:
    """Say whether a model answers: any name does, but of those that start with `sandbox-` only the ones there are."""
    if model.startswith(MODEL_PREFIX):
        return model == CHAT_MODEL or model.removeprefix(MODEL_PREFIX) in MAGIC_WORDS
    return _MODEL.match(model) is not None


def is_magic(model: str) -> bool:
    """Say whether a model is one of magic, which answers wherever one is named."""
    return model.startswith(MODEL_PREFIX) and is_served(model)

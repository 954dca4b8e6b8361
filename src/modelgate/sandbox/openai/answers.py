"""OpenAI's answers: choices of the make-believe model with their usage, long prompts cached as at the vendor."""

from collections import OrderedDict

import msgspec

from modelgate.sandbox.chat_ask import ChatAsk
from modelgate.sandbox.openai.chat_audio import sound_tokens
from modelgate.sandbox.openai.request import text_of
from modelgate.sandbox.speaker import Choice, Speaker
from modelgate.sandbox.tokens import REMOTE_IMAGE_PX, TOKENS_PER_MESSAGE, TOKENS_PER_NAME, TOKENS_PRIMING, Tokenizer, count_image
from modelgate.sandbox.vision import NotAPicture, decode_data_url, open_picture

CACHE_LEAST_TOKENS = 1_024
CACHE_STEP_TOKENS = 128
MAX_CACHED_PREFIXES = 10_000
MAX_PREFIXES_PER_PROMPT = 64


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """All choices of one request with its usage; the tokens of sound are among the others."""

    choices: tuple[Choice, ...]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    prompt_sound_tokens: int = 0
    sound_tokens: int = 0


class PrefixCache:
    """Remembers long prompts, so that a repeated beginning counts as cached, as at the vendor."""

    def __init__(self, limit: int = MAX_CACHED_PREFIXES) -> None:
        self._limit = limit
        self._seen: OrderedDict[int, None] = OrderedDict()

    def cached(self, tokens: list[int]) -> int:
        """Return how many leading tokens were seen before, and remember this prompt's beginnings."""
        ends = range(CACHE_LEAST_TOKENS, len(tokens) + 1, CACHE_STEP_TOKENS)[:MAX_PREFIXES_PER_PROMPT]
        found, digest, start = 0, 0, 0
        for end in ends:
            digest, start = hash((digest, tuple(tokens[start:end]))), end
            if digest in self._seen:
                found = end
            self._seen[digest] = None
            self._seen.move_to_end(digest)
        while len(self._seen) > self._limit:
            self._seen.popitem(last=False)
        return found


class Answerer:
    """Answers chat requests. Holds the tokenizer and the memory of long prompts."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._speaker = Speaker(tokenizer)
        self._cache = PrefixCache()

    def answer(self, ask: ChatAsk) -> Answer:
        """Return the answer to a request. Raises Unsatisfiable when a schema allows no value."""
        choices = tuple(self._speaker.speak(ask, index) for index in range(ask.n))
        tokens, extra = self._prompt(ask)
        prompt, cached = len(tokens) + extra, self._cache.cached(tokens)
        pinned = ask.magic.pinned
        return Answer(
            choices=choices,
            prompt_tokens=pinned.prompt if pinned else prompt,
            cached_tokens=pinned.cached if pinned else cached,
            completion_tokens=pinned.completion if pinned else sum(choice.tokens for choice in choices),
            reasoning_tokens=0 if pinned else sum(choice.reasoning for choice in choices),
            prompt_sound_tokens=0 if pinned else sum(sound_tokens(message) for message in ask.messages),
        )

    def count_prompt(self, ask: ChatAsk) -> int:
        """Return the number of tokens of a prompt, without remembering it."""
        tokens, extra = self._prompt(ask)
        return len(tokens) + extra

    def _prompt(self, ask: ChatAsk) -> tuple[list[int], int]:
        """Return the tokens of a prompt's texts, and how many more there are."""
        tokens: list[int] = []
        extra = TOKENS_PRIMING
        if ask.definitions:
            tokens += self._tokenizer.encode(msgspec.json.encode(ask.definitions).decode())
        for message in ask.messages:
            extra += TOKENS_PER_MESSAGE + (TOKENS_PER_NAME if message.get("name") else 0) + _image_tokens(message)
            extra += sound_tokens(message)
            called = [message[key] for key in ("tool_calls", "function_call", "name") if message.get(key)]
            tokens += self._tokenizer.encode(message["role"] + text_of(message) + (msgspec.json.encode(called).decode() if called else ""))
        if ask.schema:
            tokens += self._tokenizer.encode(msgspec.json.encode(ask.schema).decode())
        return tokens, extra


def _image_tokens(message: dict[str, object]) -> int:
    content = message.get("content")
    total = 0
    for part in content if isinstance(content, list) else ():
        if part["type"] == "image_url":
            width, height = _size_of(part["image_url"]["url"])
            total += count_image(width, height, detail=part["image_url"].get("detail") or "auto")
    return total


def _size_of(url: str) -> tuple[int, int]:
    if not url.startswith("data:"):
        return REMOTE_IMAGE_PX
    try:
        return open_picture(decode_data_url(url)).size
    except NotAPicture:
        return REMOTE_IMAGE_PX

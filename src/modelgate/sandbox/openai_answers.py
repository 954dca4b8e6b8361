"""What the make-believe model says: deterministic, sensible, and counted with the real tokenizer."""

import re
from collections import OrderedDict

import msgspec

from modelgate.sandbox.openai_checks import REASONING_MODEL
from modelgate.sandbox.openai_request import ChatAsk, text_of
from modelgate.sandbox.openai_tools import Call, hints_from, plan_calls
from modelgate.sandbox.schema_instance import make_instance
from modelgate.sandbox.tokens import TOKENS_PER_MESSAGE, TOKENS_PER_NAME, TOKENS_PRIMING, Tokenizer, count_image
from modelgate.sandbox.vision import NotAPicture, decode_data_url, look_at, open_picture

MAX_ECHO = 400
MAX_COUNT_TO = 1_000
MAX_SHOWN_IMAGES = 16
PINNED_WORDS = 50
TOKENS_PER_CALL = 4
REMOTE_IMAGE_PX = (1024, 1024)
CACHE_LEAST_TOKENS = 1_024
CACHE_STEP_TOKENS = 128
MAX_CACHED_PREFIXES = 10_000
MAX_PREFIXES_PER_PROMPT = 64
_REASONING_TOKENS = {"none": 0, "minimal": 0, "low": 32, "medium": 64, "high": 128, "xhigh": 256, "max": 512}
_SAY = re.compile(
    r"^(?:please )?(?:say|repeat|echo|reply with|respond with|answer with)(?: exactly)?(?::| )\s*(.+)$", re.IGNORECASE | re.DOTALL
)
_COUNT_TO = re.compile(r"\bcount (?:from (\d{1,6}) )?(?:up )?to (\d{1,6})\b", re.IGNORECASE)


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: text, or calls. `tokens` counts its output with its reasoning."""

    text: str | None
    calls: tuple[Call, ...] = ()
    finish: str
    tokens: int
    reasoning: int = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """All choices of one request with its usage."""

    choices: tuple[Choice, ...]
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int


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
        self._cache = PrefixCache()

    def answer(self, ask: ChatAsk) -> Answer:
        """Return the answer to a request. Raises Unsatisfiable when a schema allows no value."""
        choices = tuple(self._choice(ask, index) for index in range(ask.n))
        prompt, cached = self._count_prompt(ask)
        pinned = ask.magic.pinned
        return Answer(
            choices=choices,
            prompt_tokens=pinned.prompt if pinned else prompt,
            cached_tokens=pinned.cached if pinned else cached,
            completion_tokens=pinned.completion if pinned else sum(choice.tokens for choice in choices),
            reasoning_tokens=0 if pinned else sum(choice.reasoning for choice in choices),
        )

    def _choice(self, ask: ChatAsk, index: int) -> Choice:
        if ask.magic.pinned:
            words = min(ask.magic.pinned.completion, PINNED_WORDS)
            return Choice(text=" ".join(["ok"] * words), finish="stop", tokens=words)
        reasoning, limit = self._reasoning(ask)
        calls = plan_calls(ask)
        if calls:
            return self._calling(ask, calls=calls, reasoning=reasoning, limit=limit)
        text, finish = _until_stop(self._text(ask, index), ask.stops), "stop"
        tokens = self._tokenizer.count(text)
        if limit is not None and tokens > limit:
            text, tokens, finish = self._tokenizer.cut(text, limit=limit), limit, "length"
        return Choice(text=text, finish=finish, tokens=tokens + reasoning, reasoning=reasoning)

    def _reasoning(self, ask: ChatAsk) -> tuple[int, int | None]:
        """Return the hidden tokens of one choice, and what is left of its limit."""
        spent = _REASONING_TOKENS[ask.effort or "medium"] if REASONING_MODEL.match(ask.model) else 0
        if ask.limit is None:
            return spent, None
        return min(spent, ask.limit), max(ask.limit - spent, 0)

    def _calling(self, ask: ChatAsk, *, calls: tuple[Call, ...], reasoning: int, limit: int | None) -> Choice:
        """Forced by name ends `stop`, else `tool_calls`; a limit cuts the arguments of the last call that still fits."""
        finish = "stop" if ask.mode == "named" else "function_call" if ask.legacy else "tool_calls"
        kept: list[Call] = []
        tokens = 0
        for call in calls:
            overhead = TOKENS_PER_CALL + self._tokenizer.count(call.name)
            needed = overhead + self._tokenizer.count(call.arguments)
            if limit is not None and tokens + needed > limit:
                room = max(limit - tokens - overhead, 0)
                kept.append(msgspec.structs.replace(call, arguments=self._tokenizer.cut(call.arguments, limit=room)))
                tokens, finish = limit, "length"
                break
            kept.append(call)
            tokens += needed
        return Choice(text=None, calls=tuple(kept), finish=finish, tokens=tokens + reasoning, reasoning=reasoning)

    def _text(self, ask: ChatAsk, index: int) -> str:
        if ask.format == "json_schema":
            return msgspec.json.encode(make_instance(ask.schema or {"type": "object"}, hints_from(ask.text, turn=index))).decode()
        sentence = _sentence(ask) if index == 0 else f"Choice {index + 1}: {_sentence(ask)}"
        return msgspec.json.encode({"answer": sentence, "model": ask.model}).decode() if ask.format == "json_object" else sentence

    def _count_prompt(self, ask: ChatAsk) -> tuple[int, int]:
        """Return (tokens of the prompt, those of them cached)."""
        tokens: list[int] = []
        extra = TOKENS_PRIMING
        if ask.definitions:
            tokens += self._tokenizer.encode(msgspec.json.encode(ask.definitions).decode())
        for message in ask.messages:
            extra += TOKENS_PER_MESSAGE + (TOKENS_PER_NAME if message.get("name") else 0) + _image_tokens(message)
            called = [message[key] for key in ("tool_calls", "function_call", "name") if message.get(key)]
            tokens += self._tokenizer.encode(message["role"] + text_of(message) + (msgspec.json.encode(called).decode() if called else ""))
        if ask.schema:
            tokens += self._tokenizer.encode(msgspec.json.encode(ask.schema).decode())
        return len(tokens) + extra, self._cache.cached(tokens)


def _until_stop(text: str, stops: tuple[str, ...]) -> str:
    ends = [text.find(stop) for stop in stops if stop and stop in text]
    return text[: min(ends)] if ends else text


def _sentence(ask: ChatAsk) -> str:
    """Choose what to say: quote the tools' results, describe pictures, do as told, or tell what was said."""
    if ask.results:
        return " ".join(f"According to {name}: {content[:MAX_ECHO]}" for name, content in ask.results)
    if ask.images:
        return " ".join(_describe(url, number) for number, (url, _) in enumerate(ask.images[:MAX_SHOWN_IMAGES], 1))
    if said := _SAY.match(ask.text):
        return said[1].strip().strip("\"'“”")
    if counted := _COUNT_TO.search(ask.text):
        first, last = int(counted[1] or 1), int(counted[2])
        return ", ".join(str(number) for number in range(first, min(last, first + MAX_COUNT_TO) + 1))
    quoted = ask.text if len(ask.text) <= MAX_ECHO else ask.text[: MAX_ECHO - 1] + "…"
    return f"This is the sandbox speaking as {ask.model}. You said: “{quoted}”"


def _describe(url: str, number: int) -> str:
    if not url.startswith("data:"):
        return f"Picture {number} is at {url[:MAX_ECHO]}, which the sandbox does not fetch, so it cannot say what it shows."
    try:
        picture = look_at(decode_data_url(url))
    except NotAPicture:
        return f"Picture {number} cannot be read."
    colours = " and ".join([", ".join(picture.colours[:-1]), picture.colours[-1]] if len(picture.colours) > 1 else picture.colours)
    noun = "colours are" if len(picture.colours) > 1 else "colour is"
    return f"Picture {number} is a {picture.format} of {picture.width}x{picture.height} pixels; its dominant {noun} {colours}."


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

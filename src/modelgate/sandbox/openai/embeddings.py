"""`POST /v1/embeddings`: vectors out of hashed words and letters, so that similar texts have similar vectors."""

import math
import re
import sys
from array import array
from base64 import b64encode
from collections.abc import Iterator
from itertools import pairwise
from zlib import crc32

import msgspec

from modelgate.core.records import Json
from modelgate.sandbox.magic import read_magic
from modelgate.sandbox.openai.errors import Refused, refuse_if_asked
from modelgate.sandbox.openai.fields import are_tokens, check_ranges, check_words, missing, wants
from modelgate.sandbox.openai.gate import Asked, Operation
from modelgate.sandbox.openai.kinds import check_kind
from modelgate.sandbox.openai.models import check_model
from modelgate.sandbox.openai.sending import Thought
from modelgate.sandbox.tokens import Tokenizer

MAX_INPUTS = 2_048
MAX_INPUT_TOKENS = 8_192
MAX_REQUEST_TOKENS = 300_000
DEFAULT_DIMENSIONS = 1_536
LARGE_DIMENSIONS = 3_072
FIXED_MODELS = ("text-embedding-ada-002",)
"""Models whose vectors have one length only."""

MAX_READ = 8_000
"""A vector tells of this many leading characters of its text."""

SPREAD = 12
"""Each word moves this many coordinates of its vector."""

_WORD = re.compile(r"\w+")
_WEIGHT_COMMON, _WEIGHT_WORD, _WEIGHT_PAIR, _WEIGHT_LETTERS = 0.2, 1.0, 0.5, 0.25
_COMMON = frozenset(("a", "an", "and", "are", "as", "at", "be", "in", "is", "it", "of", "on", "or", "that", "the", "to", "was", "with"))


class Embeddings:
    """Answers requests for embeddings."""

    def __init__(self, *, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def operations(self) -> tuple[Operation, ...]:
        """Return what can be asked here."""
        return (Operation("POST", "/embeddings", think=self._think, apart=True),)

    def _think(self, asked: Asked) -> Thought:
        body = asked.body
        check_model(body)
        check_kind(body["model"], "embedding")
        _check_embeddings(body)
        texts, tokens = zip(*(self._read(each) for each in _inputs(body["input"])), strict=True)
        magic = read_magic(body["model"], "\n".join(texts))
        refuse_if_asked(magic, param="input")
        _check_tokens(tokens)
        size = body.get("dimensions") or _most_dimensions(body["model"])
        render = _base64 if body.get("encoding_format") == "base64" else _floats
        spent = magic.pinned.prompt if magic.pinned else sum(tokens)
        usage = magic.usage({"prompt_tokens": spent, "total_tokens": spent})
        answer = {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": render(make_vector(text, size))} for index, text in enumerate(texts)
            ],
            "model": body["model"],
            **({"usage": usage} if usage is not None else {}),
        }
        return Thought(magic=magic, parts=[msgspec.json.encode(answer)], prompt_tokens=spent)

    def _read(self, given: str | list[int]) -> tuple[str, int]:
        """Return one input as text, and its number of tokens."""
        if isinstance(given, str):
            return given, self._tokenizer.count(given)
        return self._tokenizer.decode(given), len(given)


def make_vector(text: str, size: int) -> "array[float]":
    """Return the unit vector of a text, as 32-bit floats. Each of its words, pairs of words and trigrams pulls some coordinates."""
    vector = [0.0] * size
    for feature, weight in (("", 0.05), *_features(text[:MAX_READ].casefold())):
        state = crc32(feature.encode("utf-8", "replace"))
        for _ in range(SPREAD):
            state = (state * 1_664_525 + 1_013_904_223) % 2**32  # Numerical Recipes' generator: the same on every machine
            vector[(state >> 8) % size] += weight if state >> 31 else -weight
    length = math.sqrt(sum(value * value for value in vector)) or 1.0
    return array("f", [value / length for value in vector])


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = _WORD.findall(text)
    for word in words:
        if word in _COMMON:
            yield word, _WEIGHT_COMMON
            continue
        yield word, _WEIGHT_WORD
        padded = f"<{word}>"
        yield from ((padded[start : start + 3], _WEIGHT_LETTERS) for start in range(len(padded) - 2))
    yield from (("_".join(pair), _WEIGHT_PAIR) for pair in pairwise(words))


def _floats(vector: "array[float]") -> list[float]:
    return vector.tolist()


def _base64(vector: "array[float]") -> str:
    if sys.byteorder == "big":
        vector = array("f", vector)
        vector.byteswap()
    return b64encode(vector.tobytes()).decode()


def _most_dimensions(model: str) -> int:
    return LARGE_DIMENSIONS if "large" in model else DEFAULT_DIMENSIONS


def _inputs(given: Json) -> list[Json]:
    """Return the inputs one by one: a text, or the tokens of one, is one input."""
    if isinstance(given, str) or isinstance(given[0], int):
        return [given]
    return list(given)


def _check_embeddings(body: dict[str, Json]) -> None:
    """Refuse what the vendor would. Raises Refused."""
    if body.get("input") is None:
        raise missing("input")
    _check_input(body["input"])
    check_words(body, {"encoding_format": ("float", "base64")})
    wants(body, "user", str)
    check_ranges(body, ("dimensions", int, 1, _most_dimensions(body["model"])))
    if body.get("dimensions") is not None and body["model"] in FIXED_MODELS:
        raise Refused("This model does not support specifying dimensions.", param="dimensions", code="unsupported_parameter")


def _check_input(given: Json) -> None:
    if isinstance(given, str):
        if not given:
            raise _invalid_input()
        return
    if not isinstance(given, list) or not given:
        raise _invalid_input()
    if len(given) > MAX_INPUTS:
        raise Refused(
            f"Invalid 'input': array too long. Expected an array with maximum length {MAX_INPUTS}, but got an array with length "
            f"{len(given)} instead.",
            param="input",
            code="array_above_max_length",
        )
    texts = all(isinstance(each, str) and each for each in given)
    if not texts and not are_tokens(given) and not all(isinstance(each, list) and each and are_tokens(each) for each in given):
        raise _invalid_input()


def _invalid_input() -> Refused:
    return Refused(
        "'$.input' is invalid. Please check the API reference: a text, texts, tokens or arrays of tokens, none empty.", param="input"
    )


def _check_tokens(tokens: tuple[int, ...]) -> None:
    if max(tokens) > MAX_INPUT_TOKENS:
        raise Refused(
            f"This model's maximum context length is {MAX_INPUT_TOKENS} tokens, however you requested {max(tokens)} tokens "
            f"({max(tokens)} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.",
            param="input",
            code="context_length_exceeded",
        )
    if sum(tokens) > MAX_REQUEST_TOKENS:
        raise Refused(
            f"Requested {sum(tokens)} tokens, max {MAX_REQUEST_TOKENS} tokens per request",
            type="max_tokens_per_request",
            param="input",
            code="max_tokens_per_request",
        )

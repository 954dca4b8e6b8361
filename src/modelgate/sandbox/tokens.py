"""The real tokenizer (o200k_base), built from the table that came with the package: nothing is downloaded."""

from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import tiktoken

TABLE = Path(__file__).parent / "data" / "o200k_base.tiktoken"
TOKENS_PER_MESSAGE = 3
TOKENS_PER_NAME = 1
TOKENS_PRIMING = 3
IMAGE_LOW_TOKENS = 85
IMAGE_TILE_TOKENS = 170
IMAGE_TILE_PX = 512
IMAGE_LONG_PX = 2048
IMAGE_SHORT_PX = 768
REMOTE_IMAGE_PX = (1024, 1024)
"""What a picture that is not fetched counts as."""

_SPECIAL = {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}

# The encoding's published split pattern: words with their case and contractions, numbers by three, signs, line ends, blanks.
_WORD_START = r"[^\r\n\p{L}\p{N}]?"
_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_PATTERN = "|".join(
    (
        _WORD_START + r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _CONTRACTION,
        _WORD_START + r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _CONTRACTION,
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    )
)


class Tokenizer:
    """Counts and splits text as the vendor does. Building one reads a 3.6 MB table (about half a second): keep it."""

    def __init__(self, table: Path = TABLE) -> None:
        ranks = dict(_ranks(table.read_bytes()))
        self._ranks = len(ranks)
        self._encoding = tiktoken.Encoding(
            name="o200k_base",
            pat_str=_PATTERN,
            mergeable_ranks=ranks,
            special_tokens=_SPECIAL,
        )

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text; special tokens in it are plain text."""
        return self._encoding.encode_ordinary(text)

    def count(self, text: str) -> int:
        """Return the number of tokens of a text."""
        return len(self.encode(text))

    def bytes_of(self, token: int) -> bytes:
        """Return the bytes of one token; not always whole characters."""
        return self._encoding.decode_single_token_bytes(token)

    def decode(self, tokens: list[int]) -> str:
        """Return the text of tokens; ids that do not exist are left out."""
        known = [token for token in tokens if token < self._ranks or token in _SPECIAL.values()]
        return self._encoding.decode_bytes(known).decode("utf-8", "replace")

    def cut(self, text: str, *, limit: int) -> str:
        """Return the first `limit` tokens of a text, without a character that was cut in half."""
        return self._encoding.decode_bytes(self.encode(text)[:limit]).decode("utf-8", "ignore")

    def pieces(self, text: str) -> list[tuple[str, list[bytes]]]:
        """Split a text into its tokens as (text, bytes of each token); tokens that share a character stay together."""
        found: list[tuple[str, list[bytes]]] = []
        waiting: list[bytes] = []
        for token in self.encode(text):
            waiting.append(self.bytes_of(token))
            try:
                found.append((b"".join(waiting).decode(), waiting))
            except UnicodeDecodeError:
                continue
            waiting = []
        return found


def _ranks(table: bytes) -> Iterator[tuple[bytes, int]]:
    for line in table.splitlines():
        token, _, rank = line.partition(b" ")
        yield b64decode(token), int(rank)


def count_image(width: int, height: int, *, detail: str) -> int:
    """Return the tokens of a shown picture of that many pixels, by the tile rule of the 4o family."""
    if detail == "low":
        return IMAGE_LOW_TOKENS
    scale = min(1.0, IMAGE_LONG_PX / max(width, height))
    scale *= min(1.0, IMAGE_SHORT_PX / (min(width, height) * scale))
    tiles = -(-int(width * scale) // IMAGE_TILE_PX) * -(-int(height * scale) // IMAGE_TILE_PX)
    return IMAGE_LOW_TOKENS + IMAGE_TILE_TOKENS * max(1, tiles)

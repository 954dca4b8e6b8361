"""What a prompt costs at the make-believe Anthropic: its tokens, piece by piece, and those of them read from or written to the cache."""

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import blake2b
from itertools import accumulate

import msgspec

from modelgate.core.clock import Clock
from modelgate.core.records import Json
from modelgate.sandbox.anthropic.message_checks import turns_of
from modelgate.sandbox.anthropic.request import count_pages, picture_url
from modelgate.sandbox.magic import Pinned
from modelgate.sandbox.tokens import TOKENS_PER_MESSAGE, TOKENS_PRIMING, Tokenizer
from modelgate.sandbox.vision import decode_base64, decode_data_url, open_picture

CACHE_LEAST_TOKENS = 1_024
"""Shorter beginnings are not cached."""
LOOK_BACK = 20
"""From each breakpoint, this many pieces back an earlier one is still found."""
MAX_CACHED = 10_000
TTL_S = {"5m": 300.0, "1h": 3_600.0}
PAGE_TOKENS = 1_500
PICTURE_PX_PER_TOKEN = 750
PICTURE_LONG_PX = 1_568
MAX_PICTURE_TOKENS = 1_600


class Piece(msgspec.Struct, frozen=True):
    """One part of a prompt that may end what is cached; `mark` says how long then: 5m, 1h or nothing."""

    content: bytes
    tokens: int
    mark: str | None = None


class PromptUsage(msgspec.Struct, frozen=True, kw_only=True):
    """The tokens of a prompt: neither cached nor to be (`fresh`), read from the cache, written to it for five minutes or an hour."""

    fresh: int
    read: int = 0
    written_5m: int = 0
    written_1h: int = 0

    @property
    def written(self) -> int:
        """All tokens written to the cache."""
        return self.written_5m + self.written_1h

    @property
    def total(self) -> int:
        """The whole prompt."""
        return self.fresh + self.read + self.written


def pinned_usage(pinned: Pinned, *, marks: list[str]) -> PromptUsage:
    """Return the usage that magic asked for; what is written lasts as long as the first mark says."""
    long = marks[:1] == ["1h"]
    return PromptUsage(
        fresh=pinned.prompt - pinned.cached - pinned.written,
        read=pinned.cached,
        written_5m=0 if long else pinned.written,
        written_1h=pinned.written if long else 0,
    )


class PromptCache:
    """Remembers marked beginnings of prompts until they expire; reading one makes it last again."""

    def __init__(self, clock: Clock, *, limit: int = MAX_CACHED) -> None:
        self._clock = clock
        self._limit = limit
        self._expiry: OrderedDict[bytes, tuple[float, float]] = OrderedDict()

    def use(self, model: str, pieces: list[Piece]) -> PromptUsage:
        """Return what is read and written for a prompt, and remember what its marks ask for."""
        ends = list(accumulate(piece.tokens for piece in pieces))
        digests = list(_digests(model, pieces))
        marked = [index for index, piece in enumerate(pieces) if piece.mark]
        read = max((ends[hit] for index in marked if (hit := self._hit(digests, index)) is not None), default=0)
        written = {"5m": 0, "1h": 0}
        covered = read
        for index in marked:
            mark = pieces[index].mark
            if mark is None or ends[index] < CACHE_LEAST_TOKENS:
                continue
            if ends[index] > covered:
                written[mark] += ends[index] - covered
                covered = ends[index]
                self._keep(digests[index], TTL_S[mark])
        return PromptUsage(fresh=ends[-1] - covered, read=read, written_5m=written["5m"], written_1h=written["1h"])

    def _hit(self, digests: list[bytes], index: int) -> int | None:
        """Return the last remembered piece at or not far before a mark."""
        for before in range(index, max(index - LOOK_BACK, -1), -1):
            until, ttl_s = self._expiry.get(digests[before], (0.0, 0.0))
            if until > self._clock():
                self._keep(digests[before], ttl_s)
                return before
        return None

    def _keep(self, digest: bytes, ttl_s: float) -> None:
        self._expiry.pop(digest, None)
        self._expiry[digest] = (self._clock() + ttl_s, ttl_s)
        while len(self._expiry) > self._limit:
            self._expiry.popitem(last=False)


def _digests(model: str, pieces: list[Piece]) -> Iterator[bytes]:
    digest = model.encode()
    for piece in pieces:
        digest = blake2b(digest + piece.content, digest_size=16).digest()
        yield digest


def split_prompt(body: dict[str, Json], *, tokenizer: Tokenizer) -> list[Piece]:
    """Return the pieces of a checked request in the order of the cache: tools, system, messages. Never empty."""
    pieces = [_piece(tool, tokens=tokenizer.count(_json(tool))) for tool in body.get("tools") or ()]
    wanted = (body.get("output_config") or {}).get("format")
    if wanted:
        pieces.append(_piece(wanted, tokens=tokenizer.count(_json(wanted))))
    system = body.get("system") or ()
    blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
    pieces += [_piece(block, tokens=tokenizer.count(block["text"])) for block in blocks]
    extra = TOKENS_PRIMING
    for _, role, turn in turns_of(body["messages"]):
        extra += TOKENS_PER_MESSAGE
        for block in turn:
            pieces.append(_piece({"role": role, **block}, tokens=extra + _tokens(block, tokenizer=tokenizer)))
            extra = 0
    mark = (body.get("cache_control") or {}).get("ttl", "5m") if body.get("cache_control") else None
    if mark and pieces[-1].mark is None:
        pieces[-1] = msgspec.structs.replace(pieces[-1], mark=mark)
    return pieces


def _piece(block: dict[str, Json], *, tokens: int) -> Piece:
    """Return a piece without its marks, which move from request to request while what they mark stays."""
    parts = block["content"] if block.get("type") == "tool_result" and isinstance(block.get("content"), list) else []
    mark = next((holder["cache_control"] for holder in (block, *reversed(parts)) if holder.get("cache_control")), None)
    bare = _unmarked(block)
    if parts:
        bare["content"] = [_unmarked(part) for part in parts]
    return Piece(msgspec.json.encode(bare), tokens, (mark.get("ttl") or "5m") if mark else None)


def _unmarked(block: dict[str, Json]) -> dict[str, Json]:
    return {key: value for key, value in block.items() if key != "cache_control"}


def _tokens(block: dict[str, Json], *, tokenizer: Tokenizer) -> int:
    match block["type"]:
        case "text":
            return tokenizer.count(block["text"])
        case "image":
            return _picture_tokens(block)
        case "document":
            return tokenizer.count(block.get("title") or "") + _source_tokens(block["source"], tokenizer=tokenizer)
        case "thinking":
            return tokenizer.count(block["thinking"])
        case "tool_use":
            return tokenizer.count(block["name"] + _json(block["input"]))
        case "tool_result" | "search_result":
            return _content_tokens(block.get("content") or "", tokenizer=tokenizer)
    return tokenizer.count(_json(block))


def _content_tokens(content: Json, *, tokenizer: Tokenizer) -> int:
    if isinstance(content, str):
        return tokenizer.count(content)
    return sum(_tokens(part, tokenizer=tokenizer) for part in content)


def _source_tokens(source: dict[str, Json], *, tokenizer: Tokenizer) -> int:
    match source["type"]:
        case "text":
            return tokenizer.count(source["data"])
        case "base64":
            return PAGE_TOKENS * count_pages(decode_base64(source["data"]))
        case "content":
            return _content_tokens(source["content"], tokenizer=tokenizer)
    return PAGE_TOKENS


def _picture_tokens(block: dict[str, Json]) -> int:
    """Return the tokens of a picture after the vendor has made it smaller; of one that is not here, the most."""
    if block["source"]["type"] != "base64":
        return MAX_PICTURE_TOKENS
    width, height = open_picture(decode_data_url(picture_url(block))).size
    scale = min(1.0, PICTURE_LONG_PX / max(width, height))
    return max(1, min(MAX_PICTURE_TOKENS, int(width * scale) * int(height * scale) // PICTURE_PX_PER_TOKEN))


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()

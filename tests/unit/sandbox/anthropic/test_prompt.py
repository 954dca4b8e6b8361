import base64
import io
from typing import Any

from PIL import Image
from tests.twins.clock import Clock

from modelgate.sandbox.anthropic.prompt import Piece, PromptCache, PromptUsage, pinned_usage, split_prompt
from modelgate.sandbox.magic import Pinned
from modelgate.sandbox.tokens import Tokenizer

MARK = {"cache_control": {"type": "ephemeral"}}


def _pieces(*parts: tuple[str, int, str | None]) -> list[Piece]:
    return [Piece(content.encode(), tokens, mark) for content, tokens, mark in parts]


def _use(cache: PromptCache, *parts: tuple[str, int, str | None], model: str = "m") -> tuple[int, int, int, int]:
    usage = cache.use(model, _pieces(*parts))
    assert usage.total == sum(tokens for _, tokens, _ in parts)
    return usage.fresh, usage.read, usage.written_5m, usage.written_1h


def test_written_then_read() -> None:
    cache = PromptCache(Clock())
    assert _use(cache, ("system", 2_000, "5m"), ("one", 10, None)) == (10, 0, 2_000, 0)
    assert _use(cache, ("system", 2_000, "5m"), ("another", 20, None)) == (20, 2_000, 0, 0)
    assert _use(cache, ("other", 2_000, "5m"), ("one", 10, None)) == (10, 0, 2_000, 0)
    assert _use(cache, ("system", 2_000, "5m"), ("one", 10, None), model="n") == (10, 0, 2_000, 0)


def test_only_what_is_marked_is_cached() -> None:
    cache = PromptCache(Clock())
    assert _use(cache, ("system", 2_000, None)) == (2_000, 0, 0, 0)
    assert _use(cache, ("system", 2_000, "5m")) == (0, 0, 2_000, 0)
    assert _use(cache, ("system", 2_000, None)) == (2_000, 0, 0, 0)


def test_short_beginnings_are_not_cached() -> None:
    cache = PromptCache(Clock())
    for _ in range(2):
        assert _use(cache, ("system", 1_023, "5m")) == (1_023, 0, 0, 0)


def test_a_growing_conversation_reads_what_it_wrote() -> None:
    cache = PromptCache(Clock())
    assert _use(cache, ("system", 2_000, None), ("one", 10, "5m")) == (0, 0, 2_010, 0)
    grown = (("system", 2_000, None), ("one", 10, None), ("answer", 5, None), ("two", 20, "5m"))
    assert _use(cache, *grown) == (0, 2_010, 25, 0)
    assert _use(cache, *grown) == (0, 2_035, 0, 0)
    far = (*grown[:3], ("two", 20, None), *((str(number), 1, None) for number in range(20)), ("end", 1, "5m"))
    assert _use(cache, *far) == (0, 0, 2_056, 0), "twenty pieces back is as far as it looks"


def test_both_lengths_are_told_apart() -> None:
    cache = PromptCache(Clock())
    parts = (("tools", 1_500, "1h"), ("system", 500, "1h"), ("one", 100, "5m"), ("two", 7, None))
    assert _use(cache, *parts) == (7, 0, 100, 2_000)
    assert _use(cache, *parts[:2], ("else", 50, "5m")) == (0, 2_000, 50, 0)


def test_entries_expire_unless_they_are_read() -> None:
    clock = Clock()
    cache = PromptCache(clock)
    _use(cache, ("short", 2_000, "5m"))
    _use(cache, ("long", 2_000, "1h"))
    clock.now += 299
    assert _use(cache, ("short", 2_000, "5m")) == (0, 2_000, 0, 0)
    clock.now += 299
    assert _use(cache, ("short", 2_000, "5m")) == (0, 2_000, 0, 0)
    clock.now += 301
    assert _use(cache, ("short", 2_000, "5m")) == (0, 0, 2_000, 0)
    assert _use(cache, ("long", 2_000, "1h")) == (0, 2_000, 0, 0)


def test_the_memory_is_bounded() -> None:
    cache = PromptCache(Clock(), limit=2)
    for name in ("a", "b", "c"):
        _use(cache, (name, 2_000, "5m"))
    assert _use(cache, ("c", 2_000, "5m"))[1] == 2_000
    assert _use(cache, ("a", 2_000, "5m"))[1] == 0


def test_pinned_usage() -> None:
    assert pinned_usage(Pinned(100, 9, 20, 30), marks=[]) == PromptUsage(fresh=50, read=20, written_5m=30)
    assert pinned_usage(Pinned(100, 9, 20, 30), marks=["1h", "5m"]) == PromptUsage(fresh=50, read=20, written_1h=30)


def _split(tokenizer: Tokenizer, *content: Any, **fields: Any) -> list[Piece]:
    return split_prompt({"messages": [{"role": "user", "content": list(content)}], **fields}, tokenizer=tokenizer)


def test_the_order_and_the_marks_of_pieces(tokenizer: Tokenizer) -> None:
    tool = {"name": "f", "input_schema": {"type": "object"}, **MARK}
    system = [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x", **MARK}]}
    pieces = _split(tokenizer, result, {"type": "text", "text": "Hi"}, tools=[tool], system=system)
    assert [piece.mark for piece in pieces] == ["5m", "1h", "5m", None]
    assert [piece.mark for piece in _split(tokenizer, {"type": "text", "text": "Hi"}, system="Be brief.", **MARK)] == [None, "5m"]


def test_marks_are_no_part_of_what_they_mark(tokenizer: Tokenizer) -> None:
    def result(**mark: Any) -> dict[str, Any]:
        return {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "x", **mark}], **mark}

    assert _split(tokenizer, result())[0].content == _split(tokenizer, result(**MARK))[0].content


def test_what_counts(tokenizer: Tokenizer) -> None:
    def tokens(*content: Any) -> int:
        return sum(piece.tokens for piece in _split(tokenizer, *content)) - 6

    hello = {"type": "text", "text": "hello there"}
    assert tokens(hello) == tokenizer.count("hello there") == 2
    assert tokens(hello, {"type": "tool_result", "tool_use_id": "a", "content": [hello]}) == 4
    assert tokens({"type": "document", "title": "hello there", "source": {"type": "text", "data": "hello there"}}) == 4
    assert tokens({"type": "document", "source": {"type": "base64", "data": base64.b64encode(b"%PDF-").decode()}}) == 1_500
    assert tokens({"type": "document", "source": {"type": "content", "content": "hello there"}}) == 2
    assert tokens({"type": "image", "source": {"type": "url", "url": "https://a"}}) == 1_600


def test_pictures_count_by_their_size(tokenizer: Tokenizer) -> None:
    def tokens(width: int, height: int) -> int:
        buffer = io.BytesIO()
        Image.new("1", (width, height)).save(buffer, "PNG")
        source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(buffer.getvalue()).decode()}
        return sum(piece.tokens for piece in _split(tokenizer, {"type": "image", "source": source})) - 6

    assert tokens(200, 200) == 200 * 200 // 750
    assert tokens(3_136, 784) == 1_568 * 392 // 750
    assert tokens(3_000, 3_000) == 1_600
    assert tokens(1, 1) == 1

import pytest

from modelgate.sandbox.tokens import Tokenizer, count_image


def test_counts_known_texts(tokenizer: Tokenizer) -> None:
    """Token ids published for o200k_base."""
    assert tokenizer.encode("hello world") == [24912, 2375]
    assert tokenizer.count("tiktoken is great!") == 6
    assert tokenizer.encode("") == []


def test_special_tokens_in_a_prompt_are_plain_text(tokenizer: Tokenizer) -> None:
    assert tokenizer.count("<|endoftext|>") > 1


@pytest.mark.parametrize("text", ["plain words", "日本語 のテキスト", "👩‍🚀🏳️‍🌈 flags", "naïve\n\n  café", ""])
def test_pieces_join_to_the_text_and_never_cut_a_character(tokenizer: Tokenizer, text: str) -> None:
    pieces = tokenizer.pieces(text)
    assert "".join(piece for piece, _ in pieces) == text
    assert sum(len(tokens) for _, tokens in pieces) == tokenizer.count(text)
    assert all(b"".join(tokens).decode() == piece for piece, tokens in pieces)


def test_cut_keeps_whole_characters(tokenizer: Tokenizer) -> None:
    assert tokenizer.cut("one two three", limit=2) == "one two"
    text = "👩‍🚀"
    assert all(text.startswith(tokenizer.cut(text, limit=limit)) for limit in range(8))


@pytest.mark.parametrize(
    ("size", "detail", "tokens"),
    [((1024, 1024), "high", 765), ((2048, 4096), "auto", 1105), ((4000, 4000), "low", 85), ((64, 64), "auto", 255)],
)
def test_images_count_by_tiles(size: tuple[int, int], detail: str, tokens: int) -> None:
    """The vendor's own worked examples: 765 and 1105."""
    assert count_image(*size, detail=detail) == tokens


def test_tokens_become_text_again(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([*tokenizer.encode("Zwölf Boxkämpfer"), 199_998, 200_000, 5_000_000]) == "Zwölf Boxkämpfer"
    assert tokenizer.decode([199_999]) == "<|endoftext|>"

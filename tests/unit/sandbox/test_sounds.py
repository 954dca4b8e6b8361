import pytest

from modelgate.sandbox.sounds import duration_s, find_text, hide_text, play


def test_longer_texts_sound_longer() -> None:
    short, long = duration_s(play("Hello there")), duration_s(play("Hello there, how are you doing on this fine day?"))
    assert 0.5 < short < 1.5
    assert long > 3 * short
    assert duration_s(play("Hello there", speed=2.0)) == pytest.approx(short / 2, rel=0.1)


def test_the_same_text_sounds_the_same_but_voices_differ() -> None:
    assert play("Hello", voice="alloy") == play("Hello", voice="alloy")
    assert play("Hello", voice="alloy") != play("Hello", voice="nova")


@pytest.mark.parametrize("text", ["Hello there", "", "!", "日本語のテキスト。", "line\nline", "x" * 4_096])
def test_what_is_said_can_be_heard(text: str) -> None:
    assert find_text(play(text)) == text


def test_the_hidden_text_is_inaudible() -> None:
    silence = hide_text(bytes(4_000), "Hello")
    assert len(silence) == 4_000
    assert set(silence) == {0, 1}
    assert len(hide_text(b"", "Hello")) == 2 * 8 * (8 + 5)


@pytest.mark.parametrize("pcm", [b"", bytes(200), bytes(20_000), play("Hello")[:200], b"\x01" * 999])
def test_nothing_is_heard_in_other_sounds(pcm: bytes) -> None:
    assert find_text(pcm) is None

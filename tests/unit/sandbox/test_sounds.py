import cmath
import math
import threading
from array import array

import pytest

from modelgate.sandbox.sounds import LEAST_S, RATE_HZ, duration_s, play, play_lines
from modelgate.sandbox.voice import Line

LONG = "Hello there, how are you doing on this fine day?"
WINDOW = 512


def loudness(pcm: bytes) -> float:
    """The root of the mean square of the samples."""
    samples = array("h", pcm)
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


def spectrum(pcm: bytes) -> dict[float, float]:
    """The energy by frequency of the loudest moments."""
    samples = array("h", pcm)
    windows = [samples[at : at + WINDOW] for at in range(0, len(samples) - WINDOW, WINDOW)]
    energy: dict[float, float] = {}
    for window in sorted(windows, key=lambda window: -sum(sample * sample for sample in window))[:4]:
        shaped = [sample * (0.5 - 0.5 * math.cos(2 * math.pi * at / WINDOW)) for at, sample in enumerate(window)]
        for index in range(1, WINDOW // 2):
            turn = cmath.exp(-2j * math.pi * index / WINDOW)
            total = 0j
            for sample in reversed(shaped):
                total = total * turn + sample
            frequency = index * RATE_HZ / WINDOW
            energy[frequency] = energy.get(frequency, 0.0) + abs(total) ** 2
    return energy


@pytest.mark.parametrize("text", ["Hello there", "Привет, как дела?", "你好，世界", "日本語のテキスト。", "안녕하세요"])
def test_speech_is_audible_and_sounds_like_speech(text: str) -> None:
    """Loud enough, its energy where voices have theirs, and in more than a tone."""
    pcm = play(text)
    assert 1_000 < loudness(pcm) < 10_000
    energy = spectrum(pcm)
    whole = sum(energy.values())
    assert sum(each for frequency, each in energy.items() if 80 <= frequency <= 4_000) > 0.8 * whole
    assert max(energy.values()) < 0.6 * whole
    assert sum(each > 0.005 * whole for each in energy.values()) > 5


def test_longer_texts_take_longer_and_quicker_ones_less() -> None:
    short, long = duration_s(play("Hello there")), duration_s(play(LONG))
    assert 0.5 < short < 1.5
    assert long > 2 * short


@pytest.mark.parametrize("speed", [0.25, 0.5, 0.8, 1.5, 2.0, 4.0])
def test_speed_changes_how_long_it_takes_and_not_the_pitch(speed: float) -> None:
    usual, changed = play(LONG), play(LONG, speed=speed)
    assert duration_s(changed) == pytest.approx(duration_s(usual) / speed, rel=0.05)
    assert loudness(changed) == pytest.approx(loudness(usual), rel=0.3)
    assert sum(each for frequency, each in spectrum(changed).items() if 80 <= frequency <= 4_000) > 0.8 * sum(spectrum(changed).values())


def test_the_same_text_sounds_the_same_but_voices_differ() -> None:
    assert play("Hello", voice="alloy") == play("Hello", voice="alloy")
    assert len({play("Hello", voice=voice) for voice in ("alloy", "ash", "coral", "nova", "onyx", "Kore", "Puck")}) == 7


def test_who_speaks_at_the_same_time_is_not_mixed_up() -> None:
    texts = ["one", "two and a half", LONG, "Привет"]
    spoken: dict[str, bytes] = {}
    threads = [threading.Thread(target=lambda text=text: spoken.update({text: play(text)})) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spoken == {text: play(text) for text in texts}


@pytest.mark.parametrize("text", ["", " ", "\n", "\0", "."])
def test_what_cannot_be_spoken_is_a_short_silence(text: str) -> None:
    pcm = play(text)
    assert LEAST_S <= duration_s(pcm) < 0.5
    assert not any(pcm)


def test_lines_are_spoken_by_their_voices() -> None:
    joe, both = play("Hello", voice="Kore"), play_lines([Line("Kore", "Hello"), Line("Puck", "Hello")])
    first, alone = array("h", both), array("h", joe)
    assert max(abs(first[at] - alone[at]) for at in range(len(alone) * 9 // 10)) < 10  # the same but for rounding
    assert duration_s(both) > 1.7 * duration_s(joe)
    assert play_lines([]) == bytes(len(play("")))

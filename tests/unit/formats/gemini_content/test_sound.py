import base64
import io
import wave

import pytest

from modelgate.formats.gemini_content.sound import is_raw_sound, rate_of, wav_of


@pytest.mark.parametrize(
    ("mime_type", "raw", "rate_hz"),
    [
        ("audio/L16;codec=pcm;rate=24000", True, 24_000),
        ("audio/l16; rate=16000; channels=1", True, 16_000),
        ("audio/pcm", True, 24_000),
        ("audio/wav", False, 24_000),
    ],
)
def test_raw_sound_is_known_by_its_type(mime_type: str, raw: bool, rate_hz: int) -> None:
    assert (is_raw_sound(mime_type), rate_of(mime_type)) == (raw, rate_hz)


def test_a_player_reads_what_was_made() -> None:
    samples = bytes(range(100))
    made = base64.b64decode(wav_of(base64.b64encode(samples).decode(), rate_hz=16_000))

    with wave.open(io.BytesIO(made)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.readframes(1000) == samples


def test_what_is_no_base64_is_said() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- any sentence will do
        wav_of("*", rate_hz=1)

"""The make-believe speech: a tone for each word, as raw PCM, and what may be asked about voices."""

from array import array
from math import pi, sin
from sys import byteorder
from zlib import crc32

from modelgate.core.records import Json
from modelgate.sandbox.gemini_errors import GeminiRefused

RATE_HZ = 24_000
MIME_TYPE = f"audio/L16;codec=pcm;rate={RATE_HZ}"
WORD_S = 0.25
PAUSE_S = 0.05
MAX_WORDS = 1_200
"""More words than this are not spoken: six minutes."""

TOKENS_PER_S = 25
SPEAKERS = 2
DEFAULT_VOICE = "Kore"
_AMPLITUDE = 9_000
_LOWEST_HZ = 140
_NOTES = 25
VOICES = frozenset(
    "Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib "
    "Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager "
    "Sulafat".lower().split()
)


def check_speech(speech: dict[str, Json]) -> None:
    """Refuse voices nobody has, and other numbers of speakers than two. Raises GeminiRefused."""
    several = speech.get("multiSpeakerVoiceConfig")
    if several is not None and "voiceConfig" in speech:
        raise GeminiRefused("Only one of voice_config and multi_speaker_voice_config can be set.")
    speakers = (several or {}).get("speakerVoiceConfigs", [])
    if several is not None and (len(speakers) != SPEAKERS or not all(each.get("speaker") for each in speakers)):
        raise GeminiRefused(f"multi_speaker_voice_config needs {SPEAKERS} speaker_voice_configs, each with a speaker.")
    for voiced in (speech, *speakers):
        voice = _voice_of(voiced)
        if voice.lower() not in VOICES:
            raise GeminiRefused(f"Voice name {voice[:80]} is not supported. Allowed voice names are: {', '.join(sorted(VOICES))}.")


def _voice_of(voiced: dict[str, Json]) -> str:
    name = voiced.get("voiceConfig", {}).get("prebuiltVoiceConfig", {}).get("voiceName") or DEFAULT_VOICE
    return str(name)


def speak(text: str, speech: dict[str, Json]) -> bytes:
    """Return the text as tones: 16-bit little-endian samples, one channel. A line that begins with a speaker's name has that voice."""
    speakers = {each["speaker"]: _voice_of(each) for each in speech.get("multiSpeakerVoiceConfig", {}).get("speakerVoiceConfigs", ())}
    voice, pieces, words = _voice_of(speech), [], 0
    pause = bytes(2 * round(PAUSE_S * RATE_HZ))
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        spoken = rest if colon and name.strip() in speakers else line
        voice = speakers.get(name.strip(), voice) if colon else voice
        for word in spoken.split()[: MAX_WORDS - words]:
            pieces.append(_tone(word, voice) + pause)
            words += 1
    return b"".join(pieces) or pause


def _tone(word: str, voice: str) -> bytes:
    """Return one word: a note chosen by the word and the voice, in whole periods."""
    note = crc32(f"{voice.lower()} {word.lower()}".encode("utf-8", "replace")) % _NOTES
    period = round(RATE_HZ / (_LOWEST_HZ * 2 ** (note / 12)))
    samples = array("h", (round(_AMPLITUDE * sin(2 * pi * at / period)) for at in range(period)))
    if byteorder == "big":
        samples.byteswap()
    return samples.tobytes() * round(WORD_S * RATE_HZ / period)


def count_speech(pcm: bytes) -> int:
    """Return the tokens that speech counts."""
    return max(1, len(pcm) * TOKENS_PER_S // (2 * RATE_HZ))

"""Gemini's speech: who says which line, as raw PCM, and what may be asked about voices."""

from itertools import groupby

from modelgate.core.records import Json
from modelgate.sandbox.gemini.errors import GeminiRefused
from modelgate.sandbox.sounds import RATE_HZ, duration_s, play_lines
from modelgate.sandbox.voice import Line, NoVoice

MIME_TYPE = f"audio/L16;codec=pcm;rate={RATE_HZ}"
TOKENS_PER_S = 25
SPEAKERS = 2
DEFAULT_VOICE = "Kore"
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
    """Return the text as PCM (see `sounds`). A line that begins with a speaker's name, and those after it, have that voice.

    Raises GeminiRefused: the sandbox cannot speak here.
    """
    speakers = {each["speaker"]: _voice_of(each) for each in speech.get("multiSpeakerVoiceConfig", {}).get("speakerVoiceConfigs", ())}
    voice, lines = _voice_of(speech), []
    for line in text.splitlines():
        name, colon, rest = line.partition(":")
        known = bool(colon) and name.strip() in speakers
        voice = speakers[name.strip()] if known else voice
        lines.append(Line(voice, rest if known else line))
    together = [Line(voice, "\n".join(line.text for line in group)) for voice, group in groupby(lines, key=lambda line: line.voice)]
    try:
        return play_lines(together)
    except NoVoice as error:
        raise GeminiRefused(str(error)) from None


def count_speech(pcm: bytes) -> int:
    """Return the tokens that speech counts."""
    return max(1, int(duration_s(pcm) * TOKENS_PER_S))

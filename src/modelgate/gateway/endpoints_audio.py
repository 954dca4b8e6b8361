"""The endpoints of OpenAI's sound, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_speech.schema import SpeechRequest
from modelgate.gateway.endpoints_chat import PAID_ERRORS

_TEXT = "The kite flies over the sea."

SPEECH_CASES = (
    Case(
        name="characters",
        title="A text read aloud",
        prose="Paid by characters. The file comes in pieces, as it is made.",
        request={"model": "tts-1", "input": _TEXT, "voice": "alloy", "response_format": "wav"},
    ),
    Case(
        name="tokens",
        title="In a certain manner",
        prose="Paid by tokens of the text and of the sound.",
        request={"model": "gpt-4o-mini-tts", "input": _TEXT, "voice": "coral", "instructions": "Cheerful and quick."},
    ),
    Case(
        name="events",
        title="As events",
        prose="`speech.audio.delta` with pieces in base64, at last `speech.audio.done` with the usage.",
        request={"model": "gpt-4o-mini-tts", "input": _TEXT, "voice": "coral", "stream_format": "sse"},
    ),
)

AUDIO_ENDPOINTS = (
    Endpoint(
        method="POST",
        path="/v1/audio/speech",
        name="create_speech",
        family="openai",
        home="relay",
        summary="Read a text aloud",
        description="The OpenAI speech API. The answer is a file of the wanted format, or events.",
        request=SpeechRequest,
        response=None,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        content_type="audio/mpeg",
        price_unit="character",
        cases=SPEECH_CASES,
    ),
)

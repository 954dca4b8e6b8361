"""The endpoints of OpenAI's sound, declared once."""

from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.openai_chat.reference import ErrorAnswer
from modelgate.formats.openai_speech.schema import SpeechRequest
from modelgate.formats.openai_transcriptions.reference import Transcription, TranscriptionForm, TranslationForm
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

TRANSCRIPTION_CASES = (
    Case(name="whisper", title="What was said", prose="A file in, its words out.", request={"model": "whisper-1", "file": "@kite.mp3"}),
    Case(
        name="text",
        title="By a model that counts tokens",
        prose="The newer models are paid by tokens of sound and text, and say in `usage` how many.",
        request={"model": "gpt-4o-transcribe", "file": "@kite.mp3"},
    ),
    Case(
        name="subtitles",
        title="Subtitles",
        prose="As `srt` or `vtt`; `text` is the plain text.",
        request={"model": "whisper-1", "file": "@kite.mp3", "response_format": "srt"},
    ),
    Case(
        name="words",
        title="Words and their times",
        prose="In the long form.",
        request={
            "model": "whisper-1",
            "file": "@kite.mp3",
            "response_format": "verbose_json",
            "timestamp_granularities[]": ["word", "segment"],
        },
    ),
    Case(
        name="streaming",
        title="Streaming",
        prose="The text arrives in pieces, at last whole, with the usage.",
        request={"model": "gpt-4o-transcribe", "file": "@kite.mp3", "stream": True},
    ),
    Case(
        name="speakers",
        title="Who said what",
        prose="Speakers are told apart.",
        request={
            "model": "gpt-4o-transcribe-diarize",
            "file": "@kite.mp3",
            "response_format": "diarized_json",
            "chunking_strategy": "auto",
        },
    ),
)
TRANSLATION_CASES = (
    Case(name="english", title="In English", prose="Whatever was said.", request={"model": "whisper-1", "file": "@kite.mp3"}),
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
    Endpoint(
        method="POST",
        path="/v1/audio/transcriptions",
        name="create_transcription",
        family="openai",
        home="relay",
        summary="Write down what is said",
        description="The OpenAI transcriptions API. The answer is JSON, plain text for `text`, `srt` and `vtt`, or events.",
        request=TranscriptionForm,
        response=Transcription,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        request_type="multipart/form-data",
        price_unit="second",
        cases=TRANSCRIPTION_CASES,
    ),
    Endpoint(
        method="POST",
        path="/v1/audio/translations",
        name="create_translation",
        family="openai",
        home="relay",
        summary="Write down in English what is said",
        description="The OpenAI translations API.",
        request=TranslationForm,
        response=Transcription,
        error=ErrorAnswer,
        errors=PAID_ERRORS,
        request_type="multipart/form-data",
        price_unit="second",
        cases=TRANSLATION_CASES,
    ),
)

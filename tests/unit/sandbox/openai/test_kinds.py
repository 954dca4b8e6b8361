import pytest

from modelgate.sandbox.openai.errors import Refused
from modelgate.sandbox.openai.kinds import check_kind, kind_of


@pytest.mark.parametrize(
    ("model", "kind"),
    [
        ("gpt-4o", "chat"),
        ("gpt-5-mini", "chat"),
        ("o3", "chat"),
        ("gpt-4o-audio-preview", "chat"),
        ("gpt-3.5-turbo", "chat"),
        ("gpt-3.5-turbo-instruct", "completion"),
        ("gpt-4o-mini-tts", "speech"),
        ("tts-1-hd", "speech"),
        ("gpt-4o-transcribe-diarize", "transcription"),
        ("gpt-4o-mini-transcribe", "transcription"),
        ("whisper-1", "transcription"),
        ("text-embedding-3-small", "embedding"),
        ("gpt-image-1", "image"),
        ("omni-moderation-latest", "moderation"),
        ("sandbox-slow", None),
        ("flux-dev", None),
        ("openrouter/gpt-4o", None),
    ],
)
def test_kinds(model: str, kind: str | None) -> None:
    assert kind_of(model) == kind


def test_a_model_at_the_wrong_endpoint() -> None:
    check_kind("gpt-4o", "chat")
    check_kind("anything", "image")
    with pytest.raises(Refused, match="not a chat model"):
        check_kind("whisper-1", "chat")
    with pytest.raises(Refused) as caught:
        check_kind("gpt-4o", "embedding")
    assert (caught.value.status, caught.value.param) == (403, "model")
    with pytest.raises(Refused, match="it is a chat model"):
        check_kind("gpt-4o", "speech")

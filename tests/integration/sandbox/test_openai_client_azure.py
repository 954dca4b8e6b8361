"""The official client for Azure against the sandbox."""

from collections.abc import Iterator

import openai
import pytest


@pytest.fixture
def azure(base_url: str) -> Iterator[openai.AzureOpenAI]:
    with openai.AzureOpenAI(
        azure_endpoint=f"{base_url}/azure", api_key="0123456789abcdef", api_version="2024-10-21", max_retries=0, timeout=60
    ) as made:
        yield made


def test_chats(azure: openai.AzureOpenAI) -> None:
    done = azure.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Say: yes"}])
    assert done.choices[0].message.content == "yes"
    chunks = list(azure.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Say: yes"}], stream=True))
    assert chunks[0].choices == []
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[1:]) == "yes"


def test_others(azure: openai.AzureOpenAI, base_url: str) -> None:
    assert len(azure.embeddings.create(model="text-embedding-3-small", input="a").data[0].embedding) == 1536
    spoken = azure.audio.speech.create(model="tts-1", voice="alloy", input="Hello")
    assert azure.audio.transcriptions.create(model="whisper-1", file=("a.mp3", spoken.content)).text == "Hello"
    with pytest.raises(openai.RateLimitError):
        azure.chat.completions.create(model="sandbox-error-429", messages=[{"role": "user", "content": "hi"}])
    with (
        openai.AzureOpenAI(azure_endpoint=f"{base_url}/azure", api_key="short", api_version="2024-10-21", max_retries=0) as stranger,
        pytest.raises(openai.AuthenticationError),
    ):
        stranger.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "hi"}])

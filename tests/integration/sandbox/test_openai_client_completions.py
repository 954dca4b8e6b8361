"""The official OpenAI client has prompts continued by the sandbox."""

import openai
import pytest

MODEL = "gpt-3.5-turbo-instruct"


def test_whole_and_streamed(client: openai.OpenAI) -> None:
    whole = client.completions.create(model=MODEL, prompt="Count to 5", logprobs=1)
    assert whole.choices[0].text == "1, 2, 3, 4, 5"
    assert whole.choices[0].logprobs is not None
    assert whole.usage is not None
    chunks = list(client.completions.create(model=MODEL, prompt="Count to 5", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks[:-1]) == "1, 2, 3, 4, 5"
    assert chunks[-1].usage == whole.usage


@pytest.mark.anyio
async def test_many_prompts(async_client: openai.AsyncOpenAI) -> None:
    done = await async_client.completions.create(model=MODEL, prompt=["Say: a", "Say: b"], n=2)
    assert [choice.index for choice in done.choices] == [0, 1, 2, 3]
    chunks = [chunk async for chunk in await async_client.completions.create(model=MODEL, prompt="Say: a", stream=True)]
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="chat model"):
        client.completions.create(model="gpt-4o", prompt="a")
    with pytest.raises(openai.APIError, match="server had an error"):
        list(client.completions.create(model="sandbox-error-in-stream", prompt="Count to 5", stream=True))

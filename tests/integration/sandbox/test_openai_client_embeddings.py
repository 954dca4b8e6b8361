"""The official OpenAI client asks the sandbox for embeddings."""

import openai
import pytest


def test_vectors_arrive_by_either_encoding(client: openai.OpenAI) -> None:
    by_default = client.embeddings.create(model="text-embedding-3-small", input="good morning")  # the client asks for base64
    as_floats = client.embeddings.create(model="text-embedding-3-small", input="good morning", encoding_format="float")
    assert by_default.data[0].embedding == pytest.approx(as_floats.data[0].embedding)
    assert len(by_default.data[0].embedding) == 1536
    assert by_default.usage.total_tokens == 2


@pytest.mark.anyio
async def test_many_inputs(async_client: openai.AsyncOpenAI) -> None:
    done = await async_client.embeddings.create(model="text-embedding-3-large", input=["a", "b", "c"], dimensions=256)
    assert [(each.index, len(each.embedding)) for each in done.data] == [(0, 256), (1, 256), (2, 256)]


def test_errors(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(model="text-embedding-3-small", input="")
    assert caught.value.param == "input"
    with pytest.raises(openai.RateLimitError):
        client.embeddings.create(model="sandbox-error-429", input="a")

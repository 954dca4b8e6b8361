"""The official OpenAI client has texts judged by the sandbox."""

import openai
import pytest


def test_texts_and_pictures(client: openai.OpenAI) -> None:
    judged = client.moderations.create(input=["I will murder him", "good morning"])
    assert [result.flagged for result in judged.results] == [True, False]
    assert judged.results[0].categories.violence
    assert judged.results[0].category_applied_input_types.violence == ["text"]
    parts = [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert len(client.moderations.create(model="omni-moderation-latest", input=parts).results) == 1  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_errors(async_client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        await async_client.moderations.create(input=[])
    with pytest.raises(openai.InternalServerError):
        await async_client.moderations.create(input="a", model="sandbox-error-500")

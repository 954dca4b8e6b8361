"""The official OpenAI client makes responses at the sandbox, and comes back to them."""

import base64
import io
import json
import time
from typing import Any

import openai
import pydantic
import pytest
from PIL import Image

DONE_S = 60.0
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "strict": True,
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class Book(pydantic.BaseModel):
    title: str
    year: int


def test_plain(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="Say: good morning", instructions="Be kind")
    assert (made.output_text, made.status) == ("good morning", "completed")
    assert made.usage is not None
    assert made.usage.total_tokens == made.usage.input_tokens + 2
    assert client.responses.retrieve(made.id) == made


@pytest.mark.anyio
async def test_stream(async_client: openai.AsyncOpenAI) -> None:
    events = [event async for event in await async_client.responses.create(model="gpt-4o", input="Count to 9", stream=True)]
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert "".join(event.delta for event in events if event.type == "response.output_text.delta") == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert events[-1].type == "response.completed"
    assert events[-1].response.usage is not None


def test_stream_helper_and_reasoning(client: openai.OpenAI) -> None:
    with client.responses.stream(model="gpt-5", input="Say: yes", reasoning={"effort": "low", "summary": "auto"}) as stream:
        seen = [event.type for event in stream]
        final = stream.get_final_response()
    assert final.output_text == "yes"
    assert "response.reasoning_summary_text.delta" in seen
    assert final.output[0].type == "reasoning"
    assert "Say: yes" in final.output[0].summary[0].text


def test_parallel_calls_and_the_turn_after(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="Weather in Paris and Oslo?", tools=[WEATHER])
    calls = [item for item in made.output if item.type == "function_call"]
    assert [json.loads(call.arguments) for call in calls] == [{"city": "Paris"}, {"city": "Oslo"}]
    outputs: Any = [{"type": "function_call_output", "call_id": call.call_id, "output": f"{n} degrees"} for n, call in enumerate(calls)]
    after = client.responses.create(model="gpt-4o", input=outputs, previous_response_id=made.id, tools=[WEATHER])
    assert after.output_text == "According to get_weather: 0 degrees According to get_weather: 1 degrees"
    history: Any = [{"role": "user", "content": "Weather in Paris and Oslo?"}, *made.output, *outputs]
    assert client.responses.create(model="gpt-4o", input=history, tools=[WEATHER], store=False).output_text == after.output_text


def test_parsed(client: openai.OpenAI) -> None:
    made = client.responses.parse(model="gpt-4o", input="A book from 1984", text_format=Book)
    assert isinstance(made.output_parsed, Book)
    assert made.output_parsed.year == 1984


def test_pictures(client: openai.OpenAI) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 32), (220, 30, 30)).save(buffer, "PNG")
    url = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    content: Any = [{"type": "input_text", "text": "What is this?"}, {"type": "input_image", "image_url": url, "detail": "auto"}]
    made = client.responses.create(model="gpt-4o", input=[{"role": "user", "content": content}])
    assert made.output_text == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


def test_coming_back(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="Hello")
    (item,) = client.responses.input_items.list(made.id)
    assert item.type == "message"
    assert client.responses.input_tokens.count(model="gpt-4o", input="Hello").input_tokens == made.usage.input_tokens  # type: ignore[union-attr]
    client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model="gpt-4o", input="Hello", previous_response_id=made.id)
    assert caught.value.code == "previous_response_not_found"


def test_in_the_background(client: openai.OpenAI) -> None:
    made = client.responses.create(model="gpt-4o", input="Say: done", background=True)
    assert made.status == "queued"
    ends = time.monotonic() + DONE_S
    while (seen := client.responses.retrieve(made.id)).status != "completed" and time.monotonic() < ends:
        time.sleep(0.05)
    assert seen.output_text == "done"
    assert [event.type for event in client.responses.retrieve(made.id, stream=True)][-1] == "response.completed"
    other = client.responses.create(model="gpt-4o", input="magic: slow-task\nSay: done", background=True)
    assert client.responses.cancel(other.id).status == "cancelled"


@pytest.mark.parametrize("status", [400, 401, 429, 500, 529])
@pytest.mark.parametrize("stream", [False, True])
def test_provoked_errors(client: openai.OpenAI, status: int, stream: bool) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        client.responses.create(model=f"sandbox-error-{status}", input="hi", stream=stream)
    assert caught.value.status_code == status


def test_broken_streams(client: openai.OpenAI) -> None:
    failed = list(client.responses.create(model="sandbox-error-in-stream", input="Count to 20", stream=True))
    assert failed[-1].type == "error"
    assert failed[-1].code == "server_error"
    for word in ("cut-stream", "malformed-chunk"):
        with pytest.raises(Exception, match=r"."):
            list(client.responses.create(model=f"sandbox-{word}", input="Count to 20", stream=True))

"""LlamaIndex's OpenAI classes through a running gateway, with models of every vendor."""

from typing import Any

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.tools import FunctionTool
from llama_index.embeddings.openai import OpenAIEmbedding
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.openai import OpenAI, OpenAIResponses
from llama_index.llms.openai_like import OpenAILike
from pydantic import BaseModel
from tests.installation import RunningInstallation

MODELS = ["gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash", "gemini-3-pro-preview"]


class Book(BaseModel):
    """A book."""

    title: str
    year: int


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


def make_model(installation: RunningInstallation, model: str) -> OpenAILike:
    return OpenAILike(
        model=model,
        api_base=f"{installation.base_url}/v1",
        api_key=installation.test_key,
        is_chat_model=True,
        is_function_calling_model=True,
        max_retries=0,
    )


def user(text: str) -> list[ChatMessage]:
    return [ChatMessage(role=MessageRole.USER, content=text)]


@pytest.mark.parametrize("model", MODELS)
def test_chat_and_stream(installation: RunningInstallation, model: str) -> None:
    made = make_model(installation, model)
    assert made.chat(user("Say: good morning")).message.content == "good morning"
    assert "".join(chunk.delta or "" for chunk in made.stream_chat(user("Count to 9"))) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert made.complete("Say: yes").text == "yes"


@pytest.mark.anyio
@pytest.mark.parametrize("model", MODELS)
async def test_asynchronous(installation: RunningInstallation, model: str) -> None:
    made = make_model(installation, model)
    assert (await made.achat(user("Count to 3"))).message.content == "1, 2, 3"
    assert "".join([chunk.delta or "" async for chunk in await made.astream_chat(user("Count to 9"))]) == "1, 2, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize("model", MODELS)
def test_tools(installation: RunningInstallation, model: str) -> None:
    made, tool = make_model(installation, model), FunctionTool.from_defaults(get_weather)
    asked = made.chat_with_tools([tool], user_msg="What is the weather in Oslo?")
    (call,) = made.get_tool_calls_from_response(asked)
    assert (call.tool_name, call.tool_kwargs) == ("get_weather", {"city": "Oslo"})
    result = ChatMessage(role=MessageRole.TOOL, content=str(tool(**call.tool_kwargs)), additional_kwargs={"tool_call_id": call.tool_id})
    history = [*user("What is the weather in Oslo?"), asked.message, result]
    ended = made.chat_with_tools([tool], chat_history=history)
    assert ended.message.content == "According to get_weather: sunny in Oslo"
    at_once: Any = made.predict_and_call([tool], user_msg="What is the weather in Oslo?")
    assert "sunny in Oslo" in str(at_once)


@pytest.mark.parametrize("model", MODELS)
def test_structured_answers(installation: RunningInstallation, model: str) -> None:
    book = make_model(installation, model).as_structured_llm(Book).complete("A book from 1984").raw
    assert isinstance(book, Book)
    assert book.year == 1984


def test_its_openai_class(installation: RunningInstallation) -> None:
    fields: dict[str, Any] = {"api_base": f"{installation.base_url}/v1", "api_key": installation.test_key, "max_retries": 0}
    assert OpenAI(model="gpt-4o-mini", **fields).complete("Say: good morning").text == "good morning"
    assert OpenAI(model="o4-mini", **fields).complete("Say: yes").text == "yes"
    made = OpenAIResponses(model="gpt-4o-mini", **fields)
    assert made.chat(user("Say: good morning")).message.content == "good morning"
    assert "".join(chunk.delta or "" for chunk in made.stream_chat(user("Count to 9"))) == "1, 2, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize("model", ["text-embedding-3-small", "gemini-embedding-001"])
def test_embeddings(installation: RunningInstallation, model: str) -> None:
    fields: dict[str, Any] = {"api_base": f"{installation.base_url}/v1", "api_key": installation.test_key, "max_retries": 0}
    made: Any = OpenAIEmbedding(model=model, **fields) if model.startswith("text") else OpenAILikeEmbedding(model_name=model, **fields)
    one, two = made.get_text_embedding_batch(["The cat sits on the mat.", "Quarterly revenue rose."])
    assert len(one) == len(two) > 100
    assert made.get_text_embedding("The cat sits on the mat.") == one
    assert len(made.get_query_embedding("cats")) == len(one)

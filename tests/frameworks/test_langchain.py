"""LangChain's OpenAI classes through a running gateway, with models of every vendor."""

import base64
import io
import math
import struct
import zlib
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings
from pydantic import BaseModel
from tests.installation import RunningInstallation

MODELS = ["gpt-4o-mini", "claude-haiku-4-5", "gemini-2.5-flash"]
THINKING = ["o4-mini", "claude-sonnet-4-5", "gemini-3-pro-preview"]


class Book(BaseModel):
    """A book."""

    title: str
    year: int


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"sunny in {city}"


@tool
def get_time(zone: str) -> str:
    """Tell the time of a zone."""
    return f"noon in {zone}"


def make_chat(installation: RunningInstallation, model: str, **fields: Any) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{installation.base_url}/v1", api_key=installation.test_key, max_retries=0, **fields)


@pytest.mark.parametrize("model", MODELS)
def test_chat(installation: RunningInstallation, model: str) -> None:
    done = make_chat(installation, model).invoke([SystemMessage("Be kind"), HumanMessage("Say: good morning")])
    assert done.content == "good morning"
    assert done.response_metadata["finish_reason"] == "stop"
    assert done.usage_metadata is not None
    assert done.usage_metadata["output_tokens"] >= 2


@pytest.mark.parametrize("model", MODELS)
def test_stream(installation: RunningInstallation, model: str) -> None:
    chunks = list(make_chat(installation, model, stream_usage=True).stream("Count to 9"))
    assert "".join(str(chunk.content) for chunk in chunks) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    assert len(chunks) > 5
    assert sum(chunk.usage_metadata is not None for chunk in chunks) == 1


@pytest.mark.anyio
async def test_asynchronous(installation: RunningInstallation) -> None:
    for model in MODELS:  # in one loop, because the framework keeps its connections for all of its models
        chat = make_chat(installation, model)
        assert (await chat.ainvoke("Count to 3")).content == "1, 2, 3"
        assert "".join([str(chunk.content) async for chunk in chat.astream("Count to 9")]) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
        both = await chat.abatch(["Say: one", "Say: two"])
        assert [each.content for each in both] == ["one", "two"]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("model", [*MODELS, *THINKING])
def test_tools(installation: RunningInstallation, model: str, streamed: bool) -> None:
    fields: dict[str, Any] = {"reasoning_effort": "low"} if model in THINKING else {}
    chat = make_chat(installation, model, **fields).bind_tools([get_weather, get_time])
    messages: list[Any] = [HumanMessage("Get both the weather and the time in Oslo")]
    if streamed:
        whole: Any = None
        for chunk in chat.stream(messages):
            whole = chunk if whole is None else whole + chunk
        done = whole
    else:
        done = chat.invoke(messages)
    assert isinstance(done, AIMessage)
    assert [(call["name"], call["args"]) for call in done.tool_calls] == [("get_weather", {"city": "Oslo"}), ("get_time", {"zone": "Oslo"})]
    tools = {"get_weather": get_weather, "get_time": get_time}
    messages += [done, *(tools[call["name"]].invoke(call) for call in done.tool_calls)]
    assert all(isinstance(message, ToolMessage) for message in messages[2:])
    ended = chat.invoke(messages)
    assert ended.content == "According to get_weather: sunny in Oslo According to get_time: noon in Oslo"


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
@pytest.mark.parametrize("model", MODELS)
def test_structured_answers(installation: RunningInstallation, model: str, method: Any) -> None:
    book = make_chat(installation, model).with_structured_output(Book, method=method).invoke("A book from 1984")
    assert isinstance(book, Book)
    assert book.year == 1984


@pytest.mark.parametrize("model", MODELS)
def test_pictures(installation: RunningInstallation, model: str) -> None:
    url = f"data:image/png;base64,{base64.b64encode(red_picture(64, 32)).decode()}"
    content: list[Any] = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": url}}]
    done = make_chat(installation, model).invoke([HumanMessage(content)])
    assert done.content == "Picture 1 is a PNG of 64x32 pixels; its dominant colour is red."


def red_picture(width: int, height: int) -> bytes:
    """Return a PNG without a library: this environment has none that draws."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xdc\x1e\x1e" * width) * height
    out = io.BytesIO(b"\x89PNG\r\n\x1a\n")
    out.seek(0, io.SEEK_END)
    out.write(chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
    out.write(chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return out.getvalue()


@pytest.mark.parametrize("model", MODELS)
def test_responses(installation: RunningInstallation, model: str) -> None:
    chat = make_chat(installation, model, use_responses_api=True)
    assert chat.invoke("Say: good morning").text == "good morning"
    assert "".join(chunk.text for chunk in chat.stream("Count to 9")) == "1, 2, 3, 4, 5, 6, 7, 8, 9"
    bound = chat.bind_tools([get_weather])
    messages: list[Any] = [HumanMessage("What is the weather in Oslo?")]
    done = bound.invoke(messages)
    messages += [done, *(get_weather.invoke(call) for call in done.tool_calls)]
    assert bound.invoke(messages).text == "According to get_weather: sunny in Oslo"


@pytest.mark.parametrize("model", ["gpt-3.5-turbo-instruct", *MODELS[1:]])
def test_legacy_completions(installation: RunningInstallation, model: str) -> None:
    made = OpenAI(model=model, base_url=f"{installation.base_url}/v1", api_key=installation.test_key, max_retries=0)
    assert made.invoke("Say: good morning").strip() == "good morning"
    assert "".join(made.stream("Count to 9")) == "1, 2, 3, 4, 5, 6, 7, 8, 9"


@pytest.mark.parametrize("as_tokens", [False, True])
@pytest.mark.parametrize("model", ["text-embedding-3-small", "gemini-embedding-001"])
def test_embeddings(installation: RunningInstallation, model: str, as_tokens: bool) -> None:
    if as_tokens and model.startswith("gemini"):
        pytest.skip("numbers of OpenAI's tokens mean nothing to another vendor")
    embeddings = OpenAIEmbeddings(
        model=model,
        base_url=f"{installation.base_url}/v1",
        api_key=installation.test_key,
        check_embedding_ctx_length=as_tokens,
        tiktoken_model_name="gpt-4o",
        max_retries=0,
    )
    one, two, other = embeddings.embed_documents(["The cat sits on the mat.", "A cat sat on a mat.", "Quarterly revenue rose."])
    assert math.isclose(sum(value * value for value in one), 1, abs_tol=1e-3)
    near, far = (sum(a * b for a, b in zip(one, vector, strict=True)) for vector in (two, other))
    assert near > far
    assert len(embeddings.embed_query("The cat sits on the mat.")) == len(one)

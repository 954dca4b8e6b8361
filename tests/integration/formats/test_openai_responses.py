"""The dialect against the make-believe vendor, which checks every request as strictly as the real one."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.core.errors import InvalidRequest
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS, UpstreamCall
from modelgate.formats.chat.collect import Collector
from modelgate.formats.chat.request import (
    ChatRequest,
    File,
    Image,
    Message,
    OutputFormat,
    Reasoning,
    Refusal,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from modelgate.formats.chat.response import ChatResponse
from modelgate.formats.chat.wire_format import StreamRelay
from modelgate.formats.openai_responses import verbs
from modelgate.formats.openai_responses.wire import WIRE_FORMAT
from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai import OpenaiSandbox
from modelgate.sandbox.tokens import Tokenizer

DOT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
WEATHER = Tool(
    name="get_weather",
    schema={"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False},
    strict=True,
)


class Ids:
    def seal(self, vendor_id: str) -> str:
        return f"our-{vendor_id}"

    def open(self, our_id: str) -> str:
        if not our_id.startswith("our-"):
            raise InvalidRequest("Not made here.")
        return our_id.removeprefix("our-")


@pytest.fixture(scope="module")
def vendor() -> Iterator[TestClient]:
    sandbox = OpenaiSandbox(tokenizer=Tokenizer(), counter=Counter(), clock=lambda: 1_790_000_000.0)
    with TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://vendor.example") as client:
        client.headers["authorization"] = "Bearer sk-sandbox"
        yield client


def sent(vendor: TestClient, call: Any) -> bytes:
    method = call.method if isinstance(call, UpstreamCall) else "POST"
    answer = vendor.request(method, "/openai/v1" + call.path, content=bytes(call.body), headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    return answer.content


def asked(vendor: TestClient, request: ChatRequest, model: str = "gpt-4o") -> ChatResponse:
    """Ask whole and streamed; both must say the same."""
    whole = WIRE_FORMAT.decode_response(sent(vendor, WIRE_FORMAT.encode_request(request, model, NO_QUIRKS)))
    data = sent(vendor, WIRE_FORMAT.encode_request(msgspec.structs.replace(request, stream=True), model, NO_QUIRKS))
    collector, decoder = Collector(), WIRE_FORMAT.make_decoder()
    for event in [*decoder.feed(data), *decoder.finish()]:
        collector.add(event)
    assert collector.is_done
    streamed = collector.response()
    assert streamed.usage == whole.usage
    assert [type(part) for part in streamed.choices[0].parts] == [type(part) for part in whole.choices[0].parts]
    return whole


def said(*parts: Any, **more: Any) -> ChatRequest:
    return ChatRequest(model="m", messages=(Message(role="user", parts=parts),), **more)


def test_plain(vendor: TestClient) -> None:
    answer = asked(vendor, said(Text(text="Say: good morning"), system=(Text(text="Be kind."),), temperature=0.5, max_output_tokens=50))
    assert answer.choices[0].parts == (Text(text="good morning"),)
    assert answer.usage is not None
    assert answer.usage.output_tokens == 2


def test_media(vendor: TestClient) -> None:
    asked(
        vendor,
        said(Text(text="What is this?"), Image(data=DOT, media_type="image/png"), File(media_type="application/pdf", data="JVBERi0xLjQK")),
    )


def test_reasoning_and_tools_over_two_turns(vendor: TestClient) -> None:
    question = said(
        Text(text="What is the weather in Paris?"),
        tools=(WEATHER,),
        tool_choice=ToolChoice(mode="required"),
        reasoning=Reasoning(effort="low", show=True),
    )
    answer = asked(vendor, question, "gpt-5")
    (choice,) = answer.choices
    assert choice.finish == "tool_calls"
    thinking = choice.parts[0]
    assert isinstance(thinking, Thinking)
    assert thinking.sealed
    calls = [part for part in choice.parts if isinstance(part, ToolCall)]
    results = tuple(ToolResult(call_id=call.id, name=call.name, parts=(Text(text="18 °C"),)) for call in calls)
    turns = (*question.messages, Message(role="assistant", parts=choice.parts), Message(role="user", parts=results))
    asked(vendor, msgspec.structs.replace(question, messages=turns, tool_choice=ToolChoice(mode="auto")), "gpt-5")


def test_structured_output_and_logprobs(vendor: TestClient) -> None:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"], "additionalProperties": False}
    answer = asked(vendor, said(Text(text="Greet."), output=OutputFormat(kind="schema", name="greeting", schema=schema, strict=True)))
    (text,) = answer.choices[0].parts
    assert isinstance(text, Text)
    assert set(json.loads(text.text)) == {"text"}
    assert asked(vendor, said(Text(text="Say: yes"), logprobs=True, top_logprobs=2)).choices[0].logprobs


def test_custom_tools_and_history_of_another_vendor(vendor: TestClient) -> None:
    turns = (
        Message(role="user", parts=(Text(text="Count."),)),
        Message(
            role="assistant",
            parts=(
                Thinking(text="Hm.", signature="sig", format="anthropic_messages"),
                Text(text="I count."),
                Refusal(text="Not that."),
                ToolCall(id="toolu_1", name="sql", arguments="select 1", custom=True),
                Image(data=DOT, media_type="image/png"),
            ),
        ),
        Message(
            role="user", parts=(ToolResult(call_id="toolu_1", name="sql", parts=(Text(text="1"),), custom=True), Text(text="Say: one"))
        ),
    )
    answer = asked(
        vendor, ChatRequest(model="m", messages=turns, tools=(Tool(name="sql", custom=True),), tool_choice=ToolChoice(mode="none"))
    )
    assert answer.choices[0].parts == (Text(text="one"),)


def passed(vendor: TestClient, **body: Any) -> tuple[Any, StreamRelay | None]:
    """What a client of this dialect gets from an upstream of it."""
    request = HttpRequest(method="POST", path="/v1/responses", headers=HeaderBlock(), body=json.dumps({"model": "alias", **body}).encode())
    peek = WIRE_FORMAT.peek(request)
    data = sent(vendor, WIRE_FORMAT.pass_request(request, peek, "gpt-4o", NO_QUIRKS, Ids()))
    if not body.get("stream"):
        return json.loads(bytes(WIRE_FORMAT.pass_response(data, peek, True, Ids()).body)), None
    tap = WIRE_FORMAT.make_tap(peek, True, Ids())
    out = b"".join(tap.feed(data[at : at + 7]) for at in range(0, len(data), 7)) + tap.finish() + tap.final
    events = [json.loads(event.partition(b"data: ")[2]) for event in out.split(b"\n\n")[:-1]]
    assert {event["response"]["model"] for event in events if "response" in event} == {"alias"}
    return events[-1]["response"], tap


def test_a_stored_answer_is_gone_on_from_and_fetched_under_our_id(vendor: TestClient) -> None:
    first, tap = passed(vendor, input="Say: one", stream=True)
    assert tap is not None
    assert (tap.is_done, tap.text, first["model"]) == (True, "one", "alias")
    assert tap.usage is not None
    assert first["id"].startswith("our-resp_")
    second, _ = passed(vendor, input="Say: two", previous_response_id=first["id"])
    assert (second["previous_response_id"], second["usage"]["input_tokens"] > first["usage"]["input_tokens"]) == (first["id"], True)
    fetched = json.loads(verbs.seal_stored(sent(vendor, verbs.fetch_call(second["id"], NO_QUIRKS, Ids())), Ids(), model="alias"))
    assert fetched == second
    items = json.loads(sent(vendor, verbs.input_items_call(second["id"], NO_QUIRKS, Ids(), query="limit=1&order=desc")))
    assert items["data"][0]["content"][0]["text"] == "Say: two"
    counted = json.loads(sent(vendor, verbs.input_tokens_call(b'{"model":"alias","input":"Hi"}', "gpt-4o", NO_QUIRKS, Ids())))
    assert counted["input_tokens"] > 0
    deleted = json.loads(verbs.seal_stored(sent(vendor, verbs.delete_call(second["id"], NO_QUIRKS, Ids())), Ids()))
    assert (deleted["id"], deleted["deleted"]) == (second["id"], True)


def test_an_error_in_the_stream_ends_it(vendor: TestClient) -> None:
    data = sent(vendor, WIRE_FORMAT.encode_request(said(Text(text="Count to 9\nmagic: error-in-stream"), stream=True), "gpt-4o", NO_QUIRKS))
    decoder, collector = WIRE_FORMAT.make_decoder(), Collector()
    for event in decoder.feed(data):
        collector.add(event)
    assert collector.failed is not None
    assert not collector.is_done

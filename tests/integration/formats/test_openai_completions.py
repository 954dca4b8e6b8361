"""Legacy completions against the make-believe vendor."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.chat.collect import Collector
from modelgate.formats.chat.request import Text
from modelgate.formats.openai_completions.wire import WIRE_FORMAT
from modelgate.sandbox.count import Counter
from modelgate.sandbox.openai import OpenaiSandbox
from modelgate.sandbox.tokens import Tokenizer

MODEL = "gpt-3.5-turbo-instruct"


class NoIds:
    def seal(self, vendor_id: str) -> str:
        return vendor_id

    def open(self, our_id: str) -> str:
        return our_id


@pytest.fixture(scope="module")
def vendor() -> Iterator[TestClient]:
    sandbox = OpenaiSandbox(tokenizer=Tokenizer(), counter=Counter(), clock=lambda: 1_790_000_000.0)
    with TestClient(Starlette(routes=list(sandbox.routes())), base_url="http://vendor.example") as client:
        client.headers.update({"authorization": "Bearer sk-sandbox", "content-type": "application/json"})
        yield client


def asked(**body: Any) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/completions", headers=HeaderBlock(), body=json.dumps({"model": "alias", **body}).encode())


def sent(vendor: TestClient, path: str, body: bytes | bytearray) -> bytes:
    answer = vendor.post("/v1" + path, content=bytes(body))
    assert answer.status_code == 200, answer.text
    return answer.content


def test_several_prompts_pass(vendor: TestClient) -> None:
    request = asked(prompt=["Say: one", "Say: two"], max_tokens=5)
    peek = WIRE_FORMAT.peek(request)
    ask = WIRE_FORMAT.pass_request(request, peek, MODEL, NO_QUIRKS, NoIds())
    found = WIRE_FORMAT.pass_response(sent(vendor, ask.path, ask.body), peek, True, NoIds())
    answer = json.loads(bytes(found.body))
    assert (answer["model"], len(answer["choices"]), peek.n) == ("alias", 2, 2)
    assert found.usage is not None


def test_a_stream_passes(vendor: TestClient) -> None:
    request = asked(prompt="Say: one", stream=True)
    peek = WIRE_FORMAT.peek(request)
    ask = WIRE_FORMAT.pass_request(request, peek, MODEL, NO_QUIRKS, NoIds())
    tap = WIRE_FORMAT.make_tap(peek, True, NoIds())
    out = tap.feed(sent(vendor, ask.path, ask.body))
    assert (tap.is_done, tap.text.strip(), b'"choices":[]' in out) == (True, "one", False)
    assert tap.usage is not None


@pytest.mark.parametrize("stream", [True, False])
def test_a_translated_text_is_continued(vendor: TestClient, stream: bool) -> None:
    request = asked(prompt="Say: one", stream=stream, max_tokens=5)
    ask = WIRE_FORMAT.encode_request(WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request)), MODEL, NO_QUIRKS)
    data = sent(vendor, ask.path, ask.body)
    if stream:
        collector = Collector()
        for event in WIRE_FORMAT.make_decoder().feed(data):
            collector.add(event)
        assert collector.is_done
        answer = collector.response()
    else:
        answer = WIRE_FORMAT.decode_response(data)
    (part,) = answer.choices[0].parts
    assert isinstance(part, Text)
    assert part.text.strip() == "one"
    assert answer.usage is not None

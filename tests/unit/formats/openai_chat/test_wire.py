"""The dialect as the pipeline sees it: every file of testdata/openai_chat, and what files cannot show."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.formats.openai_chat.conftest import shown

from modelgate.core.errors import InvalidRequest, UpstreamFailed
from modelgate.core.http import HeaderBlock, HttpRequest
from modelgate.core.providers import NO_QUIRKS
from modelgate.formats.chat.events import StreamEvent
from modelgate.formats.chat.wire_format import AnswerHead, UnreadableAnswer, load_wire_formats
from modelgate.formats.openai_chat.peek import peek_request
from modelgate.formats.openai_chat.wire import WIRE_FORMAT

FOLDER = Path(__file__).parents[3] / "testdata" / "openai_chat"
HEAD = AnswerHead(model="caller-model", created=1_700_000_000, request_id="req_abc123")
ASKED = {"model": "caller-model", "messages": [{"role": "user", "content": "hi"}]}


def request_of(body: Any) -> HttpRequest:
    return HttpRequest(method="POST", path="/v1/chat/completions", headers=HeaderBlock(), body=json.dumps(body).encode())


def request_outcome(given: Any) -> Any:
    request = request_of(given)
    try:
        hub = WIRE_FORMAT.decode_request(request, WIRE_FORMAT.peek(request))
        ask = WIRE_FORMAT.encode_request(hub, "upstream-model", NO_QUIRKS)
    except InvalidRequest as error:
        return {"error": {"message": error.message, "param": error.param, "code": error.code}}
    return {"hub": shown(hub), "again": json.loads(ask.body), "ignored": list(ask.ignored)}


def answer_outcome(given: Any) -> Any:
    """`given`: the upstream's body, and under `asked` what the client's request said besides."""
    try:
        hub = WIRE_FORMAT.decode_response(json.dumps(given["answer"]).encode())
    except UnreadableAnswer as error:
        return {"unreadable": str(error)}
    peek = WIRE_FORMAT.peek(request_of({**ASKED, **given.get("asked", {})}))
    return {"hub": shown(hub), "again": json.loads(WIRE_FORMAT.encode_response(hub, peek, HEAD))}


def stream_outcome(given: Any, *, size: int = 1_000_000) -> Any:
    data = "".join(given["chunks"]).encode()
    decoder = WIRE_FORMAT.make_decoder()
    events: list[StreamEvent] = [event for at in range(0, len(data), size) for event in decoder.feed(data[at : at + size])]
    events += decoder.finish()
    peek = WIRE_FORMAT.peek(request_of({**ASKED, "stream": True, **given.get("asked", {})}))
    encoder = WIRE_FORMAT.make_encoder(peek, HEAD)
    again = b"".join(encoder.encode(event) for event in events).decode().split("\n\n")
    assert again.pop() == ""
    return {"hub": shown(events), "again": again}


def error_outcome(given: Any) -> Any:
    body = given["body"] if isinstance(given["body"], str) else json.dumps(given["body"])
    return shown(WIRE_FORMAT.decode_error(given["status"], body.encode()))


OUTCOMES = {"request": request_outcome, "answer": answer_outcome, "stream": stream_outcome, "error": error_outcome}
CASES = [(kind, path) for kind in OUTCOMES for path in sorted((FOLDER / kind).glob("*.input.json"))]


def expected_of(path: Path) -> Any:
    return json.loads(path.with_name(path.name.replace(".input.", ".output.")).read_bytes())


def test_the_folders_of_cases_are_found() -> None:
    assert {kind for kind, _ in CASES} == set(OUTCOMES)
    assert len(CASES) > 40


@pytest.mark.parametrize(
    ("kind", "path"), CASES, ids=lambda value: value.name.removesuffix(".input.json") if isinstance(value, Path) else value
)
def test_input_beside_output(kind: str, path: Path) -> None:
    assert OUTCOMES[kind](json.loads(path.read_bytes())) == expected_of(path)


@pytest.mark.parametrize("path", sorted((FOLDER / "stream").glob("*.input.json")), ids=lambda path: path.name)
def test_streams_cut_at_every_byte(path: Path) -> None:
    assert stream_outcome(json.loads(path.read_bytes()), size=1) == expected_of(path)


def test_the_dialect_is_found_by_its_name() -> None:
    assert load_wire_formats()["openai_chat"] is WIRE_FORMAT


def test_streams_are_server_sent_events(ask) -> None:
    assert WIRE_FORMAT.stream_type(peek_request(ask())) == b"text/event-stream; charset=utf-8"
    assert WIRE_FORMAT.keep_alive.startswith(b":")


def test_an_overloaded_vendor_of_another_dialect_is_told_as_503() -> None:
    answer = WIRE_FORMAT.encode_error(UpstreamFailed("full", status=529), "req_1")
    assert answer.status == 503
    assert b'"code":"overloaded_error"' in bytes(answer.body)  # type: ignore[arg-type]

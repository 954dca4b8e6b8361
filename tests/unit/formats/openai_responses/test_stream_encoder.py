"""The official client's own reader of streams puts the answer together; every event is valid by its types."""

import json
from pathlib import Path
from typing import Any

import pytest
from openai import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

DATA = Path(__file__).parents[3] / "testdata" / "openai_responses" / "encode-stream"
CASES = sorted(DATA.glob("*.output.json"))
_events: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def events_of(path: Path) -> list[dict[str, Any]]:
    wire = "".join(json.loads(path.read_text()))
    assert wire.endswith("\n\n")
    events = []
    for event in wire.split("\n\n")[:-1]:
        name, data = event.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name)
def test_the_official_client_reads_it(path: Path) -> None:
    events = events_of(path)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    state: ResponseStreamState[None] = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in events:
        state.handle_event(_events.validate_python(event))
    last = events[-1]
    assert last["type"] in ("response.completed", "response.incomplete")
    Response.model_validate(last["response"])
    if last["type"] == "response.completed":
        done = [
            event["item"] for event in sorted(events, key=lambda one: one.get("output_index", -1)) if event["type"].endswith("item.done")
        ]
        assert state._completed_response is not None
        assert [item["id"] for item in done] == [item["id"] for item in last["response"]["output"]]

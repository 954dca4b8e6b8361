"""Every way to use a relay's endpoints that the documentation shows, sent as it is shown: it works, and is answered as is shown.

With MODELGATE_RECORD=1 the answers are written anew. Look at the difference: words of the sandbox may have been made readable by hand.
"""

import io
import os
from collections.abc import Iterator

import msgspec
import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.portal.answers import differences, event_shapes, send_example, shortened

from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.gateway.endpoints import endpoint_table
from modelgate.portal.examples import example_of
from modelgate.portal.pages import Example
from modelgate.portal.texts import FOLDER, parse_answer, render_answer

IS_RECORDING = os.environ.get("MODELGATE_RECORD") == "1"
CASES = [(endpoint, case) for endpoint in endpoint_table(load_media_families()) if endpoint.home == "relay" for case in endpoint.cases]
KEPT_ID = "resp_mg1kZ3"


def name_of(value: object) -> str:
    return value.name if isinstance(value, Endpoint | Case) else ""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("cases") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def files(installation: Installation) -> dict[str, bytes]:
    """Return the files that forms name: speech that the sandbox can hear, and a square picture."""
    picture = io.BytesIO()
    Image.new("RGBA", (512, 512), (200, 30, 40, 255)).save(picture, "PNG")
    with openai.OpenAI(api_key=installation.test_key, base_url=f"{installation.base_url}/v1") as client:
        speech = client.audio.speech.create(model="tts-1", input="The kite flies over the sea.", voice="alloy", response_format="mp3")
        return {"kite.png": picture.getvalue(), "kite.mp3": speech.content}


@pytest.fixture
def response_id(installation: Installation) -> str:
    """Return the id of an answer that is kept."""
    asked = Example(
        method="POST",
        path="/v1/responses",
        content_type="application/json",
        body={"model": "gpt-4o-mini", "input": "Say hello.", "store": True},
    )
    return str(send_example(installation.base_url, asked, key=installation.test_key, files={}).body["id"])


@pytest.mark.parametrize(("endpoint", "case"), CASES, ids=name_of)
def test_a_case_is_answered_as_is_shown(
    installation: Installation, files: dict[str, bytes], response_id: str, endpoint: Endpoint, case: Case
) -> None:
    path = FOLDER / "answers" / f"{endpoint.name}-{case.name}.http"
    example = example_of(endpoint, case, None)
    sent = msgspec.structs.replace(example, path=example.path.replace(KEPT_ID, response_id))
    answer = send_example(installation.base_url, sent, key=installation.test_key, files=files)
    assert answer.status == case.status, answer
    if IS_RECORDING and case.response is None:
        path.write_text(render_answer(shortened(answer)).replace(response_id, KEPT_ID), encoding="utf-8")
    if case.response is not None:
        assert differences(case.response, answer.body) == []
        return
    kept = parse_answer(path.read_text(encoding="utf-8"))
    assert (kept.status, kept.content_type) == (answer.status, answer.content_type)
    if kept.content_type == "text/event-stream":
        assert event_shapes(kept.body) <= event_shapes(answer.body)
    else:
        assert differences(kept.body, answer.body) == []


def test_a_difference_is_noticed() -> None:
    assert differences({"a": [{"b": 1}], "c": None}, {"a": [{"b": 2.5}, 3], "c": "x"}) == []
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}) == ["/a/0/b: int and str"]
    assert sorted(differences({"a": 1, "b": 1}, {"a": 1, "c": 1})) == ["/b", "/c"]
    assert event_shapes('event: x\ndata: {"b":1,"a":2}\n\n…\n\ndata: [DONE]\n\n') == {("x", "a", "b"), ("", "[DONE]")}

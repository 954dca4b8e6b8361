"""Every way to use a relay's endpoints that the documentation shows, sent as it is shown: it works, and is answered as is shown.

With MODELGATE_RECORD=1 the answers are written anew. Look at the difference: words of the sandbox may have been made readable by hand.
"""

import http.client
import io
from collections.abc import Iterator

import msgspec
import openai
import pytest
from PIL import Image
from tests.integration.gateway.conftest import Installation
from tests.integration.portal.answers import compare_with_kept, differences, event_shapes, send_example

from modelgate.core.endpoints import Case, Endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.gateway.endpoints import endpoint_table
from modelgate.portal.examples import example_of
from modelgate.portal.pages import Example

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
    example = example_of(endpoint, case, None)
    sent = msgspec.structs.replace(example, path=example.path.replace(KEPT_ID, response_id))
    answer = send_example(installation.base_url, sent, key=installation.test_key, files=files)
    assert answer.status == case.status, answer
    if case.response is not None:
        assert differences(case.response, answer.body) == []
    else:
        compare_with_kept(answer, f"{endpoint.name}-{case.name}", ids={response_id: KEPT_ID})


def test_a_difference_is_noticed() -> None:
    assert differences({"a": [{"b": 1}], "c": None}, {"a": [{"b": 2.5}, 3], "c": "x"}) == []
    assert differences({"a": [{"b": 1}]}, {"a": [{"b": "1"}]}) == ["/a/0/b: int and str"]
    assert sorted(differences({"a": 1, "b": 1}, {"a": 1, "c": 1})) == ["/b", "/c"]
    assert event_shapes('event: x\ndata: {"b":1,"a":2}\n\n…\n\ndata: [DONE]\n\n') == {("x", "a", "b"), ("", "[DONE]")}


def test_the_site_comes_through_a_relay_as_it_is(installation: Installation) -> None:
    """Redirects, tags, HEAD and the policy of pages survive the way from the desk."""

    def ask(path: str, *, method: str = "GET", tag: str = "") -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(installation.base_url.removeprefix("http://"), timeout=60)
        connection.request(method, path, headers={"If-None-Match": tag} if tag else {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer

    root = ask("/")
    assert (root.status, root.headers["location"]) == (302, "/docs")
    page = ask("/docs/errors")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert ask("/docs/nothing").status == 404
    data = ask("/docs/data/site.json")
    assert (data.status, ask("/docs/data/site.json", tag=data.headers["etag"]).status) == (200, 304)
    head = ask("/docs/data/pages/errors.json", method="HEAD")
    assert (head.status, int(head.headers["content-length"]) > 1_000) == (200, True)
    assert ask("/docs", method="POST").status == 405

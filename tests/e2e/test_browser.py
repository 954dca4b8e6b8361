"""The gateway from a web page of another origin: what browsers allow, and nothing in the console."""

from typing import Any

import pytest
from tests.e2e.visit import Visit
from tests.integration.gateway.conftest import Installation

pytestmark = pytest.mark.e2e

CHAT = """async (base, key, body) => {
    const answer = await fetch(base + '/v1/chat/completions', {
        method: 'POST', headers: {authorization: 'Bearer ' + key, 'content-type': 'application/json'}, body: JSON.stringify(body)});
    return {status: answer.status, id: answer.headers.get('x-request-id'), remaining: answer.headers.get('x-ratelimit-remaining-requests'),
            body: await answer.json()};
}"""
STREAM = """async (base, key, body) => {
    const answer = await fetch(base + '/v1/chat/completions', {
        method: 'POST', headers: {authorization: 'Bearer ' + key, 'content-type': 'application/json'}, body: JSON.stringify(body)});
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '', reads = 0;
    for (;;) {
        const {done, value} = await reader.read();
        if (done) break;
        text += value;
        reads += 1;
    }
    return {type: answer.headers.get('content-type'), id: answer.headers.get('x-request-id'), text, reads};
}"""
PICTURE = """async (base, key, fields) => {
    const headers = {authorization: 'Bearer ' + key, 'content-type': 'application/json'};
    const path = base + '/kling/v1/images/generations';
    const taken = await (await fetch(path, {method: 'POST', headers, body: JSON.stringify(fields)})).json();
    let data = taken.data;
    while (data.task_status !== 'succeed' && data.task_status !== 'failed') {
        await new Promise(later => setTimeout(later, 200));
        data = (await (await fetch(path + '/' + taken.data.task_id, {headers})).json()).data;
    }
    const image = document.getElementById('picture');
    image.src = data.task_result.images[0].url;
    await image.decode();
    const read = await fetch(image.src);
    return {status: data.task_status, width: image.naturalWidth, height: image.naturalHeight, type: read.headers.get('content-type')};
}"""
REFUSED = """async (base, key, options) => {
    try {
        await fetch(base + '/v1/models', {...options, headers: {authorization: 'Bearer ' + key}});
        return 'allowed';
    } catch (error) {
        return error.name;
    }
}"""


def question(text: str, **more: Any) -> dict[str, Any]:
    return {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **more}


def test_a_chat_across_origins(installation: Installation, visit: Visit) -> None:
    key = installation.key("--test", "--rpm", "100")
    done = visit.run(CHAT, installation.base_url, key, question("Say: good morning"))
    assert (done["status"], done["body"]["choices"][0]["message"]["content"]) == (200, "good morning")
    assert done["id"].startswith("req_")
    assert done["remaining"] == "99"
    assert visit.complaints == []


def test_errors_can_be_read_across_origins(installation: Installation, visit: Visit) -> None:
    done = visit.run(CHAT, installation.base_url, "sk-test-nobody", question("hi"))
    assert (done["status"], done["body"]["error"]["code"]) == (401, "invalid_api_key")
    assert done["id"] in done["body"]["error"]["message"]
    visit.expect("401")
    assert visit.complaints == [], "the browser itself notes the 401, and nothing else is wrong"


def test_a_stream_across_origins(installation: Installation, visit: Visit) -> None:
    body = question("Count to 20\nmagic: slow", stream=True)
    done = visit.run(STREAM, installation.base_url, installation.test_key, body)
    assert done["type"].startswith("text/event-stream")
    assert done["id"].startswith("req_")
    assert done["text"].endswith("data: [DONE]\n\n")
    assert done["reads"] > 5, "it arrives as it is made, not at once"
    assert visit.complaints == []


@pytest.mark.parametrize(("ratio", "expected"), [("16:9", 16 / 9), ("2:3", 2 / 3)])
def test_a_kling_picture_is_shown(installation: Installation, visit: Visit, ratio: str, expected: float) -> None:
    fields = {"prompt": "a lighthouse", "aspect_ratio": ratio}
    done = visit.run(PICTURE, installation.base_url, installation.test_key, fields)
    assert (done["status"], done["type"]) == ("succeed", "image/png")
    assert done["width"] / done["height"] == pytest.approx(expected, rel=0.02)
    assert visit.complaints == []


@pytest.mark.parametrize("options", [{"method": "PROPFIND"}, {"credentials": "include"}], ids=["method", "cookies"])
def test_what_is_not_permitted_is_stopped_by_the_browser(installation: Installation, visit: Visit, options: dict[str, str]) -> None:
    assert visit.run(REFUSED, installation.base_url, installation.test_key, options) == "TypeError"
    visit.expect("CORS")

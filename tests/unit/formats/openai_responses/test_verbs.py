import json

import pytest

from modelgate.core.errors import InvalidRequest
from modelgate.core.providers import NO_QUIRKS, Quirks
from modelgate.formats.chat.wire_format import UnreadableAnswer
from modelgate.formats.openai_responses.verbs import cancel_call, delete_call, fetch_call, input_items_call, input_tokens_call, seal_stored


class Ids:
    def seal(self, vendor_id: str) -> str:
        return f"our-{vendor_id}"

    def open(self, our_id: str) -> str:
        if not our_id.startswith("our-"):
            raise InvalidRequest("Not made here.")
        return our_id.removeprefix("our-")


def test_calls_go_to_the_upstreams_own_id() -> None:
    fetch = fetch_call("our-resp_1", NO_QUIRKS, Ids(), query="include[]=reasoning.encrypted_content")
    assert (fetch.method, fetch.path) == ("GET", "/responses/resp_1?include[]=reasoning.encrypted_content")
    delete = delete_call("our-resp_1", NO_QUIRKS, Ids())
    assert (delete.method, delete.path) == ("DELETE", "/responses/resp_1")
    cancel = cancel_call("our-resp_1", NO_QUIRKS, Ids())
    assert (cancel.method, cancel.path) == ("POST", "/responses/resp_1/cancel")
    items = input_items_call("our-resp_1", Quirks(query="v=1"), Ids(), query="limit=2")
    assert (items.method, items.path) == ("GET", "/responses/resp_1/input_items?v=1&limit=2")


def test_an_id_cannot_leave_its_place_in_the_path() -> None:
    assert fetch_call("our-../models?x=1", NO_QUIRKS, Ids()).path == "/responses/..%2Fmodels%3Fx%3D1"


@pytest.mark.parametrize("query", ["a b", "a\r\nb", "a#b", "é", "x" * 3000, "stream=true"])
def test_a_query_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest):
        fetch_call("our-resp_1", NO_QUIRKS, Ids(), query=query)


def test_an_id_made_elsewhere_is_refused() -> None:
    with pytest.raises(InvalidRequest):
        delete_call("resp_1", NO_QUIRKS, Ids())


def test_tokens_are_counted_for_the_upstreams_model() -> None:
    call = input_tokens_call(b'{"model":"m","input":"Hi","previous_response_id":"our-resp_1"}', "up", NO_QUIRKS, Ids())
    assert (call.method, call.path) == ("POST", "/responses/input_tokens")
    assert call.body == b'{"model":"up","input":"Hi","previous_response_id":"resp_1"}'
    with pytest.raises(InvalidRequest):
        input_tokens_call(b"{}", "up", NO_QUIRKS, Ids())


def test_what_comes_back_has_our_ids() -> None:
    stored = b'{"id":"resp_2","model":"up","status":"completed","output":[],"previous_response_id":"resp_1"}'
    assert json.loads(seal_stored(stored, Ids(), model="m")) == {
        "id": "our-resp_2",
        "model": "m",
        "status": "completed",
        "output": [],
        "previous_response_id": "our-resp_1",
    }
    assert (
        seal_stored(b'{"id":"resp_2","object":"response","deleted":true}', Ids())
        == b'{"id":"our-resp_2","object":"response","deleted":true}'
    )
    with pytest.raises(UnreadableAnswer):
        seal_stored(b"[]", Ids())

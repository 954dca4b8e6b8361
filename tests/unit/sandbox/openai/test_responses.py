import json
from typing import Any

import pytest

PATH = "/v1/responses"
OTHER = {"authorization": "Bearer sk-other"}


def test_a_response_is_made_and_counted(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model="gpt-4o", input="magic: tokens 30 8").json()
    assert (made["object"], made["created_at"], made["usage"]["total_tokens"]) == ("response", 1_790_000_000, 38)
    assert openai_vendor.counted() == [("req_9", "gpt-4o", 30, 8, True, 200)]


def test_streams_end_without_done(openai_vendor: Any) -> None:
    response = openai_vendor.post(PATH, model="gpt-4o", input="hi", stream=True)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert "[DONE]" not in response.text
    assert "event: response.completed\n" in response.text
    assert openai_vendor.counted()[0][4]


def test_turns_follow_each_other(openai_vendor: Any) -> None:
    tool = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}
    first = openai_vendor.post("/openai/v1/responses", model="gpt-5", input="Weather in Paris?", tools=[tool]).json()
    call = first["output"][1]
    output = {"type": "function_call_output", "call_id": call["call_id"], "output": "sunny"}
    second = openai_vendor.post(PATH, model="gpt-5", input=[output], previous_response_id=first["id"], tools=[tool]).json()
    assert second["output"][1]["content"][0]["text"] == "According to get_weather: sunny"
    assert second["previous_response_id"] == first["id"]
    assert openai_vendor.error(PATH, model="gpt-5", input="and?", previous_response_id=first["id"]) == (400, "input", None)
    third = openai_vendor.post(PATH, model="gpt-5", input="Say: bye", previous_response_id=second["id"], tools=[tool]).json()
    assert third["usage"]["input_tokens"] > second["usage"]["input_tokens"]


def test_without_a_store_the_turns_are_sent_again(openai_vendor: Any) -> None:
    body = {"model": "gpt-5", "store": False, "include": ["reasoning.encrypted_content"]}
    first = openai_vendor.post(PATH, input="hi", **body).json()
    assert openai_vendor.client.get(f"{PATH}/{first['id']}").status_code == 404
    again = [{"role": "user", "content": "hi"}, *first["output"], {"role": "user", "content": "Say: yes"}]
    assert openai_vendor.post(PATH, input=again, **body).json()["output"][1]["content"][0]["text"] == "yes"
    del first["output"][0]["encrypted_content"]
    assert openai_vendor.error(PATH, input=again, **body) == (404, "input", None)
    first["output"][0]["encrypted_content"] = "gAAAAAwrong"
    assert openai_vendor.error(PATH, input=again, **body) == (400, None, "invalid_encrypted_content")


def test_references_to_items(openai_vendor: Any) -> None:
    first = openai_vendor.post(PATH, model="gpt-4o", input="hi").json()
    reference = {"type": "item_reference", "id": first["output"][0]["id"]}
    body = {"model": "gpt-4o", "input": [reference, {"role": "user", "content": "Say: yes"}]}
    assert openai_vendor.post(PATH, **body).status_code == 200
    assert openai_vendor.client.post(PATH, json=body, headers=OTHER).status_code == 404


def test_responses_are_the_keys_own(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model="gpt-4o", input="hi").json()
    where = f"{PATH}/{made['id']}"
    assert openai_vendor.client.get(where).json() == made
    assert openai_vendor.client.get(where, headers=OTHER).json()["error"]["message"] == f"Response with id '{made['id']}' not found."
    assert openai_vendor.client.delete(where, headers=OTHER).status_code == 404
    theirs = openai_vendor.client.post(PATH, json={"model": "gpt-4o", "input": "hi", "previous_response_id": made["id"]}, headers=OTHER)
    assert (theirs.status_code, theirs.json()["error"]["code"]) == (400, "previous_response_not_found")
    assert openai_vendor.client.delete(where).json() == {"id": made["id"], "object": "response", "deleted": True}
    assert openai_vendor.client.get(where).status_code == 404


def test_the_input_is_listed_in_pages(openai_vendor: Any) -> None:
    items = [{"role": "user", "content": f"{number}"} for number in range(5)]
    made = openai_vendor.post(PATH, model="gpt-4o", input=items).json()
    where = f"{PATH}/{made['id']}/input_items"
    first = openai_vendor.client.get(where, params={"limit": 3}).json()
    assert [item["content"][0]["text"] for item in first["data"]] == ["4", "3", "2"]
    assert first["has_more"]
    rest = openai_vendor.client.get(where, params={"limit": 3, "after": first["last_id"]}).json()
    assert [item["content"][0]["text"] for item in rest["data"]] == ["1", "0"]
    assert not rest["has_more"]
    assert openai_vendor.client.get(where, params={"order": "asc"}).json()["data"][0]["content"][0]["text"] == "0"
    for params, status in (({"limit": "0"}, 400), ({"limit": "x"}, 400), ({"after": "msg_x"}, 404)):
        assert openai_vendor.client.get(where, params=params).status_code == status


def test_in_the_background(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model="gpt-4o", input="Say: done", background=True).json()
    where = f"{PATH}/{made['id']}"
    assert (made["status"], made["output"], made["background"]) == ("queued", [], True)
    follow = {"model": "gpt-4o", "input": "hi", "previous_response_id": made["id"]}
    assert openai_vendor.error(PATH, **follow)[1] == "previous_response_id"
    openai_vendor.now += 0.3
    assert openai_vendor.client.get(where).json()["status"] == "in_progress"
    openai_vendor.now += 5
    assert openai_vendor.client.get(where).json()["output"][0]["content"][0]["text"] == "done"
    assert openai_vendor.client.post(f"{where}/cancel").json()["error"]["message"] == "Cannot cancel a completed response."
    events = openai_vendor.client.get(where, params={"stream": "true", "starting_after": "3"}).text
    assert json.loads(events.split("\n")[1].removeprefix("data: "))["sequence_number"] == 4
    failing = openai_vendor.post(PATH, model="sandbox-fail-task", input="hi", background=True).json()
    openai_vendor.now += 5
    assert openai_vendor.client.get(f"{PATH}/{failing['id']}").json()["status"] == "failed"


def test_cancelling(openai_vendor: Any) -> None:
    made = openai_vendor.post(PATH, model="sandbox-slow-task", input="hi", background=True).json()
    openai_vendor.now += 6
    for _ in range(2):
        assert openai_vendor.client.post(f"{PATH}/{made['id']}/cancel").json()["status"] == "cancelled"
    assert openai_vendor.client.get(f"{PATH}/{made['id']}").json()["status"] == "cancelled"
    plain = openai_vendor.post(PATH, model="gpt-4o", input="hi").json()
    assert openai_vendor.client.post(f"{PATH}/{plain['id']}/cancel").json()["error"]["message"] == "Cannot cancel a synchronous response."
    assert openai_vendor.client.get(f"{PATH}/{plain['id']}", params={"stream": "true"}).status_code == 400


def test_counting_input(openai_vendor: Any) -> None:
    body = {"model": "gpt-4o", "input": "Tell me about cats", "instructions": "Be brief"}
    counted = openai_vendor.post(f"{PATH}/input_tokens", **body).json()
    made = openai_vendor.post(PATH, **body).json()
    assert counted == {"object": "response.input_tokens", "input_tokens": made["usage"]["input_tokens"]}
    assert openai_vendor.counted()[0][2:4] == (0, 0)


@pytest.mark.parametrize(("status", "code"), [(400, "invalid_value"), (429, "rate_limit_exceeded"), (500, None)])
def test_provoked(openai_vendor: Any, status: int, code: str | None) -> None:
    assert openai_vendor.error(PATH, model="gpt-4o", input=f"magic: error-{status}")[::2] == (status, code)


def test_an_error_in_the_stream(openai_vendor: Any) -> None:
    events = openai_vendor.post(PATH, model="sandbox-error-in-stream", input="Count to 9", stream=True).text.strip().split("\n\n")
    numbers = [json.loads(event.split("data: ")[1])["sequence_number"] for event in events]
    assert numbers == list(range(len(events)))
    assert events[-1].startswith("event: error\n")
    response_id = json.loads(events[0].split("data: ")[1])["response"]["id"]
    assert openai_vendor.client.get(f"{PATH}/{response_id}").json()["status"] == "failed"


def test_schemas_without_a_value_are_refused(openai_vendor: Any) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}}, "required": ["a"]}
    wanted = {"format": {"type": "json_schema", "name": "s", "schema": schema}}
    assert openai_vendor.error(PATH, model="gpt-4o", input="hi", text=wanted)[1] == "text.format.schema"

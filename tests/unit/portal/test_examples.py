from modelgate.core.endpoints import Case, Endpoint
from modelgate.core.records import Json
from modelgate.portal.examples import answer_of, example_of, follow_of
from modelgate.portal.pages import Part, PartFile
from modelgate.portal.texts import RecordedAnswer


def endpoint(*cases: Case, method: str = "POST", **more: Json) -> Endpoint:
    return Endpoint(
        **{
            "method": method,
            "path": "/things/{thing_id}/parts/{part}:turn",
            "name": "x",
            "family": "x",
            "home": "desk",
            "summary": "x",
            "description": "x",
            **more,
        },
        cases=cases,
    )


def case(**more: Json) -> Case:
    return Case(name="one", title="One", prose="One.", **more)


def test_a_request_with_path_query_and_headers() -> None:
    one = case(request={"a": 1}, path_values={"thing_id": "a/b"}, query={"alt": "sse"}, headers={"x-a": "1"})
    example = example_of(endpoint(one), one, None)
    assert example.path == "/things/a%2Fb/parts/{part}:turn"
    assert (example.query, example.headers) == ((("alt", "sse"),), (("x-a", "1"),))
    assert (example.content_type, example.body, example.parts, example.stream) == ("application/json", {"a": 1}, None, True)


def test_a_form_becomes_parts() -> None:
    one = case(
        request={"model": "m", "file": "@kite.mp3", "times[]": ["word", "segment"], "stream": True, "n": 2, "palette": {"name": "x"}}
    )
    example = example_of(endpoint(one, request_type="multipart/form-data"), one, None)
    assert example.body is None
    assert example.parts == (
        Part(name="model", value="m"),
        Part(name="file", file=PartFile(filename="kite.mp3", content_type="audio/mpeg")),
        Part(name="times[]", value="word"),
        Part(name="times[]", value="segment"),
        Part(name="stream", value="true"),
        Part(name="n", value="2"),
        Part(name="palette", value='{"name":"x"}'),
    )


def test_nothing_is_sent_where_nothing_is_taken() -> None:
    example = example_of(endpoint(case(), method="GET"), case(), None)
    assert (example.content_type, example.body, example.parts) == ("", None, None)


def test_answers() -> None:
    shown = case(response={"id": "a"})
    assert answer_of(endpoint(shown), shown, None).example == {"id": "a"}
    events = RecordedAnswer(status=200, content_type="text/event-stream", body="data: {}\n")
    streamed = answer_of(endpoint(case()), case(), events)
    assert (streamed.text, streamed.example, streamed.content_type) == ("data: {}\n", None, "text/event-stream")
    assert example_of(endpoint(case()), case(), events).stream
    json = RecordedAnswer(status=201, content_type="application/json", body={"a": 1})
    assert (answer_of(endpoint(case()), case(), json).example, answer_of(endpoint(case()), case(), json).status) == ({"a": 1}, 201)
    assert answer_of(endpoint(case(status=204)), case(status=204), None).text == "No body."
    assert answer_of(endpoint(case(), content_type="image/png"), case(), None).text == "The file: a picture."


def test_a_mistake_is_json_whatever_the_endpoint_gives() -> None:
    wrong = case(status=400, response={"error": "x"})
    assert answer_of(endpoint(wrong, content_type="image/png"), wrong, None).content_type == "application/json"


def test_where_the_id_of_a_task_stands() -> None:
    begun = case(response={"code": 0, "data": {"url": "https://x/task_1", "task_id": "task_1"}})
    follow = follow_of(endpoint(case(status=400, response={"id": "task_2"}), begun, price_unit="image"))
    assert follow is not None
    assert follow.task_id_pointer == "/data/task_id"
    assert follow_of(endpoint(begun)) is None
    assert follow_of(endpoint(begun, method="GET", price_unit="image")) is None
    assert follow_of(endpoint(case(response={"url": "https://x/task_1"}), price_unit="image")) is None

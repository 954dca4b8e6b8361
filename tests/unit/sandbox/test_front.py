import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counted, Counter
from modelgate.sandbox.front import (
    METHODS,
    TaskFront,
    VendorRefused,
    answering,
    count_made,
    json_answer,
    no_file,
    read_submit,
    refusing,
)


class Job(msgspec.Struct, frozen=True):
    id: str
    state: str = "new"


async def submit(request: Request, entry: Counted) -> Response:
    too_large, not_json = VendorRefused(413, {"error": "too large"}), VendorRefused(400, {"error": "no JSON"})
    body = await read_submit(request, limit_bytes=20, too_large=too_large, not_json=not_json, any_type=True)
    if body == "crowd":
        raise VendorRefused(429, {"error": "too many"}, "too many")
    count_made(entry, 2, status=201)
    return json_answer(body, status=201)


class Vendor(TaskFront[Job]):
    vendor = "oddly"

    def check(self, request: Request) -> None:
        if request.headers.get("x-key") != "k":
            raise VendorRefused(401, None)

    def routes(self) -> list[Route]:
        return [
            self.submits("/submit", submit),
            self.route("PUT", "/submit", refusing(lambda: VendorRefused(405, {"error": "other"}))),
            self.route("GET", "/ping", answering({"message": "pong"})),
            self.elsewhere("", lambda: VendorRefused(404, {"error": "nothing"})),
        ]

    def put(self, job: Job) -> Job | None:
        """Put a job there, and return the first."""
        self._jobs.put(job)
        return self._jobs.get("1")


def client(counter: Counter) -> TestClient:
    routes = Vendor(counter=counter, clock=lambda: 0.0).routes()
    return TestClient(Starlette(routes=routes), headers={"x-key": "k", "x-request-id": "req_1"})


def test_a_vendor_knows_its_jobs_and_tells_who_keeps_them(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Job] = []
    monkeypatch.setattr(Vendor, "most_jobs", 2)
    vendor = Vendor(counter=Counter(), clock=lambda: 0.0, recalled=[Job("1")], remember=told.append)
    assert (vendor.put(Job("2")), told) == (Job("1"), [Job("2")])
    assert vendor.put(Job("1", "done")) == Job("1", "done")
    assert vendor.put(Job("3")) is None, "the oldest make room"


def test_without_a_check_of_its_own_a_vendor_lets_nobody_in() -> None:
    nobody = TaskFront[Job](counter=Counter(), clock=lambda: 0.0)
    with pytest.raises(NotImplementedError):
        nobody.check(Request({"type": "http", "headers": []}))


def test_a_submit_is_taken_and_counted() -> None:
    counter = Counter()
    answer = client(counter).post("/submit", content=b'{"a": 1}')
    assert (answer.status_code, answer.json(), answer.headers["content-type"]) == (201, {"a": 1}, "application/json")
    (entry,) = counter.after(0)
    assert (entry.vendor, entry.request_id, entry.status, entry.completion_tokens, entry.finished) == ("oddly", "req_1", 201, 2, True)


def test_a_refused_submit_is_counted_too() -> None:
    counter = Counter()
    answers = [client(counter).post("/submit", content=body) for body in (b'"crowd"', b"{", b'"' + b"x" * 20 + b'"')]
    assert [(answer.status_code, answer.json()["error"]) for answer in answers] == [(429, "too many"), (400, "no JSON"), (413, "too large")]
    assert ("retry-after" in answers[0].headers, "retry-after" in answers[1].headers) == (True, False)
    assert [(entry.status, entry.finished) for entry in counter.after(0)] == [(429, False), (400, False), (413, False)]


def test_without_the_key_nothing_is_read_or_counted() -> None:
    counter = Counter()
    answer = client(counter).post("/submit", content=b'{"a": 1}', headers={"x-key": ""})
    assert (answer.status_code, answer.content, counter.after(0)) == (401, b"", [])


def test_what_is_always_the_same_is_said_or_refused() -> None:
    asked = client(Counter())
    assert (asked.get("/ping").json(), asked.put("/submit").json()) == ({"message": "pong"}, {"error": "other"})
    assert asked.get("/ping", headers={"x-key": ""}).status_code == 401


def test_elsewhere_there_is_nothing() -> None:
    assert [client(Counter()).request(method, "/x").status_code for method in METHODS] == [404] * len(METHODS)
    assert (no_file().status_code, bytes(no_file().body)) == (404, b"no such file")


def test_a_refusal_is_told_in_the_vendors_words() -> None:
    assert str(VendorRefused(400, {"detail": "x"})) == "{'detail': 'x'}"
    assert VendorRefused(400, {"detail": "x"}, "words").message == "words"

import msgspec
from starlette.applications import Starlette
from starlette.testclient import TestClient

from modelgate.sandbox.count import Counter, count_routes


def test_entries_are_read_after_a_number_and_cleared() -> None:
    counter = Counter()
    client = TestClient(Starlette(routes=list(count_routes(counter))))
    for name in ("req_1", "req_2", "req_3"):
        entry = counter.open(vendor="openai", request_id=name, model="gpt-4o")
    entry.finished, entry.status, entry.prompt_tokens, entry.completion_tokens = True, 200, 12, 34
    found = client.get("/sandbox/requests", params={"after": 1}).json()["requests"]
    assert [each["request_id"] for each in found] == ["req_2", "req_3"]
    assert found[1] == {
        "seq": 3,
        "vendor": "openai",
        "request_id": "req_3",
        "model": "gpt-4o",
        "prompt_tokens": 12,
        "completion_tokens": 34,
        "finished": True,
        "status": 200,
    }
    assert len(client.get("/sandbox/requests?after=nonsense").json()["requests"]) == 3
    assert client.delete("/sandbox/requests").status_code == 204
    assert client.get("/sandbox/requests").json() == {"requests": []}
    assert counter.open(vendor="openai", request_id="").seq == 4


def test_the_oldest_entries_are_forgotten() -> None:
    counter = Counter(limit=2)
    for _ in range(3):
        counter.open(vendor="kling", request_id="")
    assert [entry.seq for entry in counter.after(0)] == [2, 3]
    assert msgspec.json.encode(counter.after(2)) != b"[]"

from typing import Any

import pytest

from modelgate.sandbox.openai.responses_memory import QUEUED_S, RUNNING_S, Kept, ResponseMemory


def _kept(name: str, *, key: str = "a", **fields: Any) -> Kept:
    response = {"id": name, "status": "completed", "output": [{"id": f"msg_{name}"}], "usage": {"total_tokens": 1}}
    return Kept(key=key, response=response, given=[{"id": f"in_{name}"}], history=[], created_at=100.0, **fields)


def test_only_the_key_that_made_it_finds_it() -> None:
    memory = ResponseMemory()
    memory.keep(_kept("resp_1"))
    assert memory.find("resp_1", key="a") is not None
    assert memory.find("resp_1", key="b") is None
    assert memory.find_item("msg_resp_1", key="a") == {"id": "msg_resp_1"}
    assert memory.find_item("msg_resp_1", key="b") is None
    memory.forget("resp_1")
    memory.forget("resp_1")
    assert memory.find("resp_1", key="a") is None
    assert memory.find_item("in_resp_1", key="a") is None


@pytest.mark.parametrize("bound", [{"limit": 2}, {"limit_bytes": 300}])
def test_the_oldest_make_room(bound: dict[str, int]) -> None:
    memory = ResponseMemory(**bound)
    for number in range(3):
        memory.keep(_kept(f"resp_{number}"))
    assert [memory.find(f"resp_{number}", key="a") is not None for number in range(3)] == [False, True, True]
    assert memory.find_item("msg_resp_0", key="a") is None
    assert memory.find_item("msg_resp_1", key="a") is not None


def test_an_item_given_again_outlives_its_first_response() -> None:
    memory = ResponseMemory(limit=1)
    memory.keep(_kept("resp_1"))
    again = _kept("resp_2")
    again.given = [{"id": "msg_resp_1"}]
    memory.keep(again)
    assert memory.find_item("msg_resp_1", key="a") is not None


@pytest.mark.parametrize(("age_s", "status"), [(0, "queued"), (QUEUED_S + 0.01, "in_progress"), (QUEUED_S + RUNNING_S + 0.01, "completed")])
def test_in_the_background_age_tells_the_status(age_s: float, status: str) -> None:
    seen = _kept("resp_1", running_s=RUNNING_S).seen(100 + age_s)
    assert seen["status"] == status
    assert bool(seen["output"]) == (status == "completed")
    assert _kept("resp_1").seen(100 + age_s)["status"] == "completed"


def test_failed_and_cancelled() -> None:
    failed = _kept("resp_1", fails=True, running_s=1).seen(200)
    assert (failed["status"], failed["error"]["code"], failed["usage"]) == ("failed", "server_error", None)
    assert _kept("resp_1", cancelled=True, running_s=1).seen(200)["status"] == "cancelled"

import pytest

from modelgate.sandbox.fal.jobs import QUEUED_S, FalJob, failure_of, film, judge, log_line, provoked
from modelgate.sandbox.magic import read_magic

PATH = "v2.2/text-to-video"


def test_a_job_goes_on_by_its_age() -> None:
    job = FalJob(id="1", created_at=10.0, working_s=1.0)
    assert [job.status(10 + age) for age in (0, QUEUED_S, QUEUED_S + 1)] == ["IN_QUEUE", "IN_PROGRESS", "COMPLETED"]
    cancelled = FalJob(id="1", created_at=10.0, working_s=1.0, cancelled_at=10.1)
    assert cancelled.status(10.1) == "COMPLETED"
    failure = failure_of(cancelled)
    assert failure is not None
    assert failure.status == 499


def test_what_the_runner_refuses_is_an_outcome() -> None:
    order, failure = judge(PATH, {"prompt": "a fox", "duration": 6}, read_magic("", "a fox"))
    assert order is None
    assert failure is not None
    assert (failure.status, failure.detail[0]["loc"]) == (422, ["body", "duration"])


def test_a_video_is_made_without_the_magic() -> None:
    plain, magic = ("a fox", "magic: slow-task\na fox")
    films = []
    for prompt in (plain, magic):
        order, failure = judge(PATH, {"prompt": prompt}, read_magic("", prompt))
        assert failure is None
        films.append(film(FalJob(id="1", created_at=0.0, working_s=1.0, order=order)))
    assert films[0] == films[1]
    assert films[0][4:8] == b"ftyp"


@pytest.mark.parametrize(("asked", "status"), [(401, 401), (429, 429), (529, 503), (500, 500), (400, 400)])
def test_provoked(asked: int, status: int) -> None:
    assert provoked(asked).status == status


def test_a_log_line() -> None:
    assert log_line(FalJob(id="1", created_at=10.0, working_s=1.0))["level"] == "INFO"

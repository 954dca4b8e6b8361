import pytest

from modelgate.sandbox.magic import Magic
from modelgate.sandbox.midjourney.jobs import MidjourneyJob
from modelgate.sandbox.midjourney.queue import MidjourneyQueue
from modelgate.sandbox.midjourney.schema import MidjourneyRefused, Submit


class Queue:
    """A queue with a clock of its own, of two running and one waiting."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.jobs = MidjourneyQueue(clock=lambda: self.now, recalled=[], remember=lambda _job: None)

    def accept(self) -> MidjourneyJob:
        return self.jobs.accept(Submit(), MidjourneyJob(action="IMAGINE"), magic=Magic(frozenset(), None, ""), speed="mj")


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr("modelgate.sandbox.midjourney.queue.MAX_RUNNING", 2)
    monkeypatch.setattr("modelgate.sandbox.midjourney.queue.MAX_QUEUED", 1)
    return Queue()


def test_a_third_waits_for_the_first_to_end_and_a_fourth_is_refused(queue: Queue) -> None:
    first = queue.accept()
    queue.now += 0.5
    queue.accept()
    third = queue.accept()
    assert third.starts_at == first.ends_at()
    assert queue.jobs.waiting() == 1
    with pytest.raises(MidjourneyRefused, match="full"):
        queue.accept()
    queue.now += 10
    assert queue.accept().starts_at == queue.now


def test_ids_are_of_milliseconds_and_three_digits_and_never_the_same(queue: Queue) -> None:
    ids = [queue.accept().id, queue.accept().id]
    assert ids == ["1000000000", "1000000001"]


def test_what_a_job_builds_on_must_have_succeeded(queue: Queue) -> None:
    job = queue.accept()
    with pytest.raises(MidjourneyRefused, match="not succeeded"):
        queue.jobs.parent(job.id)
    with pytest.raises(MidjourneyRefused, match="does not exist"):
        queue.jobs.parent("7")
    queue.now += 10
    assert queue.jobs.parent(job.id) == job

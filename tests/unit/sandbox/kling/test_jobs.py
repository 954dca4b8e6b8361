import pytest

from modelgate.sandbox.kling.jobs import MAX_ACTIVE, PROCESSING_S, SUBMITTED_S, KlingJobs, describe_task
from modelgate.sandbox.kling.schema import KlingOrder, KlingRefused
from modelgate.sandbox.magic import read_magic

PICTURES = KlingOrder(model="kling-v1", prompt="a fox", n=9)
VIDEO = KlingOrder(kind="text2video", model="kling-v1", prompt="a fox", seconds=5)
NO_MAGIC = read_magic("", "")


class World:
    """Jobs with a clock."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.jobs = KlingJobs(clock=lambda: self.now, recalled=(), remember=lambda _: None)


def test_places_are_counted_by_what_is_made() -> None:
    world = World()
    for _ in range(MAX_ACTIVE // 9):
        world.jobs.accept(PICTURES, magic=NO_MAGIC)
    with pytest.raises(KlingRefused, match="parallel"):
        world.jobs.accept(PICTURES, magic=NO_MAGIC)
    world.jobs.accept(VIDEO, magic=NO_MAGIC)


def test_a_video_is_there_once_it_is_made() -> None:
    world = World()
    task = world.jobs.accept(VIDEO, magic=NO_MAGIC)
    assert world.jobs.video(task.video_id) is None
    world.now += SUBMITTED_S + PROCESSING_S + 0.01
    assert world.jobs.video(task.video_id) == VIDEO
    assert world.jobs.find(task.id, kind="image2video") is None
    assert list(world.jobs.youngest_first("text2video")) == [task]


def test_a_submit_shows_no_result() -> None:
    world = World()
    task = world.jobs.accept(VIDEO, magic=NO_MAGIC)
    later = world.now + SUBMITTED_S + PROCESSING_S + 0.01
    assert "task_result" not in describe_task(task, now=later, base_url="")
    assert "task_result" in describe_task(task, now=later, base_url="http://sandbox/")

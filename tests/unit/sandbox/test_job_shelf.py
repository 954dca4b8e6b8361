import msgspec

from modelgate.sandbox import job_shelf
from modelgate.sandbox.job_shelf import JobShelf, stage_of


class Made(msgspec.Struct, frozen=True):
    id: str
    words: str = ""


def test_a_job_is_told_before_it_is_kept_and_can_be_changed() -> None:
    told: list[Made] = []
    shelf = JobShelf(recalled=[Made("a"), Made("b"), Made("a", "later")], remember=told.append)
    assert shelf.get("a") == Made("a", "later")
    shelf.put(Made("b", "changed"))
    assert (shelf.get("b"), told) == (Made("b", "changed"), [Made("b", "changed")])
    assert shelf.get("c") is None


def test_the_oldest_are_forgotten() -> None:
    shelf: JobShelf[Made] = JobShelf()
    for number in range(job_shelf.MAX_JOBS + 2):
        shelf.put(Made(str(number)))
    assert (shelf.get("1"), shelf.get("2")) == (None, Made("2"))
    assert next(shelf.youngest_first()).id == str(job_shelf.MAX_JOBS + 1)


def test_a_job_of_some_age_has_a_word() -> None:
    stages = ((0.3, "queued"), (1.0, "working"))
    assert [stage_of(age_s, stages, "done") for age_s in (0.0, 0.3, 0.9, 1.0)] == ["queued", "working", "working", "done"]

"""What a make-believe vendor knows after it was started again."""

from pathlib import Path

import pytest

from modelgate.sandbox import job_memory
from modelgate.sandbox.job_memory import JobMemory
from modelgate.sandbox.kling.jobs import KlingTask
from modelgate.sandbox.kling.schema import KlingOrder


def task(number: int) -> KlingTask:
    order = KlingOrder(
        model="kling-v1",
        prompt="a fox\nin two lines",
        reference=b"\x89PNG\n",
        resolution="1k",
        n=1,
        ratio="1:1",
        external_id=f"task_{number}",
    )
    return KlingTask(id=f"job{number}", order=order, created_at=1_790_000_000.0 + number, fails=False, slow=False)


def test_jobs_are_recalled_in_their_order(tmp_path: Path) -> None:
    """Symptom: a picture that was under way when the server was stopped failed after the restart with `task not found`."""
    memory = JobMemory(tmp_path / "sandbox", "kling", KlingTask)
    assert memory.recall() == []
    for number in range(3):
        memory.remember(task(number))
    assert JobMemory(tmp_path / "sandbox", "kling", KlingTask).recall() == [task(0), task(1), task(2)]


def test_a_line_cut_off_by_a_crash_costs_only_its_own_job(tmp_path: Path) -> None:
    memory = JobMemory(tmp_path, "kling", KlingTask)
    memory.remember(task(0))
    with (tmp_path / "kling.jsonl").open("ab") as file:
        file.write(b'\n{"id":"half","order":{"mod')
    memory.remember(task(1))
    assert memory.recall() == [task(0), task(1)]


def test_the_files_stay_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_memory, "MAX_FILE_BYTES", 1_000)
    memory = JobMemory(tmp_path, "kling", KlingTask)
    for number in range(100):
        memory.remember(task(number))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 3_000
    recalled = memory.recall()
    assert recalled == [task(number) for number in range(100 - len(recalled), 100)]
    assert len(recalled) >= 3

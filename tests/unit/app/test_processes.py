"""The file that says what runs."""

from pathlib import Path

import pytest

from modelgate.app.processes import Processes, ProcessFacts, read_processes, write_processes


def test_what_is_written_is_read(tmp_path: Path) -> None:
    facts = {"book": ProcessFacts(pid=1, ready=True), "relay-0": ProcessFacts(pid=0, ready=False, restarts=2)}
    written = Processes(base_url="http://h", host="h", port=1, processes=facts)
    write_processes(tmp_path / "p.json", written)
    assert read_processes(tmp_path / "p.json") == written
    assert written.missing == ("relay-0",)
    assert [path.name for path in tmp_path.iterdir()] == ["p.json"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"base_url": 1}'])
def test_what_cannot_be_read_is_not_known(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "p.json").write_bytes(content)
    assert read_processes(tmp_path / "p.json") is None

"""What a stop does to answers that are longer than it waits."""

import json
import urllib.request
from pathlib import Path

from tests.environment import clean_environment
from tests.installation import RunningInstallation


def test_a_stream_that_a_stop_cuts_is_charged_as_far_as_it_came(tmp_path: Path) -> None:
    """It was an orphan of the next start, free of charge, and the relay said that it was broken."""
    installation = RunningInstallation(tmp_path / "data", "--drain-s", "1", environment=clean_environment())
    body = {"model": "sandbox-stalled-stream", "stream": True, "messages": [{"role": "user", "content": "Count to 20"}]}
    request = urllib.request.Request(
        f"{installation.base_url}/v1/chat/completions", json.dumps(body).encode(), {"Authorization": f"Bearer {installation.test_key}"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.readline().startswith(b"data: ")
        assert installation.stop() == 0
    assert "relay_broken" not in Path(installation.log.name).read_text()
    audit = installation.json("audit")
    assert audit["balances"]
    assert not any("orphaned" in note["text"] for note in audit["report"]["notes"])
    [test] = [book for book in audit["report"]["books"] if book["book"] == "test"]
    assert test["revenue_nanos"] > 0

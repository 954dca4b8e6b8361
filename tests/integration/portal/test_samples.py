"""Every sample of the documentation, run against a gateway with its sandbox."""

import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.gateway.conftest import Installation
from tests.samples import PRINTED, SAMPLES, WITH_FRAMEWORKS, is_as_written, run_sample

NAMES = sorted(path.stem for path in SAMPLES.glob("*.py"))


@pytest.fixture(scope="module")
def callback_url() -> Iterator[str]:
    """An address of this machine that the system gives to nobody; the sample, which asks for that very one, may listen there."""
    with socket.socket() as kept:
        kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        kept.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{kept.getsockname()[1]}/tasks"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, callback_url: str) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("samples") / "data", "--webhook-origins", callback_url.removesuffix("/tasks"))
    yield running
    assert running.stop() == 0


def test_every_sample_has_what_it_prints_beside_it() -> None:
    assert len(NAMES) > 15
    assert sorted(path.stem for path in PRINTED.glob("*.txt")) == NAMES


@pytest.mark.parametrize("name", sorted(set(NAMES) - set(WITH_FRAMEWORKS)))
def test_a_sample_does_what_it_says(installation: Installation, callback_url: str, name: str, tmp_path: Path) -> None:
    more = {}
    if name == "webhook_receiver":
        secret = installation.run("accounts", "webhook-secret", "default").strip()
        more = {"CALLBACK_URL": callback_url, "MODELGATE_WEBHOOK_SECRET": secret}
    printed = run_sample(
        name, tmp_path, python=sys.executable, MODELGATE_BASE_URL=installation.base_url, MODELGATE_KEY=installation.test_key, **more
    )
    assert is_as_written(name, printed), printed


def test_a_sample_that_printed_something_else_is_noticed() -> None:
    assert is_as_written("streaming", (PRINTED / "streaming.txt").read_text())
    assert not is_as_written("streaming", "1, 2, 3\n")
    assert not is_as_written("follow_a_task", "It will cost 0.005 USD\nStarted task_1\nfailed, 100 %\n")

"""A whole Modelgate out of the main environment, and the frameworks out of theirs: `make test-frameworks`."""

import hashlib
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.installation import RunningInstallation

ROOT = Path(__file__).parents[2]
TOKENS = ROOT / "src" / "modelgate" / "sandbox" / "data" / "o200k_base.tiktoken"
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
"""Of the environment; the frameworks' own settings are no business of the server's."""
TOKENS_URL = b"https://openaipublic.blob.core.windows.net/encodings/o200k_base.tiktoken"

if importlib.util.find_spec("langchain_openai") is None:
    collect_ignore_glob = ["test_*.py"]  # the main environment: its client is newer than the frameworks allow


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstallation]:
    python = str(ROOT / ".venv" / "bin" / "python")
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    running = RunningInstallation(tmp_path_factory.mktemp("installation") / "data", "--drain-s", "2", environment=kept, python=python)
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="session", autouse=True)
def tables_of_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The frameworks count tokens; they find the table here, where they would otherwise fetch it."""
    folder = tmp_path_factory.mktemp("tiktoken")
    shutil.copy(TOKENS, folder / hashlib.sha1(TOKENS_URL, usedforsecurity=False).hexdigest())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
        yield

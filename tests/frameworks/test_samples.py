"""The samples of the documentation for LangChain and LlamaIndex, run against a gateway with its sandbox."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.installation import RunningInstallation
from tests.samples import ROOT, WITH_FRAMEWORKS, is_as_written, run_sample


@pytest.mark.parametrize("name", WITH_FRAMEWORKS)
def test_a_sample_does_what_it_says(installation: RunningInstallation, name: str, tmp_path: Path) -> None:
    printed = run_sample(
        name, tmp_path, python=sys.executable, MODELGATE_BASE_URL=installation.base_url, MODELGATE_KEY=installation.test_key
    )
    assert is_as_written(name, printed), printed


def test_the_fragment_of_the_guide(installation: RunningInstallation) -> None:
    page = (ROOT / "src" / "modelgate" / "portal" / "guides" / "python-langchain.md").read_text()
    fragment = page.split("```python\n")[1].split("```")[0]
    given: dict[str, Any] = {}
    exec(fragment.replace("{{base_url}}", installation.base_url).replace("sk-…", installation.test_key), given)  # our own page
    assert given["model"].invoke("Say: yes").content == "yes"

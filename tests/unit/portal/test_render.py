from modelgate.portal.pages import (
    Answer,
    Body,
    EndpointPart,
    ErrorRow,
    Example,
    Field,
    More,
    Page,
    Parameters,
    Part,
    PartFile,
    SampleFile,
    Samples,
)
from modelgate.portal.render import render_markdown

PART = EndpointPart(
    method="POST",
    path="/things",
    name="make_thing",
    family="things",
    needs_key=True,
    key_kind="key",
    price_unit="thing",
    parameters=Parameters(query=(Field(name="alt", type="string", enum=("sse",)),)),
    request=Body(
        content_type="application/json",
        fields=(
            Field(name="prompt", type="string", required=True, min_length=1, max_length=500, description="What it is."),
            Field(name="size", type="object", nullable=True, children=(Field(name="width", type="integer", minimum=1, default=8),)),
        ),
    ),
    example=Example(method="POST", path="/things", query=(("alt", "sse"),), content_type="application/json", body={"prompt": "it's"}),
    response=Answer(status=200, content_type="text/event-stream", text="data: {}\n"),
    errors=(ErrorRow(status=400, code="", message="a | b"), ErrorRow(status=404, code="gone", message="Gone.")),
    more=(
        More(
            title="As a form",
            prose="A file too.",
            example=Example(
                method="POST",
                path="/things",
                content_type="multipart/form-data",
                parts=(Part(name="n", value="1"), Part(name="image", file=PartFile(filename="a.png", content_type="image/png"))),
            ),
            answer=Answer(status=200, content_type="application/json", example={"id": "a"}),
        ),
    ),
)


def page(**more: object) -> Page:
    return Page(**{"slug": "x", "title": "Make a thing", "section": (), "kind": "endpoint", "summary": "x", "prose": "Words.", **more})  # type: ignore[arg-type]


def test_an_endpoint_in_full() -> None:
    text = render_markdown(page(endpoint=PART), base_url="http://here")
    assert text.startswith("# Make a thing\n\nWords.\n\n`POST /things`\n\nNeeds a key: `Authorization: Bearer sk-…`. Paid by thing.\n")
    assert '- `alt` (string, one of `"sse"`)' in text
    assert "- `prompt` (string, required, 1 to 500 long): What it is." in text
    assert "- `size` (object or null)\n  - `width` (integer, at least 1, default `8`)" in text
    assert "'http://here/things?alt=sse' \\\n  --header \"Authorization: Bearer $MODELGATE_KEY\"" in text
    assert '"prompt": "it\'\\\'\'s"' in text
    assert "```\ndata: {}\n```" in text
    assert "| 400 | - | a   b |" in text
    assert "--form 'n=1' \\\n  --form 'image=@a.png'" in text
    assert '{\n  "id": "a"\n}' in text


def test_an_object_and_programs() -> None:
    answer = Answer(status=200, content_type="application/json", fields=(Field(name="id", type="string"),), example={"id": "a"})
    assert "## Fields\n\n- `id` (string)\n\n## Example\n\n```json" in render_markdown(page(object=answer), base_url="")
    samples = Samples(language="python", files=(SampleFile(title="A program", name="a.py", code="print()\n"),))
    assert render_markdown(page(samples=samples), base_url="").endswith("## A program\n\n```python\nprint()\n```\n")


def test_a_file_is_told_in_words() -> None:
    answer = Answer(status=200, content_type="image/png", text="The file: a picture.")
    assert "## Example\n\nThe file: a picture.\n" in render_markdown(page(object=answer), base_url="")

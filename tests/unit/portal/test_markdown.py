from modelgate.portal import markdown

TEXT = """# A page

Its **first** paragraph, with `code` and
[a link](other.md#part).

## Twice
```sh
# no heading
[no link](x.md)
```
* a point
## Twice

| a | b |
|---|---|
| [cell](y.md) | 2 |
"""


def test_headings_have_github_anchors() -> None:
    assert markdown.headings_of(TEXT) == (("a-page", "A page"), ("twice", "Twice"), ("twice-1", "Twice"))
    assert markdown.headings_of("## `keys create` (new!) – a_b\n") == (("keys-create-new--a_b", "keys create (new!) – a_b"),)


def test_links_outside_of_code() -> None:
    assert markdown.links_of(TEXT) == ("other.md#part", "y.md")
    changed = markdown.with_links(TEXT, lambda target: f"/{target}")
    assert "[a link](/other.md#part)" in changed
    assert "[no link](x.md)" in changed


def test_plain_words() -> None:
    assert markdown.first_paragraph(TEXT) == "Its first paragraph, with code and a link."
    assert markdown.plain_of("| a | b |\n|---|---|\n| **c** | `d_e` |") == "a b c d_e"
    assert markdown.plain_of("MODELGATE_DATA") == "MODELGATE_DATA"


def test_a_title_is_taken_off() -> None:
    assert markdown.without_title(TEXT).startswith("Its **first**")
    assert markdown.without_title("## Not\n") == "## Not\n"


def test_fences_of_tildes_hold_backticks() -> None:
    assert [fenced for _, fenced in markdown.lines_of("~~~\n```\n~~~\nx")] == [True, True, True, False]

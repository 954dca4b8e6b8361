"""Names of stored files."""

import pytest

from modelgate.core.blobs import CONTENT_TYPES, blob_key, content_type_of, is_blob_key


@pytest.mark.parametrize("content_type", CONTENT_TYPES.values())
def test_a_key_tells_its_content_type(content_type: str) -> None:
    assert content_type_of(blob_key("task_12345678-0", content_type)) == content_type


@pytest.mark.parametrize("content_type", ["text/html", "image/svg+xml", "application/javascript", ""])
def test_what_a_browser_would_run_is_never_kept(content_type: str) -> None:
    with pytest.raises(ValueError, match="not kept"):
        blob_key("task_12345678", content_type)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.png",
        "../../etc/passwd.png",
        "task_1234/5678.png",
        "task_12345678.html",
        "task_12345678.png\n",
        "task_12345678..png",
        "task_1234%35678.png",
    ],
)
def test_paths_and_odd_names_are_no_keys(text: str) -> None:
    assert not is_blob_key(text)
    with pytest.raises(ValueError, match="not a key"):
        content_type_of(text)


def test_a_stem_that_is_a_path_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot name a file"):
        blob_key("../task_12345678", "image/png")

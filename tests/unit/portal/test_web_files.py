import os
from pathlib import Path

import pytest

from modelgate.portal.web_files import WebFiles


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<p>")
    (web / "assets" / "a-1.js").write_text("1")
    (web / "sources.sha256").write_text("x")
    (tmp_path / "secret.txt").write_text("secret")
    return web


def test_files_have_their_types(folder: Path) -> None:
    files = WebFiles(folder)
    index, script = files.find("index.html"), files.find("assets/a-1.js")
    assert index is not None
    assert script is not None
    assert (index.content_type, index.body) == ("text/html; charset=utf-8", b"<p>")
    assert script.content_type == "text/javascript; charset=utf-8"
    assert files.find("index.html") is index


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing.js",
        "../secret.txt",
        "assets/../../secret.txt",
        "/etc/passwd.txt",
        "assets",
        "a\\..\\x.js",
        "%2e%2e/secret.txt",
        "sources.sha256",
        ".hidden.js",
    ],
)
def test_nothing_else_is_given(folder: Path, name: str) -> None:
    (folder / ".hidden.js").write_text("x")
    assert WebFiles(folder).find(name) is None


def test_a_new_build_is_seen(folder: Path) -> None:
    files = WebFiles(folder)
    before = files.find("index.html")
    (folder / "index.html").write_text("<b>")
    os.utime(folder / "index.html", ns=(1, 1))
    after = files.find("index.html")
    assert before is not None
    assert after is not None
    assert after.body == b"<b>"
    assert after.etag != before.etag


def test_without_a_build(tmp_path: Path) -> None:
    assert WebFiles(tmp_path / "web").find("index.html") is None

"""The web app as it is in the repository: no addresses of registries, no request to another host, a build that notices changes."""

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"


def sources(pattern: str) -> list[Path]:
    return sorted(path for path in WEB.rglob(pattern) if "node_modules" not in path.parts)


@pytest.fixture
def hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_file_names_no_registry() -> None:
    text = (WEB / "package-lock.json").read_text()
    assert "resolved" not in text
    packages = json.loads(text)["packages"]
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_packages_are_pinned_and_few() -> None:
    package = json.loads((WEB / "package.json").read_text())
    versions = {**package["dependencies"], **package["devDependencies"]}
    assert [name for name, version in versions.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    assert len(versions) <= 10, "every package is a risk and a wait: say in the commit why it is worth it"


def test_nothing_is_asked_of_other_hosts() -> None:
    asked = re.compile(r"""(?:src|href)=["']https?:|(?:@import|url\()\s*["']?https?:|fetch\(\s*["'`]https?:""")
    assert [
        path.name for pattern in ("*.vue", "*.ts", "*.css", "*.html") for path in sources(pattern) if asked.search(path.read_text())
    ] == []


def test_the_policy_meets_no_inline_code() -> None:
    inline = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son[a-z]+=")
    assert inline.search((WEB / "index.html").read_text()) is None
    written_out = re.compile(r"""\s(?:style|on[a-z]+)=["']""")
    assert [path.name for path in sources("*.vue") if written_out.search(path.read_text())] == []


def test_a_changed_source_makes_the_build_old(hook: ModuleType, tmp_path: Path) -> None:
    shutil.copytree(WEB, tmp_path / "web", ignore=shutil.ignore_patterns("node_modules"))
    assert not hook.is_built(tmp_path)
    stamp = tmp_path / hook.WEB / hook.WEB_STAMP
    stamp.parent.mkdir(parents=True)
    stamp.write_text(hook.hash_of_sources(tmp_path))
    assert hook.is_built(tmp_path)
    (tmp_path / "web" / "node_modules").mkdir()
    (tmp_path / "web" / "node_modules" / "left.js").write_text("")
    assert hook.is_built(tmp_path), "packages are named by the lock file"
    (tmp_path / "web" / "src" / "main.ts").write_text("")
    assert not hook.is_built(tmp_path)
    shutil.rmtree(tmp_path / "web")
    assert hook.is_built(tmp_path), "a package without the sources has what was built from them"


def test_a_build_that_breaks_is_not_taken_for_a_whole_one(hook: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "package-lock.json").write_text("{}")
    stamp = tmp_path / hook.WEB / hook.WEB_STAMP
    stamp.parent.mkdir(parents=True)
    stamp.write_text(hook.hash_of_sources(tmp_path))

    def break_down(*_: object, **__: object) -> None:
        raise RuntimeError("npm run failed")

    monkeypatch.setattr(hook, "run_npm", break_down)
    with pytest.raises(RuntimeError, match="npm run failed"):
        hook.build_web(tmp_path)
    assert not hook.is_built(tmp_path)

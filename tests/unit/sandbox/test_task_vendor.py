import sys
from pathlib import Path

import msgspec
import pytest
from starlette.routing import Route

import modelgate.sandbox
from modelgate.providers import load_providers
from modelgate.sandbox.count import Counter
from modelgate.sandbox.task_vendor import TaskVendor, load_task_vendors

FILE = """
import msgspec
from modelgate.sandbox.task_vendor import TaskVendor

class Job(msgspec.Struct):
    id: str

VENDOR = TaskVendor(name="{name}", key="k", opened=dict, job=Job)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of vendors in place of ours."""
    monkeypatch.setattr(modelgate.sandbox, "__path__", [str(tmp_path)])
    for name in ("oddly", "shared"):
        monkeypatch.delitem(sys.modules, f"modelgate.sandbox.{name}", raising=False)
    return tmp_path


def test_a_file_or_package_with_a_vendor_is_found_and_no_other(folder: Path) -> None:
    (folder / "oddly").mkdir()
    (folder / "oddly" / "__init__.py").write_text(FILE.format(name="oddly"))
    (folder / "shared.py").write_text("")
    assert [vendor.name for vendor in load_task_vendors()] == ["oddly"]


@pytest.mark.parametrize("text", [FILE.format(name="other"), "VENDOR = 1"])
def test_a_vendor_has_the_name_of_its_place(folder: Path, text: str) -> None:
    (folder / "oddly.py").write_text(text)
    with pytest.raises(TypeError, match="sandbox/oddly must hold VENDOR, a TaskVendor named 'oddly'"):
        list(load_task_vendors())


def test_each_takes_the_key_that_its_provider_brings() -> None:
    ours = {vendor.name: vendor.key for vendor in load_task_vendors()}
    asked = {name: one.twin.key for name, one in load_providers().items() if one.media and one.twin is not None}
    assert {"kling", "runway"} <= set(ours)
    assert ours == asked


class Job(msgspec.Struct):
    id: str


class Opened:
    def __init__(self, **told: object) -> None:
        self.told = told

    def routes(self) -> list[Route]:
        return []


def test_its_jobs_are_kept_where_there_is_a_folder(tmp_path: Path) -> None:
    vendor = TaskVendor(name="oddly", key="k", opened=Opened, job=Job)
    for folder, kept in ((None, set()), (tmp_path, {"recalled", "remember"})):
        opened = vendor.open(counter=Counter(), clock=lambda: 0.0, folder=folder, shown_url="http://gateway/")
        assert isinstance(opened, Opened)
        assert set(opened.told) == {"counter", "clock"} | kept


def test_where_callers_find_it_is_told_to_who_asks() -> None:
    vendor = TaskVendor(name="oddly", key="k", opened=Opened, job=Job, takes_shown_url=True)
    opened = vendor.open(counter=Counter(), clock=lambda: 0.0, folder=None, shown_url="http://gateway/")
    assert isinstance(opened, Opened)
    assert opened.told["shown_url"] == "http://gateway/"

"""A vendor of media is one place in each room it needs, of small files that are found by scanning; nothing outside names it.

`docs/decisions/2026-11-27-vendor-packages.md` has the reasons and the figures.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelgate.formats
from modelgate.formats.media.family import load_media_families
from modelgate.providers import load_providers
from modelgate.sandbox.task_vendor import load_task_vendors

SOURCE = Path(__file__).parents[2] / "src" / "modelgate"
PROVIDERS = load_providers()
VENDORS = sorted(name for name, provider in PROVIDERS.items() if provider.media and name != "modelgate")
"""Our own name is said in many places."""
FAMILIES = sorted(family.name for family in load_media_families())
ROOMS = ("providers", "sandbox", "formats")
MAX_LINES = 300
SEVERAL_FILES = {
    "providers/kling": "six operations, eight endpoints, nine models with nested options, and what New API says in its place",
    "providers/midjourney": "thirteen operations, and three generations of proxies",
    "sandbox/fal": "a storage for uploads, and webhooks that are signed, besides its queue and endpoints",
    "sandbox/kling": "eight endpoints and nine models: what goes together with what; a signed token, callbacks",
    "sandbox/midjourney": "twelve endpoints, buttons and dialogs, a queue, callbacks",
}
"""Places with more code than one file holds, tables and structs apart, and what needs it. The list may only shrink."""
OUTSIDE = {
    "app/first_run.py": "what a first start shows to try",
    "control/key_reference.py": "an example",
    "control/request_reference.py": "an example",
    "control/task_reference.py": "an example",
    "control/yescale_reference.py": "an example",
    "formats/openai_image_tasks/request.py": "an option keeps its vendor's prefix",
    "formats/openai_videos/family.py": "an example",
    "formats/openai_videos/schema.py": "an example",
    "formats/tasks/family.py": "an example",
    "formats/tasks/schema.py": "an example",
    "gateway/callbacks.py": "an example, in the description of the address that vendors call",
    "portal/tree.py": "the titles of the site, in its published order",
}
"""Files outside of a vendor's places that may say its name, in text alone."""


def place_of(room: str, name: str) -> list[Path]:
    """Return the file or package of a name in a room."""
    return [path for path in (SOURCE / room / f"{name}.py", SOURCE / room / name) if path.exists()]


def files_of(place: Path) -> list[Path]:
    return [place] if place.is_file() else sorted(place.glob("*.py"))


def is_tables(path: Path) -> bool:
    """Return whether a file holds structs and tables alone, as its name says."""
    return path.stem == "schema" or path.stem.endswith("_schema")


def places() -> Iterator[Path]:
    for name in VENDORS:
        for room in ("providers", "sandbox"):
            yield from place_of(room, name)
    for name in FAMILIES:
        yield from place_of("formats", name)


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


PLACES = [pytest.param(place, id=name_of(place)) for place in places()]


def test_the_vendors_are_found() -> None:
    assert {"kling", "runway", "luma", "luma_agents", "midjourney", "suno", "fal", "bfl", "ideogram"} <= set(VENDORS)
    assert {"kling", "runway", "luma", "midjourney", "suno", "pika", "ideogram", "tasks"} <= set(FAMILIES)
    assert len(PLACES) > 25


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_is_one_place_in_each_room(name: str) -> None:
    played = {vendor.name for vendor in load_task_vendors()}
    assert len(place_of("providers", name)) == 1
    assert len(place_of("sandbox", name)) == (1 if name in played else 0)
    assert (name in played) == (PROVIDERS[name].twin is not None)
    nearest = [max((other for other in VENDORS if path.stem.startswith(other)), key=len, default="") for path in formats()]
    assert nearest.count(name) <= 1


def formats() -> list[Path]:
    (folder,) = (Path(path) for path in modelgate.formats.__path__)
    return [path for path in folder.iterdir() if path.name != "__pycache__"]


@pytest.mark.parametrize("place", PLACES)
def test_its_files_are_small(place: Path) -> None:
    too_long = [path.name for path in files_of(place) if not is_tables(path) and len(path.read_text().splitlines()) > MAX_LINES]
    assert too_long == []


@pytest.mark.parametrize("place", PLACES)
def test_tables_hold_no_work(place: Path) -> None:
    """A file that is counted apart must be what it is called: structs, tables and what looks something up in them."""
    for path in filter(is_tables, files_of(place)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 8, f"{path.name}: {node.name}"


def test_one_file_of_code_is_enough_for_the_others() -> None:
    """Counted where a vendor is called or played: a dialect is a package by plan, of request, response, family and what else it needs."""
    several = {
        name_of(place)
        for place in places()
        if place.parent.name != "formats" and len([path for path in files_of(place) if not is_tables(path)]) > 1
    }
    assert several == set(SEVERAL_FILES)


# Names.

NAMED = re.compile(rf"(?<![a-z])(?:{'|'.join(sorted(VENDORS, key=len, reverse=True))})(?![a-z])", re.IGNORECASE)


def texts_apart_from_docstrings(tree: ast.AST) -> Iterator[ast.Constant]:
    bodies = (node.body for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef))
    documentation = {id(statement.value) for body in bodies for statement in body if isinstance(statement, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documentation:
            yield node


def said_in_text(tree: ast.AST) -> list[str]:
    return [f"{node.lineno}: {node.value}" for node in texts_apart_from_docstrings(tree) if NAMED.search(str(node.value))]


def said_in_code(tree: ast.AST) -> list[str]:
    """Return the imports and the names in code that name a vendor."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom():
                names = [node.module or "", *(alias.name for alias in node.names)]
            case ast.Import():
                names = [alias.name for alias in node.names]
            case ast.Name():
                names = [node.id]
            case ast.Attribute():
                names = [node.attr]
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names = [node.name]
            case _:
                names = []
        found += [f"{getattr(node, 'lineno', 0)}: {name}" for name in names if NAMED.search(name)]
    return found


def is_vendors(dialect: Path) -> bool:
    """Return whether a dialect is a vendor's own, and not one for all vendors."""
    return NAMED.match(dialect.stem) is not None


def outside() -> Iterator[Path]:
    """Yield the code outside of the vendors' own places; the samples of the documentation are data."""
    own_places = [place for name in VENDORS for room in ("providers", "sandbox") for place in place_of(room, name)]
    own = [path for place in (*own_places, *filter(is_vendors, formats())) for path in files_of(place)]
    for path in sorted(SOURCE.rglob("*.py")):
        if path not in own and path.parent != SOURCE / "portal" / "samples":
            yield path


def test_nothing_outside_names_a_vendor_in_code() -> None:
    assert {name_of(path): found for path in outside() if (found := said_in_code(ast.parse(path.read_text())))} == {}


def test_nothing_outside_names_a_vendor_in_text_but_examples() -> None:
    said = {name_of(path): found for path in outside() if (found := said_in_text(ast.parse(path.read_text())))}
    assert {name: found for name, found in said.items() if name not in OUTSIDE} == {}
    assert set(OUTSIDE) <= set(said), "take off the list what says none any more"


@pytest.mark.parametrize("name", VENDORS)
def test_no_vendor_names_another(name: str) -> None:
    """Two services of one vendor may go by the same rules: the name of the one begins with the other's."""
    for room in ("providers", "sandbox"):
        for place in place_of(room, name):
            for path in files_of(place):
                imported = [node.module or "" for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
                others = {module.split(".")[2] for module in imported if module.startswith(f"modelgate.{room}.")} & set(VENDORS)
                assert {other for other in others - {name} if not name.startswith(f"{other}_")} == set(), path


def test_a_name_in_code_or_text_is_found() -> None:
    assert said_in_code(ast.parse("from modelgate.providers.kling import calls")) != []
    assert said_in_code(ast.parse("KLING_SECRET")) != []
    assert said_in_text(ast.parse("x = '/luma-agents/v1'")) != []
    assert said_in_text(ast.parse("'''Kling does this.'''")) == []
    assert said_in_code(ast.parse("falls, sunopoly = 1, fallback")) == []

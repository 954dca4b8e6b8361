"""The rules of the house, so that nobody has to remember them."""

import ast
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modelgate.app.endpoints import every_endpoint
from modelgate.app.settings import Settings, flag_of, variable_of
from modelgate.core import errors
from modelgate.core.endpoints import Endpoint
from modelgate.core.sandbox import MAGIC_WORDS
from modelgate.formats.media.family import load_media_families
from modelgate.gateway.files import FileExpired
from modelgate.portal.openapi import render_openapi
from modelgate.providers import load_providers
from modelgate.telemetry.metrics import Metrics
from modelgate.telemetry.metrics_page import render_page

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "modelgate"
DOCS = ROOT / "docs"

MAX_MODULE_LINES = 600
MAX_FUNCTION_LINES = 70
LONG_SCHEMAS: frozenset[str] = frozenset()
"""Schema modules that may be longer."""

TESTED_ELSEWHERE = {
    "app/control_reach.py": ("integration/control/test_models.py", "composition"),
    "app/control.py": ("integration/app/test_desk.py", "composition"),
    "control/declared.py": ("unit/app/test_endpoints.py", "declarations"),
    "control/task_reference.py": ("unit/app/test_endpoints.py", "declarations"),
    "control/upstream_reference.py": ("unit/app/test_endpoints.py", "declarations"),
    "portal/document.py": ("unit/portal/test_site.py", "types and constants"),
    "storage/admin_events.py": ("integration/control/test_events.py", "two statements"),
    "control/key_reference.py": ("unit/app/test_endpoints.py", "declarations"),
    "control/errors.py": ("unit/control/test_actions.py", "types"),
    "control/people.py": ("integration/control/test_session.py", "types"),
    "control/yescale_reference.py": ("integration/control/test_yescale.py", "types and declarations"),
    "control/session_endpoints.py": ("unit/app/test_endpoints.py", "declarations"),
    "app/serve.py": ("integration/test_serve.py", "several processes"),
    "app/relay.py": ("integration/test_relay_kill_points.py", "a process"),
    "app/worker.py": ("integration/test_kling_restart.py", "a process"),
    "app/workshop.py": ("integration/app/test_desk.py", "composition"),
    "cli/version.py": ("unit/cli/test_main.py", "one line"),
    "storage/blob_bucket.py": ("integration/storage/test_blobs.py", "the same tests on disk and in a bucket"),
    "storage/blob_folder.py": ("integration/storage/test_blobs.py", "the same tests on disk and in a bucket"),
    "storage/alembic/versions/task_family_0004.py": ("integration/storage/test_migrations.py", "every migration is run there"),
    "storage/alembic/versions/webhooks_0005.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/alembic/versions/account_api_0006.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/schema/control.py": ("integration/storage/test_migrations.py", "tables"),
    "core/listings.py": ("integration/storage/test_key_listings.py", "types"),
    "core/claims.py": ("integration/storage/test_claims.py", "types"),
    "core/members.py": ("unit/identity/test_roles.py", "types"),
    "core/clock.py": ("unit/portal/test_openapi.py", "two lines, handed in everywhere"),
    "core/endpoints.py": ("unit/gateway/test_endpoints.py", "types"),
    "core/errors.py": ("integration/gateway/test_errors.py", "row by row"),
    "core/leases.py": ("unit/metering/test_leases.py", "types"),
    "core/rates.py": ("unit/metering/test_rates.py", "types"),
    "core/records.py": ("integration/storage/test_tasks.py", "types"),
    "core/sandbox.py": ("unit/sandbox/test_magic.py", "constants"),
    "core/usage.py": ("unit/metering/test_prices.py", "types"),
    "formats/anthropic_messages/reference.py": ("unit/gateway/test_endpoints_messages.py", "types"),
    "formats/anthropic_messages/reference_blocks.py": ("unit/gateway/test_endpoints_messages.py", "types"),
    "formats/anthropic_messages/schema.py": ("unit/formats/anthropic_messages/test_request_decoder.py", "types"),
    "formats/chat/events.py": ("unit/formats/chat/test_collect.py", "types"),
    "formats/chat/request.py": ("unit/formats/chat/test_collect.py", "types"),
    "formats/chat/response.py": ("unit/formats/chat/test_collect.py", "types"),
    "formats/chat/wire_format.py": ("unit/formats/chat/test_translator.py", "types"),
    "formats/gemini_content/reference.py": ("unit/gateway/test_endpoints_gemini.py", "types"),
    "formats/gemini_content/reference_parts.py": ("unit/gateway/test_endpoints_gemini.py", "types"),
    "formats/gemini_content/schema.py": ("unit/formats/gemini_content/test_decode_request.py", "types"),
    "formats/gemini_embeddings/schema.py": ("unit/formats/gemini_embeddings/test_request.py", "types"),
    "formats/openai_videos/schema.py": ("unit/formats/openai_videos/test_request.py", "types"),
    "formats/tasks/schema.py": ("unit/formats/tasks/test_request.py", "types"),
    "formats/ideogram/schema.py": ("unit/formats/ideogram/test_docs.py", "types"),
    "formats/kling/schema.py": ("unit/formats/kling/test_docs.py", "types"),
    "formats/suno/schema.py": ("unit/formats/suno/test_family.py", "types"),
    "formats/midjourney/schema.py": ("unit/formats/midjourney/test_docs.py", "types"),
    "formats/midjourney/submits.py": ("unit/formats/midjourney/test_family.py", "declarations"),
    "formats/kling/video_schema.py": ("unit/formats/kling/test_family.py", "types"),
    "formats/media/refusals.py": ("unit/providers/kling/test_answers.py", "constants"),
    "formats/openai_chat/hub_schema.py": ("unit/formats/openai_chat/test_decode_request.py", "types"),
    "formats/openai_chat/reference.py": ("unit/portal/test_openapi.py", "types"),
    "formats/openai_chat/reference_messages.py": ("unit/portal/test_openapi.py", "types"),
    "formats/openai_completions/reference.py": ("unit/gateway/test_endpoints_completions.py", "types"),
    "formats/openai_completions/schema.py": ("unit/formats/openai_completions/test_request.py", "types"),
    "formats/openai_image_tasks/schema.py": ("unit/formats/openai_image_tasks/test_request.py", "types"),
    "formats/openai_responses/reference.py": ("unit/gateway/test_endpoints_responses.py", "types"),
    "formats/openai_responses/reference_items.py": ("unit/gateway/test_endpoints_responses.py", "types"),
    "formats/openai_responses/schema.py": ("unit/formats/openai_responses/test_wire.py", "types"),
    "formats/openai_chat/schema.py": ("unit/formats/openai_chat/test_request.py", "types"),
    "formats/openai_embeddings/schema.py": ("unit/formats/openai_embeddings/test_single.py", "types"),
    "formats/openai_image_edits/schema.py": ("unit/formats/openai_image_edits/test_single.py", "types"),
    "formats/openai_images/reference.py": ("unit/gateway/test_endpoints_images.py", "types"),
    "formats/openai_images/schema.py": ("unit/formats/openai_images/test_single.py", "types"),
    "formats/openai_speech/schema.py": ("unit/formats/openai_speech/test_single.py", "types and data"),
    "formats/openai_transcriptions/reference.py": ("unit/gateway/test_endpoints_audio.py", "types"),
    "formats/openai_transcriptions/schema.py": ("unit/formats/openai_transcriptions/test_single.py", "types"),
    "formats/luma/routes.py": ("unit/formats/luma/test_family.py", "declarations"),
    "formats/luma/dream_routes.py": ("unit/formats/luma/test_family.py", "declarations"),
    "formats/luma/schema.py": ("unit/formats/luma/test_family.py", "types"),
    "providers/runway/schema.py": ("unit/providers/runway/test_init.py", "types and data"),
    "sandbox/bfl/schema.py": ("unit/sandbox/bfl/test_init.py", "types and data"),
    "providers/suno/schema.py": ("unit/providers/suno/test_init.py", "types and data"),
    "formats/runway/schema.py": ("unit/formats/runway/test_family.py", "types"),
    "formats/single/single_format.py": ("unit/formats/openai_embeddings/test_single.py", "types"),
    "gateway/answer_stream.py": ("unit/gateway/test_chat.py", "part of the pipeline"),
    "gateway/attempts.py": ("unit/gateway/test_chat.py", "part of the pipeline"),
    "gateway/call.py": ("unit/gateway/test_chat.py", "part of the pipeline"),
    "gateway/calls.py": ("unit/gateway/test_chat.py", "the pipeline"),
    "gateway/chat_exchange.py": ("unit/gateway/test_chat.py", "part of the pipeline"),
    "gateway/opening.py": ("unit/gateway/test_chat.py", "part of the pipeline"),
    "gateway/single.py": ("integration/gateway/test_openai_singles.py", "part of the pipeline"),
    "app/token_counter.py": ("integration/gateway/test_openai_singles.py", "a tokenizer in a thread"),
    "gateway/endpoints_chat.py": ("unit/gateway/test_endpoints.py", "declarations"),
    "metering/messages.py": ("unit/app/test_book_link.py", "types"),
    "metering/store.py": ("integration/storage/test_ledger.py", "a protocol"),
    "portal/pages.py": ("unit/portal/test_builder.py", "types"),
    "providers/anthropic.py": ("unit/providers/test_init.py", "a record"),
    "providers/gemini.py": ("unit/providers/test_init.py", "a record"),
    "providers/openai.py": ("unit/providers/test_init.py", "a record"),
    "sandbox/midjourney/schema.py": ("unit/sandbox/midjourney/test_checks.py", "types"),
    "sandbox/midjourney/words.py": ("unit/sandbox/midjourney/test_checks.py", "part of the checks"),
    "sandbox/gemini/schema.py": ("unit/sandbox/gemini/test_fields.py", "data"),
    "sandbox/chat_ask.py": ("unit/sandbox/test_speaker.py", "types"),
    "storage/alembic/env.py": ("integration/storage/test_migrations.py", "run by alembic"),
    "storage/alembic/versions/initial_0001.py": ("integration/storage/test_migrations.py", "a migration"),
    "gateway/recorded_stream.py": ("unit/gateway/test_idempotency.py", "part of both that keep streams"),
    "storage/alembic/versions/key_cache_0003.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/alembic/versions/claims_0002.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/book_store.py": ("integration/storage/test_book_kill_points.py", "names functions of the ledger"),
    "storage/errors.py": ("integration/storage/test_ledger.py", "types"),
    "storage/ledger_recovery.py": ("integration/storage/test_ledger.py", "part of the ledger"),
    "storage/posting.py": ("integration/storage/test_ledger.py", "part of the ledger"),
    "storage/schema/claims.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/schema/identity.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/alembic/versions/members_0007.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/schema/members.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/schema/money.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/schema/settings.py": ("integration/storage/test_migrations.py", "tables"),
    "core/log.py": ("integration/storage/test_request_log.py", "types"),
    "control/request_reference.py": ("integration/control/test_requests.py", "declarations"),
    "storage/overview.py": ("integration/control/test_overview.py", "reads for it"),
    "storage/schema/usage.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/alembic/versions/usage_0008.py": ("integration/storage/test_migrations.py", "a migration"),
    "storage/schema/tasks.py": ("integration/storage/test_migrations.py", "tables"),
    "storage/upgrade.py": ("integration/storage/test_migrations.py", "a step of the start"),
    "tasks/store.py": ("integration/storage/test_tasks.py", "a protocol"),
}
"""Modules without a test file of their own name: where they are tested, and why there. The list may only shrink."""

VENDOR_NAMES_ALLOWED = {
    "control/yescale_reference.py": "an example of an answer",
    "control/upstream_reference.py": "data: an example",
    "control/models.py": "data: an example",
    "gateway/endpoints_chat.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_completions.py": "data: the family of the endpoint, for the documentation",
    "gateway/endpoints_responses.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_messages.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_gemini.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_audio.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_images.py": "data: the family of the endpoints, for the documentation",
    "gateway/endpoints_more.py": "data: the family of the endpoints, for the documentation",
    "portal/tree.py": "data: how families are called in the navigation",
}
"""Files outside of providers, formats and the sandbox that may name a vendor."""


def modules() -> list[Path]:
    """Return our code; the samples of the documentation are data, run by integration/portal/test_samples.py."""
    return sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE / "portal" / "samples")


def name_of(path: Path) -> str:
    return path.relative_to(SOURCE).as_posix()


def page(name: str) -> str:
    return (DOCS / name).read_text()


def table() -> tuple[Endpoint, ...]:
    return tuple(every_endpoint(load_media_families()))


# Shape.


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_sizes(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MAX_MODULE_LINES or name_of(path) in LONG_SCHEMAS
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (
                (node.end_lineno or 0) - node.lineno < MAX_FUNCTION_LINES or "migrations" in path.parts or path.parent.name == "versions"
            ), node.name


def test_every_module_says_what_it_is_for() -> None:
    silent = [name_of(path) for path in modules() if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None]
    assert silent == []


def test_nothing_is_called_helpers() -> None:
    banned = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
    assert [name_of(path) for path in modules() if banned & set(re.split(r"[_.]", path.stem))] == []


def mirrors(name: str) -> list[Path]:
    room, _, file = name.rpartition("/")
    return [ROOT / "tests" / kind / room / f"test_{file}" for kind in ("unit", "integration")]


def is_record(path: Path) -> bool:
    """Return whether a module is a vendor as data alone: every such one is asked the same in providers/test_init.py."""
    tree = ast.parse(path.read_text())
    return path.parent.name == "providers" and not any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in ast.walk(tree))


def test_every_module_has_its_test() -> None:
    with_code = [
        name_of(path) for path in modules() if path.stem not in ("__init__", "__main__") and path.parent != SOURCE and not is_record(path)
    ]
    without = [name for name in with_code if not any(path.exists() for path in mirrors(name))]
    assert sorted(set(without) - set(TESTED_ELSEWHERE)) == []


def test_the_list_of_exceptions_is_true() -> None:
    for name, (where, _) in TESTED_ELSEWHERE.items():
        assert (SOURCE / name).exists(), f"{name} is gone: take it off the list"
        assert (ROOT / "tests" / where).exists(), f"{name} is not tested at {where}"
        assert not any(path.exists() for path in mirrors(name)), f"{name} has a test file of its own now: take it off the list"


def named_vendors(tree: ast.AST, vendors: frozenset[str]) -> Iterator[str]:
    yield from (f"{node.lineno}: {node.value}" for node in ast.walk(tree) if isinstance(node, ast.Constant) and node.value in vendors)


def test_vendor_names_steer_nothing_outside_of_their_own_files() -> None:
    vendors = frozenset(load_providers()) - {"modelgate"}  # our own name is said in many places
    assert {"openai", "kling"} <= vendors
    found = {}
    for path in modules():
        name = name_of(path)
        if not name.startswith(("providers/", "sandbox/")) and not name.startswith(tuple(f"formats/{vendor}" for vendor in vendors)):
            said = list(named_vendors(ast.parse(path.read_text()), vendors))
            if said and name not in VENDOR_NAMES_ALLOWED:
                found[name] = said
    assert found == {}


def test_no_place_of_one_machine_is_in_the_repository() -> None:
    """Paths of whoever wrote it and package indexes belong to a machine, not to the product."""
    banned = re.compile(rb"/(?:home|root)/\w|--(?:extra-)?index-url\b|" + re.escape(str(ROOT).encode()) + rb"\b")
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if tracked.returncode != 0:
        pytest.skip("not a checkout")
    found = []
    for name in filter(None, tracked.stdout.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path != Path(__file__) and banned.search(path.read_bytes()):
            found.append(name)
    assert found == []


# Documentation.


def test_every_setting_is_documented() -> None:
    text = page("settings.md")
    fields = Settings.__struct_fields__
    assert [field for field in fields if f"`{flag_of(field)}`" not in text or f"`{variable_of(field)}`" not in text] == []


def kinds(kind: type[errors.ModelgateError]) -> Iterator[type[errors.ModelgateError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from kinds(below)


def test_every_error_code_is_documented() -> None:
    """Every code of an error that anything raises."""
    text = page("errors.md")
    code_of_all = "".join(path.read_text() for path in modules())
    raised = {
        kind for kind in kinds(errors.ModelgateError) if re.search(rf"raise {kind.__name__}\b|(?<!class )\b{kind.__name__}\(", code_of_all)
    }
    assert {errors.UnknownModel, errors.UpstreamTimeout, FileExpired} <= raised
    codes = {kind.code for kind in raised if kind.code is not None}
    assert sorted(code for code in codes if not re.search(rf"\b{code}\b", text)) == []


def test_every_magic_word_is_documented() -> None:
    assert [word for word in MAGIC_WORDS if f"| `{word}`" not in page("sandbox.md")] == []


def test_every_endpoint_is_documented() -> None:
    pages = "".join(path.read_text() for path in (ROOT / "README.md", *DOCS.glob("*.md")))
    assert [one.path for one in table() if one.path not in pages] == []
    document = msgspec.json.decode(msgspec.json.encode(render_openapi(list(table()), version="1", server_url="http://gateway.example")))
    assert {(one.path, one.method.lower()) for one in table()} <= {
        (path, method) for path, item in document["paths"].items() for method in item
    }


def undescribed(document: Mapping[str, Any]) -> list[str]:
    """Return the fields and the parameters that an OpenAPI document says nothing about."""
    schemas = document["components"]["schemas"].items()
    fields = [f"{name}.{field}" for name, one in schemas for field, words in one.get("properties", {}).items() if not is_described(words)]
    operations = [(f"{method} {path}", one) for path, item in document["paths"].items() for method, one in item.items()]
    return fields + [
        f"{where} {one['name']}" for where, found in operations for one in found.get("parameters", ()) if not is_described(one)
    ]


def is_described(words: Mapping[str, Any]) -> bool:
    return bool(words.get("description"))


def test_every_field_and_parameter_is_documented() -> None:
    document = render_openapi(list(table()), version="1", server_url="http://gateway.example")
    assert len(document["components"]["schemas"]) > 250
    assert undescribed(document) == []


def test_a_field_or_parameter_without_words_is_found() -> None:
    document = {
        "components": {"schemas": {"Told": {"properties": {"a": {"type": "string"}, "b": {"description": "B."}}}, "Any": {}}},
        "paths": {"/x/{y}": {"get": {"parameters": [{"name": "y", "in": "path", "description": ""}]}, "post": {}}},
    }
    assert undescribed(document) == ["Told.a", "get /x/{y} y"]


def test_every_metric_is_documented() -> None:
    rendered = render_page(Metrics().current()).decode()
    names = set(re.findall(r"^# TYPE (\w+) ", rendered, flags=re.MULTILINE)) - {"modelgate"}
    wanted = {name for name in names if name.startswith("modelgate_") and not name.endswith("_created")}
    assert len(wanted) >= 7
    text = page("operations.md")
    assert sorted(name for name in wanted if f"`{name}`" not in text) == []


def test_links_between_pages_lead_somewhere() -> None:
    for path in (ROOT / "README.md", *DOCS.glob("*.md")):
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"

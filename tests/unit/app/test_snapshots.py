"""The configuration as processes use it."""

from pathlib import Path

from modelgate.app.sandbox_upstreams import sandbox_upstreams
from modelgate.app.settings import Settings
from modelgate.app.snapshots import installation_secret, with_sandbox
from modelgate.core.records import Snapshot, Upstream
from modelgate.storage.cipher import Cipher


def test_the_sandbox_comes_after_the_operators_upstreams() -> None:
    own = Upstream(id="up_1", name="openai", provider="openai", base_url="https://api.openai.com/v1", book="live")
    settings = Settings(data="/data")
    snapshot = with_sandbox(Snapshot(version=7, upstreams=(own,)), settings, Cipher(b"s" * 32))
    assert snapshot.version == 7
    assert len(snapshot.state_key) == 32
    assert snapshot.upstreams == (own, *sandbox_upstreams(settings.sandbox_socket))


def test_the_secret_is_the_files_unless_the_environment_has_one(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path))
    made = installation_secret(settings, {})
    assert installation_secret(settings, {"MODELGATE_SECRET": ""}) == made
    assert installation_secret(settings, {"MODELGATE_SECRET": "another secret altogether"}) != made

"""Settings on real databases, and the snapshot of everything."""

import msgspec
import pytest

from modelgate.core.records import Credential, PriceRow, Upstream
from modelgate.storage.changes import current_version
from modelgate.storage.cipher import Cipher, WrongSecret
from modelgate.storage.database import Database
from modelgate.storage.price_rows import set_group, set_price, unset_group, unset_price
from modelgate.storage.settings import load_snapshot, set_setting, unset_setting
from modelgate.storage.upstreams import add_upstream

NOW = 1_790_000_000.0
CIPHER = Cipher(bytes(32))
OPENAI = Upstream(
    id="up_1",
    name="openai",
    provider="openai",
    base_url="https://api.openai.com/v1",
    book="live",
    models={"gpt-4o": "gpt-4o-2024-11-20"},
    credentials=(Credential(id="cred_1", secret="sk-one"), Credential(id="cred_2", secret="sk-two", disabled=True)),
    priority=3,
    weight=2,
    cancel="cancel",
    timeout_s=12.5,
    ca_file="/etc/ca.pem",
    max_concurrent=4,
)


def test_another_secret_gives_a_clear_error(database: Database) -> None:
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    with pytest.raises(WrongSecret, match="another secret"):
        database.read(load_snapshot, Cipher(bytes(31) + b"\1"))


def test_the_snapshot_holds_everything_and_its_version_rises(database: Database) -> None:
    empty = database.read(load_snapshot, CIPHER)
    assert (empty.version, empty.upstreams, empty.prices, empty.groups, empty.settings) == (0, (), (), {}, {})
    database.run(add_upstream, CIPHER, OPENAI, now=NOW)
    database.run(set_price, PriceRow(model="m", rates={"input": "1.5"}), now=NOW)
    database.run(set_price, PriceRow(model="m", rates={"input": "2.5", "output": "3"}), now=NOW)
    database.run(set_price, PriceRow(model="local", free=True), now=NOW)
    database.run(set_group, "gold", "0.8", now=NOW)
    database.run(set_group, "gold", "0.75", now=NOW)
    database.run(set_setting, "orphans", "estimate", now=NOW)
    database.run(set_setting, "orphans", "zero", now=NOW)
    snapshot = database.read(load_snapshot, CIPHER)
    assert snapshot.upstreams == (OPENAI,)
    assert snapshot.prices == (PriceRow(model="local", free=True), PriceRow(model="m", rates={"input": "2.5", "output": "3"}))
    assert (snapshot.groups, snapshot.settings) == ({"gold": "0.75"}, {"orphans": "zero"})
    assert snapshot.version == database.read(current_version) == 8


def test_what_is_unset_is_gone(database: Database) -> None:
    database.run(set_price, PriceRow(model="m", free=True), now=NOW)
    database.run(set_group, "gold", "0.8", now=NOW)
    database.run(set_setting, "a", "b", now=NOW)
    assert database.run(unset_price, "m", now=NOW)
    assert database.run(unset_group, "gold", now=NOW)
    assert database.run(unset_setting, "a", now=NOW)
    version = database.read(current_version)
    assert not database.run(unset_price, "m", now=NOW)
    assert not database.run(unset_group, "gold", now=NOW)
    assert not database.run(unset_setting, "a", now=NOW)
    assert database.read(current_version) == version
    assert database.read(load_snapshot, CIPHER) == msgspec.structs.replace(
        database.read(load_snapshot, CIPHER), prices=(), groups={}, settings={}
    )

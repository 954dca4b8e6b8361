"""A process that reads the database itself follows the configuration."""

from pathlib import Path

import pytest

from modelgate.app.following import ConfigurationFollower, wait_until_prepared
from modelgate.app.settings import Settings
from modelgate.core.ids import new_id
from modelgate.core.records import ApiKey, PriceRow
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database, sqlite_url
from modelgate.storage.identity import create_account, create_key, disable_key
from modelgate.storage.migrations import DatabaseUnusable, prepare
from modelgate.storage.price_rows import set_price


def add_key(database: Database) -> str:
    account = database.run(create_account, name="acme", now=1.0)
    key = ApiKey(id=new_id("key"), account=account, book="test", name="k", digest="d", hint="h")
    return database.run(create_key, key, now=1.0).id


@pytest.mark.anyio
async def test_prices_and_keys_are_followed(tmp_path: Path) -> None:
    settings = Settings(data=str(tmp_path), ca_file="/etc/ssl/ours.pem")
    prepare(settings.database_url)
    database = Database(settings.database_url)
    heard: list[tuple[str, ...]] = []
    follower = ConfigurationFollower(
        database, Cipher(b"s" * 32), settings, providers=load_providers(), clock=lambda: 1.0, on_keys_changed=heard.append
    )
    key = add_key(database)
    await follower.follow()
    first = follower.current()
    await follower.follow()
    assert follower.current() is first
    assert {upstream.ca_file for upstream in first.snapshot.upstreams} == {"/etc/ssl/ours.pem"}

    heard.clear()
    database.run(disable_key, key, now=2.0)
    await follower.follow()
    assert heard == [(key,)]

    heard.clear()
    database.run(set_price, PriceRow(model="new-model", free=True), now=3.0)
    await follower.follow()
    assert heard == []
    assert follower.current().prices.find("new-model") is not None
    database.close()


def test_a_database_that_nobody_prepares_ends_the_wait(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnusable, match=r"empty .* is the book running"):
        wait_until_prepared(sqlite_url(tmp_path / "modelgate.db"), wait_s=0.01)

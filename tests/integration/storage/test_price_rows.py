"""Prices and groups on real databases."""

from modelgate.core.records import PriceRow
from modelgate.storage.changes import current_version
from modelgate.storage.database import Database
from modelgate.storage.price_rows import list_groups, list_prices, set_group, set_price, unset_group, unset_price

NOW = 1_790_000_000.0


def test_a_price_replaces_the_one_before(database: Database) -> None:
    database.run(set_price, PriceRow(model="m", rates={"input": "1.5"}), now=NOW)
    database.run(set_price, PriceRow(model="m", rates={"input": "2.5", "output": "0.000000000000000001"}), now=NOW)
    database.run(set_price, PriceRow(model="local", free=True), now=NOW)
    assert database.read(list_prices) == (
        PriceRow(model="local", free=True),
        PriceRow(model="m", rates={"input": "2.5", "output": "0.000000000000000001"}),
    )
    assert database.run(unset_price, "m", now=NOW)
    assert not database.run(unset_price, "m", now=NOW)
    assert [row.model for row in database.read(list_prices)] == ["local"]


def test_a_multiplier_replaces_the_one_before(database: Database) -> None:
    database.run(set_group, "gold", "0.8", now=NOW)
    database.run(set_group, "gold", "0.75", now=NOW)
    assert database.read(list_groups) == {"gold": "0.75"}
    assert database.run(unset_group, "gold", now=NOW)
    assert not database.run(unset_group, "gold", now=NOW)
    assert database.read(list_groups) == {}


def test_only_what_changes_something_is_in_the_feed(database: Database) -> None:
    database.run(set_price, PriceRow(model="m", free=True), now=NOW)
    database.run(set_group, "gold", "1", now=NOW)
    assert database.read(current_version) == 2
    database.run(unset_price, "other", now=NOW)
    database.run(unset_group, "other", now=NOW)
    assert database.read(current_version) == 2

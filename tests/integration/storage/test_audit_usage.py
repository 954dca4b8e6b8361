"""The audit finds sums of what was used that are not those of the records."""

import pytest
from sqlalchemy import delete, insert, update
from tests.integration.storage.conftest import NOW, World

from modelgate.storage.audit import audit
from modelgate.storage.schema.money import request_record
from modelgate.storage.schema.usage import removed, usage


@pytest.fixture
def used_world(world: World) -> World:
    relay = world.relay()
    for _ in range(3):
        relay.request(10)
        world.settle()
        relay.capture(next(iter(relay.open)), 7)
    world.end()
    return world


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (update(usage).values(requests=usage.c.requests + 1), "is summed up as"),
        (update(usage).values(amount_nanos=0), "is summed up as"),
        (update(usage).where(usage.c.span_s == 3600).values(output_tokens=5), "do not sum up to their day"),
        (update(usage).where(usage.c.span_s == 3600).values(took_0=9), "do not sum up to their day"),
        (delete(usage).where(usage.c.span_s == 86400), "is summed up as None"),
        (delete(usage), "is summed up as None"),
        (delete(usage).where(usage.c.dimension == "upstream"), "by upstream another sum than by key"),
        (update(request_record).values(first_byte_ms=5), "is summed up as"),
    ],
)
def test_what_is_wrong_is_found(used_world: World, statement: object, words: str) -> None:
    used_world.database.run(lambda connection: connection.execute(statement))  # type: ignore[call-overload]
    report = used_world.database.read(audit)
    assert [finding.check for finding in report.failures] == [8] * len(report.failures)
    assert any(words in finding.text for finding in report.failures), report.failures


def test_days_that_were_removed_in_part_are_taken_as_they_are(used_world: World) -> None:
    used_world.database.run(lambda connection: connection.execute(update(usage).values(requests=99)))
    used_world.database.run(lambda connection: connection.execute(insert(removed).values(what="requests", before_ms=int(NOW * 1000))))
    assert used_world.database.read(audit).failures == ()

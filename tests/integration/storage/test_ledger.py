"""The money protocol at work: relays and books on a real database. Kill points and random walks have files of their own."""

from tests.integration.storage.conftest import World


def test_a_request_is_held_captured_and_posted(world: World) -> None:
    world.prepay(100)
    relay = world.relay()
    relay.request(10)
    world.settle()
    assert relay.served == 1
    relay.capture(1, 7)
    world.settle()
    world.check()
    report = world.end()
    assert (world.balance(), report.records, report.books[0].revenue_nanos) == (93, 1, 7)


def test_exactly_the_payable_requests_are_served(world: World) -> None:
    world.prepay(10)
    relays = [world.relay() for _ in range(4)]
    for number in range(40):
        relays[number % 4].request(1)
    for _ in range(20):
        world.settle()
        for relay in relays:
            for hold in list(relay.open):
                relay.capture(hold, 1)
    assert sum(relay.served for relay in relays) == 10
    assert [reason for relay in relays for reason in relay.refused] == ["balance"] * 30
    world.end()
    assert world.balance() == 0

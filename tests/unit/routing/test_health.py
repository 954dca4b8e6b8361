from modelgate.routing.health import FAILURES_BEFORE_COOLDOWN, FIRST_COOLDOWN_S, MAX_COOLDOWN_S, MAX_PLACES, MAX_RETRY_AFTER_S, Health

PLACE = ("up_1", "cred_1", "m")


def test_one_failure_does_not_cool_a_place_and_repeated_ones_do_for_a_while() -> None:
    health = Health()
    for _ in range(FAILURES_BEFORE_COOLDOWN - 1):
        health.note_failure(PLACE, 100.0)
        assert health.cools(PLACE, 100.0) == 0
    health.note_failure(PLACE, 100.0)
    assert health.cools(PLACE, 100.0) == 100.0 + FIRST_COOLDOWN_S
    assert health.cools(PLACE, 100.0 + FIRST_COOLDOWN_S) == 0


def test_a_cooldown_grows_but_always_ends() -> None:
    health = Health()
    for _ in range(50):
        health.note_failure(PLACE, 100.0)
    assert health.cools(PLACE, 100.0) == 100.0 + MAX_COOLDOWN_S


def test_success_forgets_everything() -> None:
    health = Health()
    for _ in range(10):
        health.note_failure(PLACE, 100.0)
    health.note_success(PLACE)
    assert health.cools(PLACE, 100.0) == 0


def test_a_retry_after_binds_at_once_and_is_bounded() -> None:
    health = Health()
    health.note_failure(PLACE, 100.0, retry_after_s=7.0)
    assert health.refused_until(PLACE, 100.0) == 107.0
    health.note_failure(PLACE, 100.0, retry_after_s=1e9)
    assert health.refused_until(PLACE, 100.0) == 100.0 + MAX_RETRY_AFTER_S


def test_another_model_of_the_same_upstream_is_not_blamed() -> None:
    health = Health()
    health.note_failure(PLACE, 100.0, retry_after_s=7.0)
    assert health.refused_until(("up_1", "cred_1", "other"), 100.0) == 0


def test_a_flood_of_failing_models_does_not_grow_the_memory() -> None:
    health = Health()
    for number in range(MAX_PLACES + 100):
        health.note_failure(("up_1", "cred_1", str(number)), 100.0)
    assert len(health._places) == MAX_PLACES


def test_the_bound_on_concurrent_requests_counts_what_runs() -> None:
    health = Health()
    assert health.has_room("up_1", 0)
    health.note_start("up_1")
    assert not health.has_room("up_1", 1)
    health.note_end("up_1")
    assert health.has_room("up_1", 1)

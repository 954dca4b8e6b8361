"""The bounds fit each other."""

from modelgate.edge.limits import EdgeLimits


def test_defaults_fit_each_other() -> None:
    limits = EdgeLimits()
    assert limits.low_water_bytes < limits.high_water_bytes
    assert limits.max_body_bytes <= limits.max_buffered_bytes
    assert limits.sweep_interval_s <= min(limits.head_timeout_s, limits.linger_timeout_s, limits.head_delay_s)

"""Every bound of the edge, with its name."""

import msgspec

KIB = 1024
MIB = 1024 * 1024


class EdgeLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one worker takes from clients.

    `max_buffered_bytes` bounds the sum of request bodies held at once (503 above it), but is never below one whole
    body. `body_timeout_s` is the longest silence within a body; besides, the body must come at `min_body_rate` bytes a
    second on the whole.
    `head_timeout_s` runs from the first byte (or the accept) to the head's end. `write_stall_timeout_s` is how long a
    client may read nothing of what waits for it. A write buffer above `high_water_bytes` pauses the source of a stream
    until it is below `low_water_bytes`. The head of a stream waits `head_delay_s` for the first data, then goes alone.
    A refused client may send `linger_bytes` for `linger_timeout_s` more, unread. `sweep_interval_s` is how often
    deadlines are looked at.
    """

    max_head_bytes: int = 64 * KIB
    max_headers: int = 100
    max_body_bytes: int = 64 * MIB
    max_buffered_bytes: int = 512 * MIB
    max_read_ahead_bytes: int = 64 * KIB
    max_connections: int = 10_000
    backlog: int = 2048
    head_timeout_s: float = 10.0
    body_timeout_s: float = 60.0
    min_body_rate: int = KIB
    idle_timeout_s: float = 75.0
    write_stall_timeout_s: float = 60.0
    linger_timeout_s: float = 2.0
    head_delay_s: float = 1.0
    linger_bytes: int = 128 * MIB
    sweep_interval_s: float = 1.0
    high_water_bytes: int = 256 * KIB
    low_water_bytes: int = 64 * KIB

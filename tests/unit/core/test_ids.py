"""Ids carry their kind and never meet."""

import re

from modelgate.core.ids import REQUESTS_PER_DRAW, new_id, new_request_id, new_secret, request_ids


def test_request_ids_drawn_together_are_like_those_drawn_alone() -> None:
    draw = request_ids()
    ids = [next(draw) for _ in range(3 * REQUESTS_PER_DRAW)] + [new_request_id()]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"req_[0-9a-f]{24}", one) for one in ids)


def test_ids_and_secrets_name_their_kind() -> None:
    assert re.fullmatch(r"task_[0-9A-Za-z]{22}", new_id("task"))
    assert re.fullmatch(r"sk-test-[0-9A-Za-z]{40}", new_secret(test=True))
    assert re.fullmatch(r"sk-live-[0-9A-Za-z]{40}", new_secret(test=False))

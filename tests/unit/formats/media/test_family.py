"""Client dialects for media are found by scanning the folder."""

from modelgate.formats.media.family import load_media_families


def test_families_are_found_and_their_names_and_paths_differ() -> None:
    families = load_media_families()

    assert "kling" in [family.name for family in families]
    assert len({family.prefix for family in families}) == len(families)
    for family in families:
        for route in family.routes:
            assert route.endpoint.family == family.name
            assert (route.decode is not None) == (
                route.action in ("submit", "make", "quote", "fetch_many", "list")
            ) or route.action == "content"
            assert route.encode is not None or route.action not in ("fetch_many", "list", "quote", "answer")
            assert "{task_id}" in route.endpoint.path or route.action not in ("fetch", "cancel", "content", "events", "file")

"""Client dialects for media are found by scanning the folder."""

from modelgate.formats.media.family import InputRules, load_media_families


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


def test_rules_for_files_that_hold_together() -> None:
    one = InputRules(field="image", content_types=("image/png", "image/jpeg"), max_bytes=10, same_size_as="mask")
    other = InputRules(field="x", content_types=("image/jpeg",), max_bytes=20, min_side_pixels=300, max_ratio=2.5)
    both = InputRules(field="image", content_types=("image/jpeg",), max_bytes=10, min_side_pixels=300, max_ratio=2.5, same_size_as="mask")
    assert one.within(other) == both
    assert (other.within(one).max_ratio, other.within(one).min_side_pixels) == (2.5, 300)
    assert one.within(one) == one

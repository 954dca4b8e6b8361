from modelgate.core import errors
from modelgate.formats.kling.family import FAMILY
from modelgate.formats.kling.routes import fetched, picture_rules


def test_every_submit_has_its_fetch() -> None:
    submits = {route.endpoint.path for route in FAMILY.routes if route.action == "submit"}
    fetches = {route.endpoint.path.removesuffix("/{task_id}") for route in FAMILY.routes if route.action == "fetch"}
    assert submits == fetches
    assert len(submits) == 8


def test_who_builds_on_other_work_may_miss_it() -> None:
    for route in FAMILY.routes:
        if route.action == "submit":
            assert (errors.TaskNotFound in route.endpoint.errors) == route.endpoint.path.endswith(("/video-extend", "/lip-sync"))


def test_pictures_are_checked_and_shown() -> None:
    rules = picture_rules("image_tail")
    assert (rules.field, rules.min_side_pixels, rules.max_ratio) == ("image_tail", 300, 2.5)
    assert "videos" in str(fetched("succeed", is_video=True))
    assert "task_result" not in str(fetched("failed", is_video=True))

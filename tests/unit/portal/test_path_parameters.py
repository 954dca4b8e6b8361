"""What the parameters in paths mean."""

from modelgate.portal.path_parameters import describe_path_parameter


def test_a_name_means_the_same_everywhere_but_for_the_exceptions() -> None:
    usual = describe_path_parameter("/kling/v1/images/generations/{task_id}", "task_id")
    assert usual == describe_path_parameter("/suno/fetch/{task_id}", "task_id")
    assert "vendor tells" in describe_path_parameter("/callbacks/{task_id}/{token}", "task_id")


def test_of_an_unknown_parameter_nothing_is_said() -> None:
    assert describe_path_parameter("/x/{nobody_knows}", "nobody_knows") == ""

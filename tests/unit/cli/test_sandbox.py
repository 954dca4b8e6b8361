from click.testing import CliRunner

from modelgate.cli.sandbox import sandbox


def test_help_names_what_an_operator_needs() -> None:
    text = CliRunner().invoke(sandbox, ["--help"]).output
    assert "--port" in text
    assert "--tls" in text


def test_a_wrong_port_is_wrong_use() -> None:
    assert CliRunner().invoke(sandbox, ["--port", "70000"]).exit_code == 2

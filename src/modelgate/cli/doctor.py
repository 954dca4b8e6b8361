"""`modelgate doctor`: what is wrong with this installation, and what mends it."""

import os

import click


@click.command()
@click.option("--data", metavar="DIRECTORY", help="Data directory [MODELGATE_DATA; default: modelgate-data].")
@click.option("--database", metavar="URL", help="Database, if not SQLite in the data directory [MODELGATE_DATABASE].")
@click.option("--host", help="Address the server listens on [MODELGATE_HOST].")
@click.option("--port", type=click.IntRange(0, 65535), help="Port the server listens on [MODELGATE_PORT].")
@click.option("--upstreams", is_flag=True, help="Also call every upstream with each of its keys; costs nothing there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(*, upstreams: bool, as_json: bool, **flags: object) -> None:
    """Look at everything that can be wrong; exit code 1 if anything is."""
    import asyncio

    from modelgate.app.doctor import examine, examine_upstreams
    from modelgate.app.settings import load_settings
    from modelgate.cli.installation import one_line_errors
    from modelgate.cli.output import print_json

    with one_line_errors():
        settings = load_settings(flags, os.environ)
        findings = examine(settings)
        if upstreams:
            findings += asyncio.run(examine_upstreams(settings))
    if as_json:
        print_json(findings)
    for finding in findings if not as_json else ():
        click.echo(f"{'ok ' if finding.ok else 'BAD'}  {finding.subject:<12} {finding.text}")
        if not finding.ok:
            click.echo(f"     {'':<12} mend: {finding.mend}")
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)

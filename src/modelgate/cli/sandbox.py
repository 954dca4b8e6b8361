"""`modelgate sandbox`: the make-believe vendors alone, for trying an SDK or a gateway without keys or costs."""

import click

DEFAULT_PORT = 8090


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, type=click.IntRange(0, 65535), help="Port to listen on; 0 picks a free one."
)
@click.option("--tls", is_flag=True, help="Serve HTTPS with a throwaway certificate, and print the file of its authority.")
def sandbox(host: str, port: int, tls: bool) -> None:
    """Run the make-believe vendors: they check what the real ones check, answer sensibly, and cost nothing.

    docs/sandbox.md lists the magic words that provoke delays, errors and broken answers.
    """
    import tempfile
    from pathlib import Path

    from modelgate.app import sandbox as process
    from modelgate.app.settings import reachable_host

    try:
        listening = process.listen(host, port)
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --port.") from None
    address = f"{reachable_host(host)}:{listening.getsockname()[1]}"
    with tempfile.TemporaryDirectory(prefix="modelgate-sandbox-") as folder:
        context = None
        authority: Path | None = None
        if tls:
            bound = reachable_host(host).strip("[]")
            context, authority = process.make_tls(tuple(dict.fromkeys(("localhost", "127.0.0.1", "::1", bound))), folder=Path(folder))
        process.serve(listening, tls=context, on_ready=lambda: _say_ready(f"{'https' if tls else 'http'}://{address}", authority))


def _say_ready(base_url: str, authority: object) -> None:
    from modelgate.app.sandbox_upstreams import twins

    click.echo(f"ready {base_url}")
    for provider, twin in twins():
        click.echo(f"  {provider.title}  {base_url}{provider.twin_path()}  key {twin.key}")
    click.echo(f"  count   {base_url}/sandbox/requests")
    if authority is not None:
        click.echo(f"  trust   {authority}")

"""What can be wrong with an installation, looked at from outside: each check says what it found, and what mends it.

Nothing is changed, and nothing is sent to a vendor unless upstreams are asked for.
"""

import os
import resource
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.x509 import load_pem_x509_certificates

from modelgate.app.before_start import check_before_start
from modelgate.app.data_directory import CannotStart, check_path, is_locked
from modelgate.app.listening import listen_for_relays
from modelgate.app.processes import Processes, read_processes
from modelgate.app.proxies import proxy_for
from modelgate.app.settings import Settings, reachable_host
from modelgate.app.snapshots import SECRET_VARIABLE, installation_secret
from modelgate.app.upstream_probe import probe_upstream
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher, SecretUnusable, WrongSecret
from modelgate.storage.database import Database
from modelgate.storage.migrations import DatabaseLocked, DatabaseUnusable, check_lock, explain, schema_state
from modelgate.storage.upstreams import list_upstreams
from modelgate.transport.client import Transport

LEAST_FREE_BYTES = 256 * 1024 * 1024
LEAST_OPEN_FILES = 4096
LEAST_CERTIFICATE_DAYS = 7
ANSWER_TIMEOUT_S = 2.0
MANY_RESTARTS = 3
EARLIEST_CLOCK = 1_790_000_000  # autumn 2026: this program was not there before
CLOCK_SLACK_S = 60.0


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at. `mend` says what to do when it is not ok."""

    subject: str
    ok: bool
    text: str
    mend: str = ""


def examine(settings: Settings) -> tuple[Finding, ...]:
    """Look at everything that can be seen on this machine."""
    try:
        running = is_locked(settings.lock_path)
    except PermissionError:
        mend = "run this as the user who runs the server, or give that user all of it: chown -R"
        return (Finding(subject="data", ok=False, text=f"{settings.lock_path} may not be read", mend=mend),)
    findings = [*_data_directory(settings), *_secret(settings), _server(settings, running), *_processes(settings, running)]
    findings += [_port(settings, running), _database(settings), _disk(settings), _open_files(), _clock(settings)]
    return (*_settings(settings), *_certificate(settings), *findings)


def _settings(settings: Settings) -> Iterator[Finding]:
    try:
        check_before_start(settings)
        check_path(settings)
    except CannotStart as error:
        yield Finding(subject="settings", ok=False, text=str(error), mend="change the flag or the variable it names")


def _certificate(settings: Settings) -> Iterator[Finding]:
    """Tell when what HTTPS is served with ends: a server starts with an expired certificate all the same."""
    try:
        own, *_ = load_pem_x509_certificates(Path(settings.tls_cert).read_bytes())
    except (OSError, ValueError):
        return  # there is none, or `_settings` has told
    left_days = (own.not_valid_after_utc.timestamp() - time.time()) / 86_400
    ends = f"{own.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"
    text = f"{settings.tls_cert} {'is good until' if left_days > 0 else 'ended at'} {ends}"
    yield Finding(subject="certificate", ok=left_days > LEAST_CERTIFICATE_DAYS, text=text, mend="renew it, and start the server again")


def _data_directory(settings: Settings) -> Iterator[Finding]:
    path = settings.data_path
    if not path.exists():
        yield Finding(subject="data", ok=True, text=f"{path} is not there yet; the first start makes it")
        return
    if not path.is_dir() or not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            subject="data", ok=False, text=f"{path} cannot be written to", mend="give it to the user who runs the server: chown -R"
        )
        return
    if path.stat().st_mode & 0o077:
        yield Finding(subject="data", ok=False, text=f"{path} is open to other users of this machine", mend=f"chmod 700 {path}")
        return
    yield Finding(subject="data", ok=True, text=str(path))


def _secret(settings: Settings) -> Iterator[Finding]:
    path = settings.secret_path
    if SECRET_VARIABLE not in os.environ and not path.exists():
        if (settings.data_path / "modelgate.db").is_file():
            mend = "restore it from a backup before the next start, which would make another: vendor keys cannot be read without it"
            yield Finding(subject="secret", ok=False, text=f"{path} is gone", mend=mend)
        return  # else nothing was started yet
    try:
        installation_secret(settings)
    except SecretUnusable as error:
        yield Finding(subject="secret", ok=False, text=str(error), mend="restore it from a backup: vendor keys cannot be read without it")
        return
    if path.exists() and path.stat().st_mode & 0o077:
        yield Finding(subject="secret", ok=False, text=f"{path} can be read by other users", mend=f"chmod 600 {path}")
        return
    yield Finding(subject="secret", ok=True, text="is there; back it up beside the database")


def _server(settings: Settings, running: bool) -> Finding:
    if running:
        return Finding(subject="server", ok=True, text=f"runs on {settings.data_path}")
    return Finding(subject="server", ok=False, text="does not run", mend="modelgate serve")


def _processes(settings: Settings, running: bool) -> Iterator[Finding]:
    if not running:
        return
    known = read_processes(settings.processes_path)
    if known is None:
        yield Finding(
            subject="processes", ok=False, text="are not known: the server is just starting, or cannot write to run/", mend="look again"
        )
        return
    yield from _each_process(known)
    for name, path in (("book", settings.book_socket), ("desk", settings.desk_socket)):
        if not _accepts(path):
            yield Finding(subject=name, ok=False, text=f"does not answer on {path}", mend="see its lines in the server's log")


def _each_process(known: Processes) -> Iterator[Finding]:
    for name, facts in known.processes.items():
        if not facts.ready:
            yield Finding(subject=name, ok=False, text="is not ready", mend="see its lines in the server's log")
        elif facts.restarts >= MANY_RESTARTS:
            yield Finding(
                subject=name, ok=False, text=f"was started again {facts.restarts} times", mend="see the server's log for why it ends"
            )
        else:
            yield Finding(subject=name, ok=True, text=f"process {facts.pid}")


def _accepts(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_TIMEOUT_S)
        try:
            connection.connect(path)
        except OSError:
            return False
    return True


def _port(settings: Settings, running: bool) -> Finding:
    """Running: does the port take connections? Not running: could it be listened on?"""
    if not running:
        try:
            sockets, _ = listen_for_relays(settings)
        except CannotStart as error:
            return Finding(subject="port", ok=False, text=str(error), mend="modelgate serve --port N")
        for listening in sockets:
            listening.close()
        return Finding(subject="port", ok=True, text=f"{settings.port} is free")
    known = read_processes(settings.processes_path)
    host, port, base_url = (settings.host, settings.port, settings.base_url) if known is None else (known.host, known.port, known.base_url)
    where = reachable_host(host).strip("[]")
    try:
        socket.create_connection((where, port), timeout=ANSWER_TIMEOUT_S).close()
    except OSError as error:
        text = f"{where}:{port} takes no connection: {error.strerror or error}"
        return Finding(subject="port", ok=False, text=text, mend="name the server's --host and --port, or see its log")
    return Finding(subject="port", ok=True, text=f"{port} takes connections; the base URL is {base_url}")


def _database(settings: Settings) -> Finding:
    url = settings.database_url
    try:
        state = schema_state(url)
        check_lock(url)
    except DatabaseLocked as error:
        return Finding(subject="database", ok=False, text=str(error), mend="see the line itself")
    except DatabaseUnusable as error:
        return Finding(subject="database", ok=False, text=str(error), mend="check --database, and that its server runs")
    return Finding(subject="database", ok=state in ("current", "empty"), text=explain(url, state), mend="see the line itself")


def _disk(settings: Settings) -> Finding:
    path = next(parent for parent in (settings.data_path, *settings.data_path.parents) if parent.exists())
    free = shutil.disk_usage(path).free
    text = f"{free // (1024 * 1024)} MB free at {path}"
    return Finding(subject="disk", ok=free >= LEAST_FREE_BYTES, text=text, mend="free some: without room no request can be journalled")


def _open_files() -> Finding:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    enough = soft == resource.RLIM_INFINITY or soft >= LEAST_OPEN_FILES
    return Finding(
        subject="open files", ok=enough, text=f"limit {soft}", mend=f"ulimit -n {LEAST_OPEN_FILES * 16}, or LimitNOFILE in systemd"
    )


def _clock(settings: Settings) -> Finding:
    """A clock that is wrong spoils signed vendor tokens, budgets that reset, and links that expire."""
    now = time.time()
    newest = _newest(settings.data_path / "modelgate.db")
    if now < EARLIEST_CLOCK or newest > now + CLOCK_SLACK_S:
        return Finding(
            subject="clock",
            ok=False,
            text=f"{time.strftime('%Y-%m-%d %H:%M:%S UTC', time.gmtime(now))} is in the past",
            mend="timedatectl set-ntp true",
        )
    return Finding(subject="clock", ok=True, text=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def _newest(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


async def examine_upstreams(settings: Settings) -> tuple[Finding, ...]:
    """Call every upstream of the live book with each of its keys; costs nothing at the vendors.

    Raises:
        DatabaseUnusable, SecretUnusable, WrongSecret: they cannot be read.
    """
    if schema_state(settings.database_url) != "current":
        return ()
    database = Database(settings.database_url)
    transport = Transport()
    findings: list[Finding] = []
    try:
        providers = load_providers()
        for upstream in database.read(list_upstreams, Cipher(installation_secret(settings))):
            if upstream.disabled:
                findings.append(Finding(subject=upstream.name, ok=True, text="is paused"))
                continue
            proxy = proxy_for(settings, upstream.base_url)
            verdicts = await probe_upstream(transport, upstream, providers[upstream.provider], proxy=proxy, ca_file=settings.ca_file)
            mend = f"modelgate upstreams edit {upstream.name}"
            findings += [Finding(subject=upstream.name, ok=verdict.ok, text=verdict.text, mend=mend) for verdict in verdicts]
    except (SecretUnusable, WrongSecret) as error:
        findings.append(Finding(subject="upstreams", ok=False, text=str(error), mend="restore the secret from a backup"))
    finally:
        await transport.close()
        database.close()
    return tuple(findings)

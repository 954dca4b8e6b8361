"""What an operator can set for a whole installation: one field, one flag, one `MODELGATE_*` variable each.

A flag wins over its variable. The supervisor hands the result to its children through the environment, so every role reads
the same values. Operator's settings that live in the database (prices, upstreams, …) are not in here.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

PREFIX = "MODELGATE_"
PROXY_VARIABLES = {"https_proxy": ("HTTPS_PROXY", "https_proxy"), "http_proxy": ("http_proxy",), "no_proxy": ("NO_PROXY", "no_proxy")}
"""Well-known variables that are used when ours is not set. Not HTTP_PROXY: a CGI server would let callers set it."""


_ORIGIN = re.compile(r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_PUBLIC_URL = re.compile(_ORIGIN.pattern + r"(/[A-Za-z0-9._~/-]*)?")
_BUCKET = re.compile(r"s3://[^/\s]+(/\S*)?")


class SettingsError(ValueError):
    """A flag or variable has a value that cannot be used; the text is one clear line naming both."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of an installation. Sizes and spans carry their unit in the name; an empty string means "not set"."""

    host: Annotated[str, Meta(description="Address to listen on; 0.0.0.0 for every interface.")] = "127.0.0.1"
    port: Annotated[int, Meta(description="Port to listen on; 0 picks a free one.", ge=0, le=65535)] = 8080
    data: Annotated[str, Meta(description="Data directory: database, journals, secret and results.")] = "modelgate-data"
    database: Annotated[str, Meta(description="Database URL, such as postgresql://user@host/name. Default: SQLite.")] = ""
    workers: Annotated[int, Meta(description="Number of relay processes; one per core that may be used for relaying.", ge=1, le=256)] = 1
    public_url: Annotated[
        str, Meta(description="Base URL under which clients and vendors reach this server; used in links to results.")
    ] = ""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], Meta(description="Least severe lines that are logged.")] = "info"
    log_format: Annotated[Literal["auto", "json", "console"], Meta(description="auto: console on a terminal, else json.")] = "auto"
    tls_cert: Annotated[str, Meta(description="PEM file with the certificate chain to serve HTTPS with.")] = ""
    tls_key: Annotated[str, Meta(description="PEM file with the private key of --tls-cert.")] = ""
    trusted_proxies: Annotated[tuple[str, ...], Meta(description="Networks whose X-Forwarded-For is believed, separated by commas.")] = ()
    https_proxy: Annotated[str, Meta(description="HTTP proxy for https:// upstreams. Default: HTTPS_PROXY.")] = ""
    http_proxy: Annotated[str, Meta(description="HTTP proxy for http:// upstreams. Default: http_proxy.")] = ""
    no_proxy: Annotated[str, Meta(description="Hosts and domains reached without a proxy, separated by commas. Default: NO_PROXY.")] = ""
    ca_file: Annotated[str, Meta(description="PEM file with certificate authorities to trust for upstreams, besides the system's.")] = ""
    journal_sync: Annotated[
        Literal["NORMAL", "FULL"],
        Meta(description="NORMAL: records outlive a crash; FULL: also a power cut, for a wait for the disk at each commit."),
    ] = "NORMAL"
    blobs: Annotated[str, Meta(description="Where results are kept: s3://bucket/prefix, or empty for the data directory.")] = ""
    max_body_bytes: Annotated[int, Meta(description="Largest request body.", ge=1024, le=1 << 30)] = 64 * 1024 * 1024
    fetch_ports: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=65535)], ...],
        Meta(description="Ports that callers' and vendors' URLs may name, separated by commas."),
    ] = (
        80,
        443,
        8080,
        8443,
    )
    webhook_origins: Annotated[
        tuple[str, ...],
        Meta(description="Origins of your own that webhooks may go to besides public addresses, such as http://10.0.0.5:5678, by commas."),
    ] = ()
    image_wait_s: Annotated[
        int, Meta(description="Seconds a request for pictures may wait for a vendor that works by tasks.", ge=1, le=3600)
    ] = 300
    file_retention_days: Annotated[
        int, Meta(description="Days that files of tasks are kept, results and inputs; 0 keeps them for ever.", ge=0, le=36_500)
    ] = 90
    drain_s: Annotated[int, Meta(description="Seconds that running requests get to finish when the server stops.", ge=0, le=3600)] = 30

    @property
    def data_path(self) -> Path:
        """The data directory, absolute."""
        return Path(self.data).expanduser().absolute()

    @property
    def database_url(self) -> str:
        """The database's URL; SQLite in the data directory unless one was given."""
        return self.database or f"sqlite:///{self.data_path / 'modelgate.db'}"

    @property
    def run_path(self) -> Path:
        """Sockets, shared counters and facts about running processes."""
        return self.data_path / "run"

    @property
    def book_socket(self) -> str:
        return str(self.run_path / "book.sock")

    @property
    def desk_socket(self) -> str:
        return str(self.run_path / "desk.sock")

    @property
    def sandbox_socket(self) -> str:
        return str(self.run_path / "sandbox.sock")

    @property
    def rates_path(self) -> Path:
        """The file of rate counters shared by all relays of this node."""
        return self.run_path / "rates"

    @property
    def metrics_path(self) -> Path:
        """Where each process leaves its counters for /metrics."""
        return self.run_path / "metrics"

    @property
    def processes_path(self) -> Path:
        """JSON written by the supervisor: what runs, with process ids."""
        return self.run_path / "processes.json"

    @property
    def journal_path(self) -> Path:
        """One directory per relay incarnation."""
        return self.data_path / "journal"

    @property
    def blobs_path(self) -> Path:
        return self.data_path / "blobs"

    @property
    def sandbox_path(self) -> Path:
        """What the make-believe vendors remember."""
        return self.data_path / "sandbox"

    @property
    def secret_path(self) -> Path:
        return self.data_path / "secret"

    @property
    def lock_path(self) -> Path:
        return self.data_path / "lock"

    @property
    def base_url(self) -> str:
        """Where clients find this server: the public URL, or the address it listens on. No slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return f"{'https' if self.tls_cert else 'http'}://{reachable_host(self.host)}:{self.port}"


def reachable_host(host: str) -> str:
    """Return how a client on this machine writes the address that was bound: no wildcard, IPv6 in brackets."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def variable_of(field: str) -> str:
    """Return the environment variable of a field, such as MODELGATE_PUBLIC_URL."""
    return PREFIX + field.upper()


def flag_of(field: str) -> str:
    """Return the command line flag of a field, such as --public-url."""
    return "--" + field.replace("_", "-")


def load_settings(flags: Mapping[str, object | None], environment: Mapping[str, str]) -> Settings:
    """Merge flags (None: not given) over variables over defaults.

    Raises:
        SettingsError: a value cannot be used.
    """
    values: dict[str, object] = {}
    for field in Settings.__struct_fields__:
        value = flags.get(field)
        if value is None:
            value = _from_environment(field, environment)
        if value is not None:
            values[field] = _split(value) if _is_list(field) else value
    try:
        settings = msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(error)) from None
    _check(settings)
    return settings


def to_environment(settings: Settings) -> dict[str, str]:
    """Return the variables from which `load_settings` makes the same settings again."""
    return {variable_of(field): _joined(getattr(settings, field)) for field in Settings.__struct_fields__}


def _from_environment(field: str, environment: Mapping[str, str]) -> str | None:
    names = (variable_of(field), *PROXY_VARIABLES.get(field, ()))
    return next((environment[name] for name in names if environment.get(name)), None)  # an empty variable is not set


def _is_list(field: str) -> bool:
    return get_origin(get_type_hints(Settings)[field]) is tuple


def _split(value: object) -> list[str] | object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _joined(value: object) -> str:
    return ",".join(str(part) for part in value) if isinstance(value, tuple) else str(value)


def _explain(error: msgspec.ValidationError) -> str:
    text, _, path = str(error).partition(" - at `$.")
    field = path.rstrip("`").partition("[")[0]
    hint = get_type_hints(Settings)[field]
    if get_origin(hint) is Literal:
        text = f"it is one of {', '.join(get_args(hint))}"
    elif int in (hint, *get_args(hint)):
        text = _explain_number(field)
    return f"{flag_of(field)} ({variable_of(field)}) is not usable: {text.replace('`', '')}"


def _explain_number(field: str) -> str:
    hint = get_type_hints(Settings, include_extras=True)[field]
    is_list = _is_list(field)
    annotation: Any = get_args(get_args(hint)[0])[0] if is_list else hint
    bounds = next(part for part in get_args(annotation) if isinstance(part, Meta))
    return f"it takes {'whole numbers' if is_list else 'a whole number'} from {bounds.ge} to {bounds.le}"


def _check(settings: Settings) -> None:
    if bool(settings.tls_cert) != bool(settings.tls_key):
        raise SettingsError("--tls-cert and --tls-key belong together: give both or neither")
    if settings.public_url and not _PUBLIC_URL.fullmatch(settings.public_url):
        raise SettingsError(f"--public-url (MODELGATE_PUBLIC_URL) takes http[s]://host[:port][/path], not {settings.public_url!r}")
    for origin in settings.webhook_origins:
        if not _ORIGIN.fullmatch(origin):
            raise SettingsError(f"--webhook-origins (MODELGATE_WEBHOOK_ORIGINS) takes http[s]://host[:port], not {origin!r}")
    if settings.blobs and not _BUCKET.fullmatch(settings.blobs):
        raise SettingsError("--blobs (MODELGATE_BLOBS) is s3://bucket/prefix, or empty for the data directory")


def describe(field: str) -> str:
    """Return the sentence that tells what a field is for."""
    annotation: Any = get_type_hints(Settings, include_extras=True)[field]
    meta = next(part for part in get_args(annotation) if isinstance(part, Meta))
    return meta.description or ""

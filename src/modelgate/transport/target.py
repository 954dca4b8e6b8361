"""Where a request goes: an origin and the way to it."""

from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

DEFAULT_PORTS = {"http": 80, "https": 443}


class Target(msgspec.Struct, frozen=True, kw_only=True, cache_hash=True):
    """An origin (scheme, host, port) and the way to it. Equal targets share connections.

    `host` is the name without brackets; it makes the Host header, and with TLS is what the certificate must say, unless
    `server_name` is set. `address`: connect to this IP address instead of resolving `host`. `socket`: connect to this
    Unix socket instead. `proxy`: the URL of an HTTP proxy, may hold user and password. `ca_file`: authorities trusted
    besides the system's.
    """

    scheme: str
    host: str
    port: int
    server_name: str = ""
    address: str = ""
    socket: str = ""
    ca_file: str = ""
    proxy: str = ""

    @property
    def tls(self) -> bool:
        return self.scheme == "https"

    @property
    def origin(self) -> str:
        """The origin as in a URL: `https://host`, with the port where it is not the scheme's own."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def host_header(self) -> str:
        """The value of the Host header."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == DEFAULT_PORTS[self.scheme] else f"{name}:{self.port}"


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of one exchange in seconds; passing one raises `TimedOut`.

    `connect_s`: waiting for and opening a connection, names and TLS included. `head_s`: from the request's last byte to
    the answer's first. `idle_s`: between two reads, and between two writes of a large body. Precise to a quarter second.
    """

    connect_s: float = 10.0
    head_s: float = 600.0
    idle_s: float = 300.0


def target_of(base_url: str, *, socket: str = "", ca_file: str = "", proxy: str = "", address: str = "") -> Target:
    """Return the target of a base URL; its path plays no part.

    Raises:
        ValueError: not an http or https URL with a host, or the proxy is not an http one.
    """
    parts = _split(base_url)
    if proxy and _split(proxy).scheme != "http":
        raise ValueError("the proxy is not an http:// URL")
    return Target(
        scheme=parts.scheme,
        host=_host_of(parts),
        port=DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port,
        address=address,
        socket=socket,
        ca_file=ca_file,
        proxy="" if socket else proxy,
    )


def proxy_address(proxy: str) -> tuple[str, int]:
    """Return host and port of a proxy's URL."""
    parts = _split(proxy)
    return _host_of(parts), parts.port or DEFAULT_PORTS["http"]


def proxy_authorization(proxy: str) -> str:
    """Return the Proxy-Authorization value for user and password in a proxy's URL; empty without them."""
    parts = _split(proxy)
    if parts.username is None:
        return ""
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return "Basic " + b64encode(pair.encode()).decode()


def is_exempt_from_proxy(host: str, no_proxy: str) -> bool:
    """Say whether `host` is named by a NO_PROXY list: `*`, a host, or a domain that covers its subdomains."""
    names = [name.strip().lower().lstrip("*").lstrip(".") for name in no_proxy.split(",") if name.strip()]
    host = host.lower()
    return "*" in no_proxy.replace(" ", "").split(",") or any(name and (host == name or host.endswith("." + name)) for name in names)


def _split(url: str) -> SplitResult:
    if any(c <= " " or c == "\x7f" for c in url):
        raise ValueError(f"{url!r} holds a space or control character")
    parts = urlsplit(url)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"{url!r} is not an http:// or https:// URL with a host")
    return parts


def _host_of(parts: SplitResult) -> str:
    """The host in ASCII: internationalised names as the wire wants them."""
    host = parts.hostname or ""
    try:
        return host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise ValueError(f"{host!r} is not a host name") from None

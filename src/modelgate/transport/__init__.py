"""Sockets: the HTTP/1.1 client for upstreams, the guard for strangers' URLs, and framed messages between our own processes.

    client      Transport: pools of kept connections, bounded; never sends a request twice
    connection  one socket, one exchange at a time, over plain TCP, TLS, a Unix socket or through a proxy
    framing     request head out, response head and chunks in: no I/O
    response    UpstreamResponse, a `core.http.BodySource` with backpressure
    target      where to, and how long to wait
    errors      what went wrong, and whether the upstream may have acted
    guard       GuardedFetcher: resolves, checks every address, connects to what was checked; `addresses` says which are public
    frames      length-prefixed messages between relay and book

May import: core. Retries, routing and credentials are not known here.
"""

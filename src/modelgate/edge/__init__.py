"""The client-facing HTTP/1.1 server: parse strictly, bound everything, call one handler, relay its answer.

May import: core, asyncio, ssl. Used by app alone. No routing and no authentication in here.

    limits      EdgeLimits: every bound, with its name
    server      EdgeServer: accepts, sweeps deadlines, drains
    service     what the connections of one server share
    connection  Connection: the life of one client's socket, request after request
    head        request heads: one strict grammar over the raw bytes, and the headers that decide framing
    chunked     request bodies in chunks
    body        request bodies of known length; large ones are read straight into their own buffer
    framing     answers as bytes: heads, and how the body's end is told
    answer      streamed answers
    cors        what browsers are told
    forwarded   the client's address behind trusted proxies
    tls         TLS over a plain transport
"""

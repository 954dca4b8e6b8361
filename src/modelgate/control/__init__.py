"""The account and admin HTTP API, under `/api` (and `/yescale`, in the shape of the portal this product grows from).

    actions.py   an endpoint, the permission it needs and the function that answers; the door that routes, signs in and decodes
    lists.py     what the queries of all lists share
    session.py   signing in and out, becoming a member, one's own record (session_endpoints.py: their declarations)
    members.py   members and invitations; people.py: a member as shown
    keys.py accounts.py wallet.py redemption.py playground.py tasks.py models.py prices.py upstreams.py settings.py
                 one subject each; key_reference.py, task_reference.py, upstream_reference.py: the types and declarations of the long ones
    events.py    the log of what owners and admins changed; declared.py: declarations in short
    errors.py    what it says besides the errors of every room
    yescale.py   the system API of older portals: the same things in its shape (yescale_shapes.py, yescale_reference.py)

Every other file declares the actions of one subject. Stores are handed in as Protocols; no SQL and no sockets in here.
Errors are shaped as OpenAI's. A member signs in with a cookie (see `identity`) or sends their access key as bearer.
"""

"""The first start of an installation: an account, keys, the link that makes the owner, and upstreams found in the environment."""

import os
import time
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection

from modelgate.app.upstreams_found import FoundUpstream, find_upstreams
from modelgate.core.money import Book
from modelgate.identity.keys import new_key
from modelgate.identity.members import new_link, setup_url
from modelgate.providers import load_providers
from modelgate.storage.cipher import Cipher
from modelgate.storage.database import Database
from modelgate.storage.identity import create_account, create_key, list_accounts, list_keys
from modelgate.storage.members import add_invitation, is_set_up
from modelgate.storage.settings import list_settings, set_setting
from modelgate.storage.upstreams import add_upstream, list_upstreams

DEFAULT_ACCOUNT = "default"
FIRST_START = "first_start_at"
"""The setting that says that this was done; seconds since the epoch."""
BASE_URL = "{base_url}"
"""Stands in the lines for the address, which only the supervisor knows: to be replaced, not formatted (JSON has braces too)."""


class FirstRun(msgspec.Struct, frozen=True, kw_only=True):
    """What was made. The secrets are nowhere else: whoever prints `lines` is the last to see them.

    `lines` hold `BASE_URL` where the address belongs.
    """

    account: str
    test_secret: str
    live_secret: str | None
    upstreams: tuple[str, ...]
    lines: tuple[str, ...]


def set_up(database: Database, cipher: Cipher, *, environment: Mapping[str, str] = os.environ) -> FirstRun | None:
    """Set a new installation up, in one transaction; None when that was done before."""
    return database.run(_set_up, cipher, find_upstreams(load_providers(), environment), now=time.time())


def ensure_account(connection: Connection, *, now: float) -> str:
    """Return the id of the default account, made if there is no account at all; else the default's, or the oldest's."""
    accounts = list_accounts(connection)
    if not accounts:
        return create_account(connection, name=DEFAULT_ACCOUNT, now=now)
    return next((account.id for account in accounts if account.name == DEFAULT_ACCOUNT), accounts[0].id)


def make_setup_link(connection: Connection, *, now: float) -> str:
    """Make a link with which somebody becomes the first owner, in place of one made before; return its secret."""
    secret, made = new_link(role="owner", account=ensure_account(connection, now=now), now=now)
    add_invitation(connection, made)
    return secret


def _set_up(connection: Connection, cipher: Cipher, found: tuple[FoundUpstream, ...], *, now: float) -> FirstRun | None:
    if FIRST_START in list_settings(connection):
        return None
    set_setting(connection, FIRST_START, str(int(now)), now=now)
    account = ensure_account(connection, now=now)
    known = {(upstream.provider, upstream.base_url) for upstream in list_upstreams(connection)}
    added = [one for one in found if (one.upstream.provider, one.upstream.base_url) not in known]
    for one in added:
        add_upstream(connection, cipher, one.upstream, now=now)
    test_secret = _make_key(connection, account, "test", now=now)
    has_live_upstream = any(upstream.book == "live" for upstream in list_upstreams(connection))
    has_live_key = any(key.book == "live" for key in list_keys(connection))
    live_secret = _make_key(connection, account, "live", now=now) if has_live_upstream and not has_live_key else None
    link = "" if is_set_up(connection) else setup_url(BASE_URL, make_setup_link(connection, now=now))
    return FirstRun(
        account=account,
        test_secret=test_secret,
        live_secret=live_secret,
        upstreams=tuple(one.upstream.name for one in added),
        lines=tuple(_lines(test_secret, live_secret, added, link=link)),
    )


def _make_key(connection: Connection, account: str, book: Book, *, now: float) -> str:
    secret, key = new_key(account=account, book=book, name=f"first {book} key")
    create_key(connection, key, now=now)
    return secret


def _lines(test_secret: str, live_secret: str | None, added: list[FoundUpstream], *, link: str) -> list[str]:
    lines = [f"Base URL   {BASE_URL}/v1", f"Test key   {test_secret}   (answers come from the built-in sandbox and cost nothing)"]
    if live_secret is not None:
        lines.append(f"Live key   {live_secret}   (answers come from your upstreams)")
    lines.append("Both are" if live_secret is not None else "It is")
    lines[-1] += " shown only now. Make more with: modelgate keys create --name NAME"
    lines.append(f"Docs       {BASE_URL}/docs")
    lines.append(f"Console    {link or BASE_URL + '/console'}")
    if link:
        lines.append("Whoever opens the console by this link first owns it; for a fresh one: modelgate members setup-link")
    lines += [f"Upstream   {one.upstream.name} at {one.upstream.base_url}, from {one.origin} in the environment" for one in added]
    if not added and live_secret is None:
        lines.append("Upstream   none yet; add one with: modelgate upstreams add openai")
    return [*lines, "", "Try a chat:", "", *chat_commands(test_secret), "", "Try a Kling picture:", "", *picture_commands(test_secret)]


def chat_commands(secret: str) -> list[str]:
    """Return shell lines that ask for a chat completion."""
    return [
        f"curl -sS -w '\\n' {BASE_URL}/v1/chat/completions -H 'Authorization: Bearer {secret}' -H 'Content-Type: application/json' \\",
        """  -d '{"model": "sandbox-chat", "messages": [{"role": "user", "content": "Hello! What can you do?"}]}'""",
    ]


def picture_commands(secret: str) -> list[str]:
    """Return shell lines that make a picture, follow its task to the end and fetch the file: POSIX sh, curl and sed alone."""
    tasks = f"{BASE_URL}/kling/v1/images/generations"
    authorization = f"-H 'Authorization: Bearer {secret}'"
    return [
        f"task=$(curl -sS {tasks} {authorization} -H 'Content-Type: application/json' \\",
        """  -d '{"model_name": "kling-v1", "prompt": "a red kite over the sea"}' | sed -n 's/.*"task_id": *"\\([^"]*\\)".*/\\1/p')""",
        f"while sleep 1; do answer=$(curl -sS {tasks}/$task {authorization}); case $answer in \\",
        """  *'"task_status":"submitted"'*|*'"task_status":"processing"'*) ;; *) break;; esac; done; printf '%s\\n' "$answer"; \\""",
        """  curl -sS -o kling.png "$(printf '%s' "$answer" | sed -n 's/.*"url": *"\\([^"]*\\)".*/\\1/p')" && ls -l kling.png""",
    ]

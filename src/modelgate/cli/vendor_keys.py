"""Vendor keys come from stdin or a hidden prompt: an argument would show in the process list and the shell's history."""

import sys

import click

from modelgate.core.upstreams import MAX_SECRET_LENGTH, MAX_SECRETS


def read_vendor_keys(what: str) -> tuple[str, ...]:
    """Return the keys of stdin, one per line, each once; on a terminal, those typed blindly until an empty line."""
    lines = _typed(what) if sys.stdin.isatty() else sys.stdin.read((MAX_SECRET_LENGTH + 1) * MAX_SECRETS).splitlines()
    keys = tuple(dict.fromkeys(line.strip() for line in lines if line.strip()))
    if len(keys) > MAX_SECRETS or any(len(key) > MAX_SECRET_LENGTH for key in keys):
        raise click.UsageError(f"at most {MAX_SECRETS} keys of at most {MAX_SECRET_LENGTH} characters can be given")
    return keys


def _typed(what: str) -> list[str]:
    lines: list[str] = []
    while len(lines) <= MAX_SECRETS:
        prompt = f"Key for {what} (not shown)" if not lines else "Another key (Enter: no more)"
        line = click.prompt(prompt, hide_input=True, default="", show_default=False, err=True)
        if not line:
            break
        lines.append(line)
    return lines

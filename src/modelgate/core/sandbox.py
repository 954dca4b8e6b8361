"""What gateway and sandbox agree on, besides the vendors' own contracts. Public by design: it opens only make-believe vendors."""

SHOWN_PREFIX = "/sandbox"
"""What callers are given by the sandbox's own addresses is shown to them by the gateway, below this prefix."""

MAGIC_WORDS = (
    "slow",
    "error-400",
    "error-401",
    "error-429",
    "error-500",
    "error-529",
    "cut-stream",
    "malformed-chunk",
    "stalled-stream",
    "error-in-stream",
    "no-usage",
    "bad-usage",
    "context-too-long",
    "refusal",
    "redacted-thinking",
    "pause-turn",
    "empty-answer",
    "blocked-prompt",
    "blocked-answer",
    "fail-task",
    "slow-task",
    "half-task",
    "unknown-submit",
)
"""Each works as the model `sandbox-WORD` and as a line `magic: WORD` in the last user message or prompt."""

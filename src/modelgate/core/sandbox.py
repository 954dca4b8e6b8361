"""What gateway and sandbox agree on, besides the vendors' own contracts. Public by design: it opens only make-believe vendors."""

SHOWN_PREFIX = "/sandbox"
SHOWN_PATHS = ("/openai/files/{name}", "/suno/stream")
"""What callers are given by the sandbox's own addresses is shown to them by the gateway, at these paths below the prefix."""

OPENAI_SECRET = "sk-sandbox"  # noqa: S105  # public by design
ANTHROPIC_SECRET = "sk-ant-sandbox"  # noqa: S105  # public by design
GEMINI_SECRET = "AIza-sandbox"  # noqa: S105  # public by design
MIDJOURNEY_SECRET = "mj-sandbox"  # noqa: S105  # public by design
BFL_SECRET = "bfl-sandbox"  # noqa: S105  # public by design
IDEOGRAM_SECRET = "ideogram-sandbox"  # noqa: S105  # public by design
SUNO_SECRET = "suno-sandbox"  # noqa: S105  # public by design
FAL_SECRET = "sandbox-key-id:sandbox-key-secret"  # noqa: S105  # public by design
KLING_SECRET = "sandbox-access|sandbox-secret-key-of-the-make-believe-kling"  # noqa: S105  # public by design
"""Access key and secret key, joined as the family writes them."""

KLING_API_KEY = "kling-sandbox-api-key"
"""What Kling takes since 2026 in place of a signed token."""

RUNWAY_SECRET = "key_sandbox"  # noqa: S105  # public by design
LUMA_SECRET = "luma-sandbox"  # noqa: S105  # public by design
LUMA_AGENTS_SECRET = "luma-api-sandbox"  # noqa: S105  # public by design

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

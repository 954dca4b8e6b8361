"""Which models of the make-believe vendors are asked for what."""

VENDORS = ("openai", "anthropic", "gemini")
PLAIN = {"openai": "gpt-4o-mini", "anthropic": "claude-haiku-4-5", "gemini": "gemini-2.5-flash"}
THINKING = {"openai": "o4-mini", "anthropic": "claude-sonnet-4-5", "gemini": "gemini-3-pro-preview"}
FAILING = {"openai": "gpt-4.1-nano", "anthropic": "claude-3-5-haiku-latest", "gemini": "gemini-2.5-pro"}
"""Only for what fails: failures cool a model down."""
LIMITED = {"openai": "gpt-4.1-mini", "anthropic": "claude-sonnet-4-0", "gemini": "gemini-2.0-flash"}
"""Only for rate limits, which close a model for a second."""

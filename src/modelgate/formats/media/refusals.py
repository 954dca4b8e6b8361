"""The neutral words for what went wrong with media work: `VendorState.error_code` and `Task.error_code`.

Vendors' numbers are translated into these by their provider, and each client dialect translates them into its own.
"""

from typing import Final

INVALID_REQUEST: Final = "invalid_request"
"""The vendor refuses a parameter; the caller's to mend."""

CONTENT_REFUSED: Final = "content_refused"
"""The vendor's content policy refuses the prompt or picture."""

RATE_LIMITED: Final = "rate_limited"
"""The vendor takes no more now."""

CREDENTIAL_REFUSED: Final = "credential_refused"
"""The vendor does not accept our credential, or it may not do this."""

VENDOR_BALANCE: Final = "vendor_balance"
"""Our account at the vendor is used up."""

VENDOR_UNAVAILABLE: Final = "vendor_unavailable"
"""The vendor is down or says so."""

VENDOR_MISCONFIGURED: Final = "vendor_misconfigured"
"""The upstream's address or path is not what its operator meant."""

TASK_NOT_FOUND: Final = "task_not_found"
"""The vendor does not know the job; said of a submit, what that names: the work that it builds on, or a model or path."""

GENERATION_FAILED: Final = "generation_failed"
"""The vendor took the job and could not finish it."""

CALLER_FAULTS: Final = frozenset((INVALID_REQUEST, CONTENT_REFUSED))
"""Refusals that every upstream would repeat: they go back to the caller as a 400."""

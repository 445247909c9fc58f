"""The one error of the embedded engines."""

from vault_gateway.errors import OperatingError


class EngineError(OperatingError):
    """Something is in the way; the message is one line that says what to do."""

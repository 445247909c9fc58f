"""The one error of the embedded engines."""


class EngineError(Exception):
    """Something is in the way; the message is one line that says what to do."""

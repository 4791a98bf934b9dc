"""What the command line answers in one line instead of a traceback."""


class ConvertError(Exception):
    """Raised when an estimator, a file or an option is not one that the command takes; says what to do instead."""

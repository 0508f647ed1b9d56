"""What a command raises for the person who typed it."""


class InputError(Exception):
    """Wrong input; the message, one line, says what and the mend."""

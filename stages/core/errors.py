"""Faults that are the input's or the machine's, not the program's."""


class InputError(Exception):
    """Something given to a stage is wrong: the message names it, says what was expected and what to do."""

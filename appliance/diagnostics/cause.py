"""A cause, in words."""

from typing import NamedTuple


class Cause(NamedTuple):
    """Why a step is not passed, and what helps."""

    text: str
    remedy: str = ""

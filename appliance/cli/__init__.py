"""The command line: composes everything; ``kustos --help`` lists it."""

from appliance.cli.root import main

__all__ = ["main"]

"""Who types a command, as the audit log names them."""

import getpass
import os
import socket

from appliance.audit import Actor


def cli_actor() -> Actor:
    """Return the user of the operating system; behind sudo the one who called it."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's uid without a name
        user = f"uid {os.getuid()}"
    caller = os.environ.get("SUDO_USER", "")
    name = f"{caller} (as {user})" if caller and caller != user else user
    return Actor("cli", caller or user, name, address=socket.gethostname())

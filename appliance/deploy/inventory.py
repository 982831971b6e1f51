"""An inventory: which host does what, in Ansible's own YAML, so that Ansible people may go on by hand."""

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from appliance.addresses import is_address
from appliance.errors import BadInput

GROUPS: Final = ("web", "gateway", "media", "worker", "database", "turn")
"""Groups that hosts may be in; all of them below ``kustos``."""
NEEDED: Final = ("web", "gateway", "worker", "database")
_NAME: Final = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is asked when an inventory is made."""

    host_name: str
    """What people type in their browsers."""
    address: str
    """Where the host is reached by Ansible; ``local`` for this machine."""
    user: str = "root"
    turn: bool = True


def make(answers: Answers) -> str:
    """Return the text of an inventory of one host; raise ``BadInput`` naming the field that is wrong."""
    name = answers.host_name.strip().lower()
    if not _NAME.match(name):
        raise BadInput("This is no name of a host; it looks like exam.example.org.", field="host_name")
    host: dict[str, Any] = {"ansible_connection": "local"}
    if answers.address != "local":
        if not is_address(answers.address) and not _NAME.match(answers.address.lower()):
            raise BadInput("This is neither an address nor a name of a host.", field="address")
        host = {"ansible_host": answers.address, "ansible_user": answers.user}
    groups = [group for group in GROUPS if answers.turn or group != "turn"]
    variables: dict[str, Any] = {
        "kustos_host_name": name,
        "kustos_public_url": f"https://{name}",
        "tls_addresses": [answers.address] if is_address(answers.address) else [],
    }
    if answers.turn:
        variables["kustos_turn_secret"] = secrets.token_urlsafe(32)
        variables["kustos_turn_urls"] = [f"turn:{name}:3478?transport=udp", f"turn:{name}:3478?transport=tcp"]
    content = {
        "kustos": {
            "vars": variables,
            "children": {group: {"hosts": {name: host if group == groups[0] else None}} for group in groups},
        }
    }
    head = "# Inventory of Kustos, for `kustos install -i`. Keep it private: it may hold secrets.\n"
    return head + str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True))


def check(path: Path) -> dict[str, list[str]]:
    """Return the hosts of each group; raise ``BadInput`` naming everything that is missing, at once."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); `kustos inventory new` writes one.") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is no YAML: {error}") from error
    top = content.get("kustos") if isinstance(content, dict) else None
    if not isinstance(top, dict) or not isinstance(top.get("children"), dict):
        raise BadInput(
            f"{path}: the group `kustos` with its `children` is missing; `kustos inventory new` shows how."
        )
    groups = {name: sorted((group or {}).get("hosts") or {}) for name, group in top["children"].items()}
    wrong = [f"group `{name}` is unknown; known are {', '.join(GROUPS)}" for name in groups if name not in GROUPS]
    wrong += [f"group `{name}` has no host" for name in NEEDED if not groups.get(name)]
    variables = top.get("vars") or {}
    wrong += [f"`{name}` is not set" for name in ("kustos_host_name", "kustos_public_url") if not variables.get(name)]
    if groups.get("turn") and not variables.get("kustos_turn_secret"):
        wrong.append("there is a group `turn`, but `kustos_turn_secret` is not set")
    if wrong:
        raise BadInput(f"{path}: " + "; ".join(wrong) + ".")
    return groups

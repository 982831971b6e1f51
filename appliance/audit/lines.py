"""An entry as a line of JSON: what segments and exports are made of; ``entry`` is the very text that was hashed."""

import json
import re
from typing import Final

from appliance.audit.reading import Link
from appliance.errors import AuditBroken

_LINE: Final = re.compile(r'\{"hash":"([0-9a-f]{64})","previous_hash":"([0-9a-f]{64})","entry":(\{.*\})\}\n')


def as_line(entry: Link) -> str:
    """Return the line."""
    return f'{{"hash":"{entry.hash}","previous_hash":"{entry.previous_hash}","entry":{entry.text}}}\n'


def of_line(line: str) -> Link:
    """Read it; raise ``AuditBroken`` for what is no entry."""
    found = _LINE.fullmatch(line)
    try:
        if found is None:
            raise ValueError
        columns = json.loads(found[3])
        number, at = columns["id"], columns["at"]
        if not isinstance(number, int) or not isinstance(at, str):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise AuditBroken("A line of the log is no entry.") from error
    return Link(number, found[2], found[1], at, found[3])

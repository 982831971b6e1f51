"""Check an export of the audit log without the software that made it: verify_audit_export.py EXPORT KEY.pem

Needs Python 3.9 or later and openssl 3, nothing else. Exit status 0: whole; 1: the words say what is wrong.
"""

import gzip
import hashlib
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ENTRY = re.compile(r'\{"hash":"([0-9a-f]{64})","previous_hash":"([0-9a-f]{64})","entry":(\{.*\})\}\n')
STATEMENT = re.compile(r'\{"signature":"([0-9a-f]{128})","(checkpoint|segment|end)":(\{.*\})\}\n')


def demand(holds, words):
    if not holds:
        sys.exit(words)


def check_signature(key, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        said, seal = Path(folder, "text"), Path(folder, "signature")
        said.write_text(text, encoding="ascii")
        seal.write_bytes(bytes.fromhex(signature))
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", key, "-rawin", "-in", said, "-sigfile", seal]
        done = subprocess.run(command, capture_output=True, check=False)
    demand(done.returncode == 0, f"not signed by this key: {text}")


def check_entry(at, previous, entry):  # the chain: SHA-256 over the hash before, a line feed, the entry's own text
    digest, before, text = entry.groups()
    number = json.loads(text)["id"]
    demand(hashlib.sha256(f"{before}\n{text}".encode()).hexdigest() == digest, f"entry {number} was altered")
    demand(at is None or number == at + 1, f"entry {number} stands where {at} was before it")
    demand(at is None or previous in {None, before}, f"entry {number} does not follow the one before it")
    return (None, None) if at is None else (number, digest)


def check_statement(at, previous, kind, said):
    if kind == "segment":  # entries that the retention rules erased
        demand(said["first"] == at + 1 and previous in {None, said["previous_hash"]}, "a segment is out of place")
        return said["last"], said["head_hash"]
    demand(said["entries"] != at or previous in {None, said["head_hash"]}, f"up to entry {at} the log was rewritten")
    return at, said["head_hash"] if said["entries"] == at else previous


def main(path, key):
    opened = gzip.open if path.endswith(".gz") else open
    with opened(path, "rt", encoding="ascii", newline="\n") as file:
        first = file.readline()
        head, whole, count, last = json.loads(first), hashlib.sha256(first.encode()), 0, None
        at = None if head["filter"] is not None else head["first"] - 1  # None: chosen entries, which are no chain
        previous = "0" * 64 if at == 0 else None
        for line in file:
            entry, signed = ENTRY.fullmatch(line), STATEMENT.fullmatch(line)
            demand(entry or signed, f"after entry {at}: a line that is none of an export")
            if entry:
                (at, previous), count = check_entry(at, previous, entry), count + 1
            else:
                check_signature(key, signed[3], signed[1])
                said = json.loads(signed[3])
                demand(said["format"] == f"kustos-audit-{signed[2]}", "a statement of another kind")
                if signed[2] == "end":
                    demand(
                        said["sha256"] == whole.hexdigest() and said["entries"] == count, "lines are missing or added"
                    )
                    demand(file.readline() == "", "something was added after the end")
                    return f"whole: {count} entries, up to number {at}, last hash {previous}"
                demand(signed[2] == "segment" or last in {None, said["previous"]}, "a checkpoint is missing")
                last = hashlib.sha256(signed[3].encode()).hexdigest() if signed[2] == "checkpoint" else last
                at, previous = check_statement(at, previous, signed[2], said)
            whole.update(line.encode())
    sys.exit(f"cut off after entry {at}: the signed end is missing")


try:
    print(main(*sys.argv[1:]))
except (ValueError, KeyError, TypeError, OSError, EOFError) as error:
    sys.exit(f"not an export, or a damaged one: {error!r}")

"""The audit log: who did what, chained by hashes, in the same transaction as the act itself.

No audit, no act: an entry that cannot be written fails the commit.
"""

from appliance.audit.canonical import canonical, chain_hash
from appliance.audit.chain import GENESIS, LOCK, Actor, Subject, record, record_now
from appliance.audit.verify import ChainReport, Verdict, Witnesses, verify_all, verify_chain

__all__ = [
    "GENESIS",
    "LOCK",
    "Actor",
    "ChainReport",
    "Subject",
    "Verdict",
    "Witnesses",
    "canonical",
    "chain_hash",
    "record",
    "record_now",
    "verify_all",
    "verify_chain",
]

"""Every table and folder of the appliance, with what erasing a person does to it. A test fails for one without a row.

Whoever adds a table or a folder says here what becomes of the person in it; the record of processing and the deletion
certificates are made from these rows.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from appliance.vocabulary import DataClass as D


class Act(StrEnum):
    """What an erasure does to a store."""

    DELETED = "deleted"
    ANONYMISED = "anonymised"
    """The rows stay and no longer say whose they are."""
    UNREADABLE = "unreadable"
    """Its key is destroyed, in every copy."""
    KEPT = "kept"
    """Stays as it is, for a reason that is said."""
    NOBODY = "nobody"
    """Holds nothing of candidates."""


@dataclass(frozen=True, slots=True)
class Store:
    """One table or folder."""

    act: Act
    data_class: D | None = None
    why: str = ""


_NOBODY: Final = Store(Act.NOBODY)
_STAFF: Final = Store(Act.NOBODY, why="about members of staff")
_GOES_ON: Final = Store(Act.NOBODY, why="runs the box: nodes, leases, jobs; numbers of sittings at most")

LOG_DUTY: Final = (
    "The audit log is the proof of who saw and did what, this erasure included; without an entry its chain would "
    "break. "
    "It names candidates by the number of their sitting alone, and holds network addresses."
)

TABLES: Final[dict[str, Store]] = {
    # the person and the sitting
    "candidate": Store(Act.ANONYMISED, D.PERSON),
    "sitting": Store(Act.ANONYMISED, D.PERSON, "when, which exam, the outcome: of nobody"),
    "consent": Store(Act.ANONYMISED, D.LOG, "that and to which text was agreed is the proof of lawfulness"),
    "seat": Store(Act.DELETED, D.PERSON),
    "conversation": Store(Act.ANONYMISED, D.PERSON, "who of the staff spoke when; its title goes"),
    "live_event": Store(Act.DELETED, None, "forgotten after 24 hours anyway"),
    # recordings
    "part": Store(Act.DELETED, D.RECORDING),
    "hand_in": Store(Act.DELETED, D.RECORDING),
    "hand_in_chunk": Store(Act.DELETED, D.RECORDING),
    "live_media": Store(Act.DELETED, D.RECORDING),
    "stray_file": Store(Act.DELETED, D.RECORDING),
    "export": Store(Act.UNREADABLE, D.RECORDING, "the row says who took what out, and when"),
    "tile": Store(Act.DELETED, None, "small pictures of the wall, gone within a minute anyway"),
    "gap": Store(Act.ANONYMISED, D.METRICS, "spans without evidence, of nobody"),
    # pictures
    "identity_photo": Store(Act.DELETED, D.PHOTO),
    "document_reading": Store(Act.DELETED, D.PHOTO),
    "evidence_picture": Store(Act.DELETED, D.PHOTO),
    "challenge_pictures": Store(Act.DELETED, D.PHOTO),
    # faces
    "face_template": Store(Act.UNREADABLE, D.TEMPLATE, "emptied; the row says that there was one, and which network"),
    "face_protection": Store(Act.NOBODY, why="the organisation's secrets' versions"),
    "similar_face": Store(Act.DELETED, D.METRICS),
    # words
    "chat_message": Store(Act.DELETED, D.CHAT),
    # findings
    "observation": Store(Act.ANONYMISED, D.METRICS, "model, threshold and span are the system's log: AI Act 26(6)"),
    "incident": Store(Act.ANONYMISED, D.METRICS, "who of the staff confirmed what; remarks go"),
    "score": Store(Act.KEPT, D.METRICS, "figures of nobody"),
    "identity_check": Store(Act.ANONYMISED, D.METRICS, "verdict, distance and threshold are the system's log"),
    "challenge": Store(Act.DELETED, D.METRICS),
    # technical records
    "system_check": Store(Act.DELETED, D.LOG),
    "browser_report": Store(Act.DELETED, D.LOG),
    "pipeline_check": Store(Act.DELETED, D.LOG),
    # the vault
    "vault_object": Store(Act.DELETED, None, "with what it seals"),
    "data_key": Store(Act.UNREADABLE, None, "the key itself is destroyed; that there was one stays"),
    # what proves it
    "audit_entry": Store(Act.KEPT, D.LOG, LOG_DUTY),
    "audit_head": Store(Act.KEPT, None, "the end of the log's chain"),
    "audit_segment": Store(
        Act.KEPT, D.LOG, "the log's older entries, sealed; destroyed when nothing they speak of is kept any more"
    ),
    "audit_checkpoint": Store(Act.KEPT, None, "signed hashes of the log"),
    "audit_actor": Store(Act.NOBODY, why="who ever acted; candidates by the number of their sitting"),
    "audit_refusal": Store(Act.NOBODY, why="refused requests, until they are in the log; candidates by number"),
    "audit_forwarding": _NOBODY,
    "audit_verification": _NOBODY,
    "delivery": Store(
        Act.DELETED, D.RECORDING, "which spans of a part were sent and played; the log has the outcome"
    ),
    "sitting_manifest": Store(
        Act.KEPT, None, "signed hashes of what was sealed, by number: that nothing was exchanged"
    ),
    "retention_rule": _NOBODY,
    "disposal": Store(Act.KEPT, None, "what was deleted when, by number"),
    "deletion_certificate": Store(Act.KEPT, None, "the proof of the erasure, by number"),
    "erasure": Store(Act.KEPT, None, "the proof of the erasure, by number"),
    "legal_hold": Store(Act.KEPT, None, "who held what back, and why; one in force forbids the erasure"),
    "person_export": Store(Act.UNREADABLE, D.PERSON, "the row says that it was made"),
    # the organisation and its staff
    "company": _NOBODY,
    "exam": _NOBODY,
    "api_client": _NOBODY,
    "assignment": Store(Act.NOBODY, why="who of the staff works on which exam or sitting, by number"),
    "access_grant": Store(Act.NOBODY, why="which support engineer saw which sitting for which ticket, by number"),
    "approval": Store(Act.NOBODY, why="acts that wanted a second person; people by number"),
    "user": _STAFF,
    "security_key": _STAFF,
    "key_challenge": _STAFF,
    "recovery_code": _STAFF,
    "former_password": _STAFF,
    "account_link": _STAFF,
    "identity_provider": _NOBODY,
    "linked_identity": _STAFF,
    "sign_on_attempt": _STAFF,
    "sign_on_pending": _STAFF,
    "sign_on_session": _STAFF,
    "logout_token_seen": _STAFF,
    "notice": _STAFF,
    "login_session": _STAFF,
    # the box
    "node": _GOES_ON,
    "node_reading": _GOES_ON,
    "gateway": _GOES_ON,
    "lease": _GOES_ON,
    "known_settings": _GOES_ON,
    "rate_limit_state": Store(Act.NOBODY, why="hashed or short-lived: forgotten as soon as the limit is full again"),
    "disk_outlook": _GOES_ON,
    "alembic_version": _GOES_ON,
    "procrastinate_jobs": Store(Act.NOBODY, why="arguments are numbers; jobs that ended are forgotten after 14 days"),
    "procrastinate_events": _GOES_ON,
    "procrastinate_periodic_defers": _GOES_ON,
    "procrastinate_workers": _GOES_ON,
}
"""Every table, those of the job queue included."""

FOLDERS: Final[dict[str, Store]] = {
    "vault": Store(Act.UNREADABLE, None, "the key is destroyed first, the files go at once"),
    "recordings": Store(Act.DELETED, D.RECORDING, "what a node left before it was sealed"),
    "hand_ins": Store(Act.DELETED, D.RECORDING),
    "exports": Store(Act.DELETED, D.RECORDING, "while an export is made"),
    "keys": Store(Act.NOBODY, why="keys of the appliance; those of sittings and people end with them"),
    "manifests": Store(Act.KEPT, None, "signed hashes of what was sealed, by number"),
    "audit": Store(Act.KEPT, None, "signed hashes of the log"),
    "run": _GOES_ON,
    "kustos.toml": _NOBODY,
    "logs": Store(Act.NOBODY, why="numbers of sittings, no names: the processes' own log never has them"),
    "postgres": Store(Act.ANONYMISED, None, "the database's own files: what was overwritten leaves them with VACUUM"),
    "backup": Store(Act.ANONYMISED, None, "the database's log of minutes, until it is in the backup"),
    "backup.json": Store(Act.NOBODY, why="when a backup was made"),
    "demo.json": Store(Act.NOBODY, why="accounts of the demonstration"),
}
"""Every folder and file below the data folder."""


def of_table(name: str) -> Store:
    """Return a table's row; ``KeyError`` for one that nobody thought of."""
    return TABLES[name]


def kept() -> list[tuple[str, Store]]:
    """Return what an erasure leaves, with the reason: for certificates."""
    lasting = {Act.KEPT, Act.ANONYMISED}
    return [(name, store) for name, store in TABLES.items() if store.act in lasting and store.why]

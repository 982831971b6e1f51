"""What the tests of the audit log share: acts to record, a signer, and tampering with the owner's rights."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from appliance import audit
from appliance.audit import Actor, Witnesses, checkpoints
from appliance.audit.canonical import chain_hash
from appliance.audit.statements import Signer
from appliance.collaborators import Collaborators
from appliance.models import AuditEntry

ACTOR = Actor("user", "7", "Анна", "192.0.2.7", company_id=3, role="proctor")


def fill(session: Session, count: int, start: int = 1) -> None:
    for number in range(start, start + count):
        audit.record(session, ACTOR, "sitting.start", ("sitting", number), distance=0.5, tags=["a", None, True])
        session.commit()


def signer_of(collaborators: Collaborators) -> Signer:
    return Signer.of(collaborators.settings, collaborators.vault)


def witnesses(signer: Signer) -> Witnesses:
    return Witnesses(signer.public_key, signer.folder, signer.vault)


def checkpoint(session: Session, signer: Signer, now: datetime | None = None) -> checkpoints.Mark | None:
    mark = checkpoints.sign(session, signer, now=now)
    session.commit()
    checkpoints.write_file(session, signer.folder)
    session.commit()
    return mark


def tamper(session: Session, *statements: str) -> None:
    """Change the log as one with the rights of the database's owner can."""
    for table in ("audit_entry", "audit_head", "audit_checkpoint", "audit_segment"):
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
    for statement in statements:
        session.connection().exec_driver_sql(statement)
    session.commit()


def rewrite(session: Session, change: str, where: str) -> None:
    """Change entries and compute the whole chain anew, as one who knows its recipe can."""
    tamper(session, f"UPDATE audit_entry SET {change} WHERE {where}")  # noqa: S608 - the tests' own
    previous = audit.GENESIS
    table = audit_entry_rows(session)
    for columns in table:
        digest = chain_hash(previous, columns)
        session.execute(
            text("UPDATE audit_entry SET previous_hash = :p, hash = :h WHERE id = :id"),
            {"p": previous, "h": digest, "id": columns["id"]},
        )
        previous = digest
    session.execute(text("UPDATE audit_head SET entries = :n, hash = :h"), {"n": len(table), "h": previous})
    session.commit()


def audit_entry_rows(session: Session) -> list[dict]:
    session.expire_all()
    names = [c.name for c in AuditEntry.__table__.columns if c.name not in {"hash", "previous_hash"}]
    rows = session.query(AuditEntry).order_by(AuditEntry.id).all()
    return [{name: getattr(row, name) for name in names} for row in rows]

"""Overwrites keys after the commit of their destruction: not before it, which could still roll back."""

from collections import defaultdict
from collections.abc import Iterable

import structlog
from sqlalchemy import event, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session, SessionTransaction

from appliance.models import DataKey
from appliance.vault.data_keys import DataKeyFiles

_WAITING = "kustos.keys_to_wipe"

log = structlog.get_logger(__name__)


def wipe_after_commit(session: Session, files: DataKeyFiles, key_id: int) -> None:
    """Have the key overwritten once ``session`` has committed that it is destroyed."""
    session.info.setdefault(_WAITING, []).append((files, key_id))


@event.listens_for(Session, "after_commit")
def _after_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return
    waiting: dict[DataKeyFiles, list[int]] = defaultdict(list)
    for files, key_id in session.info.pop(_WAITING, []):
        waiting[files].append(key_id)
    for files, key_ids in waiting.items():
        try:
            files.wipe(_destroyed(session, key_ids))
        except (OSError, SQLAlchemyError) as error:  # the act is done; the sweep will overwrite them
            log.warning("vault.keys_wait_for_the_sweep", count=len(key_ids), error=type(error).__name__)


def _destroyed(session: Session, key_ids: Iterable[int]) -> list[int]:
    """Return those whose destruction is really committed: one inside a savepoint may have been taken back."""
    with session.get_bind().engine.connect() as connection:
        query = select(DataKey.id).where(DataKey.id.in_(key_ids), DataKey.destroyed_at.is_not(None))
        return list(connection.scalars(query))


@event.listens_for(Session, "after_transaction_end")
def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        session.info.pop(_WAITING, None)

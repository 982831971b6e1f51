"""What an act leaves to be written at the very end of its transaction, under a lock that must be held only briefly.

The audit chain and the live bus both give numbers in commit order, so each takes a lock that lives until the commit.
Taken at the start of an act it would line up all acts of the box; taken in ``before_commit`` it lasts as long as a
commit. Queues are written in the order in which they were made (audit, then bus), so that two transactions never
wait for each other crosswise.
"""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import event
from sqlalchemy.orm import Session, SessionTransaction

Item = TypeVar("Item")
Write = Callable[[Session, list[Item]], None]


class CommitQueue(Generic[Item]):
    """Items of a session, written once before its commit and forgotten when their transaction rolls back."""

    def __init__(self, name: str, write: "Write[Item]") -> None:
        """Keep ``write(session, items)``, called with at least one item; an error of it fails the commit."""
        self.name = f"kustos.{name}"
        self.write = write
        _queues.append(self)

    def put(self, session: Session, item: Item) -> None:
        """Queue ``item`` with the session's innermost transaction."""
        if not session.in_transaction():
            session.begin()
        session.info.setdefault(self.name, []).append((_transactions(session), item))

    def flush(self, session: Session) -> None:
        """Write what waits."""
        waiting = session.info.pop(self.name, [])
        if waiting:
            self.write(session, [item for _, item in waiting])

    def forget(self, session: Session, transaction: SessionTransaction) -> None:
        """Drop what was queued inside ``transaction``."""
        waiting = session.info.get(self.name, [])
        waiting[:] = [entry for entry in waiting if transaction not in entry[0]]


_queues: list[CommitQueue[Any]] = []


def _transactions(session: Session) -> tuple[SessionTransaction, ...]:
    """Return the innermost transaction (perhaps a savepoint) and all around it."""
    innermost = session.get_nested_transaction() or session.get_transaction()
    chain = []
    while innermost is not None:
        chain.append(innermost)
        innermost = innermost.parent
    return tuple(chain)


@event.listens_for(Session, "before_commit")
def _before_commit(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint is released; the act itself is not committed yet
    if any(session.info.get(queue.name) for queue in _queues):
        session.flush()
        for queue in _queues:
            queue.flush(session)


@event.listens_for(Session, "after_soft_rollback")
def _after_rollback(session: Session, previous_transaction: SessionTransaction) -> None:
    for queue in _queues:
        queue.forget(session, previous_transaction)


@event.listens_for(Session, "after_transaction_end")
def _after_transaction_end(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        for queue in _queues:
            session.info.pop(queue.name, None)

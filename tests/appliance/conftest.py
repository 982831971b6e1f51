import pytest

from tests.appliance.audit_log import checkpoint, fill, signer_of


@pytest.fixture
def signer(collaborators):
    """Who signs checkpoints of the audit log."""
    return signer_of(collaborators)


@pytest.fixture
def signed(session, signer):
    """Five entries, a checkpoint, three entries, a checkpoint, two entries."""
    fill(session, 5)
    checkpoint(session, signer)
    fill(session, 3)
    checkpoint(session, signer)
    fill(session, 2)
    return session

"""Rows, blocks and manifests altered, deleted, reordered, dated back and truncated at random: every one is found.

``make test-tamper`` runs it alone, a thousand times; KUSTOS_TAMPER_SEED repeats a run.
"""

import os
import secrets
from collections import Counter
from random import Random

import pytest

from tests.tamper.alterations import ALTERATIONS, Tampering
from tests.tamper.house import House, as_owner

COUNT = int(os.environ.get("KUSTOS_TAMPER_COUNT", "200"))
SEED = os.environ.get("KUSTOS_TAMPER_SEED") or secrets.token_hex(8)


@pytest.fixture
def house(session, make, collaborators):
    return House(session, make, collaborators)


@pytest.mark.timeout(600)
def test_everything_is_found(house, session, capsys):
    """Each kind comes about as often as every other; the first round takes each once."""
    random = Random(SEED)
    kinds = [(verifier, act) for verifier, acts in ALTERATIONS.items() for act in acts]
    found, missed, how_often = 0, [], Counter()
    assert house.findings("audit") == []
    session.commit()
    for number in range(COUNT):
        verifier, act = kinds[number] if number < len(kinds) else random.choice(kinds)
        tampering = Tampering(random, house)
        as_owner(session)
        try:
            act(tampering)
            session.expire_all()
            words = house.findings(verifier)
        finally:
            session.rollback()
            tampering.restore()
        how_often[act.__name__] += 1
        if words:
            found += 1
        else:
            missed.append(f"{number}: {act.__name__}")
    with capsys.disabled():
        print(f"\nseed {SEED}: found {found} of {COUNT} ({len(how_often)} kinds of tampering)")  # noqa: T201 - what it is for
    assert house.findings("audit") == [], "all was put back"
    assert not missed, f"seed {SEED}: {missed}"

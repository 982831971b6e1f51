"""The synthetic candidate through a real node, and through nodes that are not well."""

import pytest

from appliance.diagnostics.path import TRIAL_STEPS
from appliance.models import DataKey, VaultObject

pytestmark = pytest.mark.timeout(90)


async def test_a_healthy_node_passes_every_step_with_its_time(
    check, node, living_worker, session, vault, collaborators
):
    checked = await check(None)
    assert checked.troubles == []
    for key in TRIAL_STEPS:
        step = checked.of(key, node.url)
        assert step.state.value == "passed", step
        assert 0 < step.took_ms < 15_000
    assert checked.published[0].key == "database"
    assert session.query(VaultObject).count() == session.query(DataKey).count() == 0
    assert list(vault.folder.glob("*/*")) == []
    assert list(collaborators.settings.recordings.iterdir()) == []

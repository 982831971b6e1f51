"""The log is followed by a role like that of an installed host, which is no superuser."""

import pytest
from sqlalchemy.engine import make_url

from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.postgres import Server
from appliance.deploy.backup.stream import Receiver


@pytest.fixture
def follower(server, tmp_path):
    """The receiver of a role with what the role ``backup`` of the playbooks grants."""
    server.renew()
    server.run("CREATE ROLE follower LOGIN REPLICATION")
    server.run("GRANT pg_read_all_stats TO follower")
    url = make_url(server.url).set(username="follower").render_as_string(hide_password=False)
    receiver = Receiver(Server(url), tmp_path / "log")
    yield receiver
    receiver.stop()
    server.run("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active")
    server.run("DROP ROLE follower")


def test_it_is_told_how_far_it_came(server, follower):
    follower.start()
    server.run("CREATE TABLE written AS SELECT generate_series(1, 1000)")
    assert follower.caught_up()


def test_a_role_that_is_not_told_says_so_at_once(server, follower):
    server.run("REVOKE pg_read_all_stats FROM follower")
    with pytest.raises(BackupFailed, match="pg_read_all_stats"):
        follower.start()

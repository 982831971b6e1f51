"""A host installed anew, with the former one's media mounted, leaves alone what is to be restored from them."""

import pytest

from appliance.collaborators import assemble
from appliance.deploy.backup import full
from appliance.deploy.backup.errors import BackupFailed
from appliance.deploy.backup.restore import restore
from appliance.deploy.backup.stores import files_below
from appliance.deploy.backup.stream import Stream
from appliance.deploy.backup.targets import open_store
from tests.appliance.deploy.backup.test_backup import opened, sealed


@pytest.fixture
def made(own, places):
    """A backup with a sealed recording, and its number."""
    number = sealed(own, "sitting:1")
    return full.create(own, *places).manifest.moment, number


def everything(folder):
    return {path: path.read_bytes() for path in files_below(folder)}


def test_a_new_host_does_not_write_over_the_former_ones_backup(made, places, elsewhere, own, tmp_path):
    before = everything(tmp_path / "medium"), everything(places[1])
    new = assemble(elsewhere)
    with pytest.raises(BackupFailed, match=r"holds another appliance's backup .*kustos backup restore"):
        full.create(new, *places)
    with pytest.raises(BackupFailed, match=r"holds another appliance's keys: .*kustos backup restore"):
        full.create(new, str(tmp_path / "empty"), places[1])
    assert (everything(tmp_path / "medium"), everything(places[1])) == before
    store = open_store(elsewhere, places[0])
    restore(elsewhere, store, places[1], made[0])
    after = assemble(elsewhere)
    assert opened(after, made[1]) == opened(own, made[1])
    assert full.create(after, *places).manifest.files == 1  # now it is its own


def test_keys_that_were_exchanged_under_the_stream_are_left_alone(made, own, places, tmp_path):
    stream = Stream(own, *places)
    stream.follow()
    full.create(own, *places)
    try:
        stream.beat()
        (places[1] / ".appliance").write_text("of another\n")
        (places[1] / "backup" / "other.key").write_text("the only one")
        with pytest.raises(BackupFailed, match="another appliance's keys"):
            stream.beat()
        assert (places[1] / "backup" / "other.key").exists()
    finally:
        stream.close()


def test_a_folder_of_other_things_does_not_become_the_keys_folder(own, places):
    places[1].mkdir(parents=True)
    (places[1] / "letter.txt").write_text("mine")
    with pytest.raises(BackupFailed, match="no key of this appliance"):
        full.create(own, *places)
    assert (places[1] / "letter.txt").read_text() == "mine"


def test_keys_of_a_release_without_the_mark_are_known_by_the_evidence_key(made, own, places):
    (places[1] / ".appliance").unlink()
    full.create(own, *places)
    assert (places[1] / ".appliance").exists()

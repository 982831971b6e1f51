"""A check says at once what it could not do at its end."""

from click.testing import CliRunner

from appliance.cli.root import main


def test_a_bundle_that_cannot_be_written_is_said_before_the_check(tmp_path):
    """A folder that is a file: root, too, is refused."""
    (tmp_path / "file").touch()
    done = CliRunner().invoke(main, ["check", "--bundle", str(tmp_path / "file" / "ticket.zip")])
    assert done.exit_code == 1
    assert "ticket.zip': Not a directory. It is written as the user" in done.output

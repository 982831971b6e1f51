"""What an upgrade that failed says and does depends on how far it came."""

import pytest
from click.testing import CliRunner

from appliance.cli import upgrade
from appliance.deploy.inventory import Answers, make
from appliance.deploy.runner import InstallFailed, Outcome, Step

BACK = [("Have the former release be the one in use", "changed")]


@pytest.mark.parametrize(
    ("way", "status", "said", "ran"),
    [
        ([(upgrade.NAMED, "failed")], 1, "The upgrade failed. so it is", ["upgrade"]),
        ([(upgrade.GIVEN_UP, "failed"), ("Give up on this host", "failed")], 5, "so it is", ["upgrade"]),
        ([("Restart", "failed")], 1, "The former release runs again on exam.test", ["upgrade", "rollback"]),
        (
            [(upgrade.SETTLED, "changed"), ("Install it", "failed")],
            1,
            "The new release runs on all hosts",
            ["upgrade"],
        ),
    ],
)
def test_it_is_led_back_only_from_where_it_did_not_arrive(monkeypatch, tmp_path, way, status, said, ran):
    kinds = []

    def carry_out(order, *_words, **_more):
        kinds.append(order.kind)
        outcome = Outcome(
            [Step("exam.test", task, "", state, 0.1) for task, state in (way if len(kinds) == 1 else BACK)]
        )
        if len(kinds) == 1:
            raise InstallFailed("so it is", outcome=outcome)
        return upgrade.runs.Result(outcome)

    monkeypatch.setattr(upgrade.runs, "carry_out", carry_out)
    (tmp_path / "inventory.yml").write_text(make(Answers("exam.test", "local")))
    words = ["-i", str(tmp_path / "inventory.yml"), "--from", str(tmp_path), "--runs", str(tmp_path)]
    done = CliRunner().invoke(upgrade.upgrade, words)
    assert (done.exit_code, kinds) == (status, ran), done.output
    assert said in done.output

"""Runs by a real Ansible on this machine: told, kept, resumed, stopped; no secret in what is kept."""

import json
import os
import signal
import stat
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from appliance.deploy import leftovers, run_log, runs
from appliance.deploy.differences import MOST_LINES, lines_of
from appliance.deploy.inventory import Answers, make
from appliance.deploy.redaction import STARS, Redaction
from appliance.deploy.runner import InstallFailed, Listener, Step, expected_tasks
from tests.running import ROOT, wait_for

SECRET = "a-secret-of-the-inventory"
PLAYBOOK = """\
---
- name: Everything
  hosts: kustos
  gather_facts: false
  tasks:
    - name: Write the first
      ansible.builtin.copy:
        dest: "{{ folder }}/first"
        content: "one {{ kustos_turn_secret }}"
        mode: "0600"
    - name: Need the second
      ansible.builtin.command:
        argv: [cat, "{{ folder }}/needed"]
      changed_when: false
    - name: Say the secret
      ansible.builtin.debug:
        msg: "{{ kustos_turn_secret }}"
    - name: Wait
      ansible.builtin.command:
        argv: [sleep, "{{ seconds }}"]
      changed_when: false
    - name: Write the last
      ansible.builtin.copy:
        dest: "{{ folder }}/last"
        content: last
        mode: "0600"
"""
CONFIG = f"[defaults]\ninterpreter_python = {sys.executable}\n"
AFTER = "---\n- name: Nothing\n  hosts: kustos\n  gather_facts: false\n  tasks: []\n"


@pytest.fixture
def order(tmp_path):
    """A bundle whose playbook needs a file that is not there yet."""
    folder = tmp_path / "bundle" / "ansible"
    folder.mkdir(parents=True)
    for name, text in (("site.yml", PLAYBOOK), ("after.yml", AFTER), ("ansible.cfg", CONFIG)):
        (folder / name).write_text(text)
    content = yaml.safe_load(make(Answers("exam.example.org")))
    content["kustos"]["vars"]["kustos_turn_secret"] = SECRET
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(yaml.safe_dump(content))
    work = tmp_path / "work"
    work.mkdir()
    told = {"folder": str(work), "seconds": 0}
    return runs.Order("install", "site.yml", inventory, tmp_path / "bundle", tmp_path / "runs", told)


def kept(folder):
    """All that a run left, as text; and its tasks."""
    lines = (folder / run_log.TASKS).read_text().splitlines()
    return "".join(path.read_text() for path in folder.iterdir()), [json.loads(line) for line in lines]


def test_a_run_that_failed_is_run_again_and_goes_on(order, tmp_path):
    told = []
    with pytest.raises(InstallFailed) as failed:
        runs.carry_out(order, Listener(ended=told.append))
    assert "“Need the second” failed" in failed.value.message
    assert [step.state for step in told] == ["changed", "failed"]
    before = runs.interrupted_before(order)
    assert (before.state, before.failed_tasks) == ("failed", ["exam.example.org Need the second"])
    (tmp_path / "work" / "needed").write_text(f"here is {SECRET}")
    told.clear()
    result = runs.carry_out(order, Listener(ended=told.append))
    assert [step.state for step in told] == ["ok", "ok", "ok", "ok", "changed"]
    assert runs.interrupted_before(order) is None
    text, tasks = kept(result.folder)
    assert [task["task"] for task in tasks][-1] == "Write the last"
    assert SECRET not in text
    summary = json.loads((result.folder / run_log.SUMMARY).read_text())
    assert (summary["state"], summary["tasks"], summary["changed_tasks"]) == (
        *("done", 5),
        ["exam.example.org Write the last"],
    )
    for path in result.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(result.folder.stat().st_mode) == 0o700
    assert not [path for path in order.runs.iterdir() if path.name.startswith(".install")]
    assert len(run_log.not_noted(order.runs, order.inventory)) == 2  # there was no appliance to tell


SKIPPED = f"""\
---
- name: Tell
  hosts: kustos
  gather_facts: false
  tasks:
    - name: {runs.CHECK_TASK}
      ansible.builtin.command:
        argv: ["true"]
      when: false
    - name: {runs.NOTE_TASK}
      ansible.builtin.command:
        argv: "{{{{ ['true'] + item }}}}"
      loop: "{{{{ kustos_notes }}}}"
      when: false
"""


def test_what_nobody_was_told_is_told_later_and_a_host_that_does_not_check_itself_is_not_ill(order, tmp_path):
    """A run that is killed or fails comes before there is an appliance with a log."""
    (tmp_path / "work" / "needed").write_text("x")
    after = order.bundle / "ansible" / "after.yml"
    after.write_text(SKIPPED)
    result = runs.carry_out(order, Listener(), verify=True)
    assert (result.noted, result.checks) == (False, {})
    assert len(run_log.not_noted(order.runs, order.inventory)) == 1
    after.write_text(SKIPPED.replace("when: false", "when: true"))
    result = runs.carry_out(order, Listener(), verify=True)
    assert (result.noted, list(result.checks)) == (True, ["exam.example.org"])
    assert run_log.not_noted(order.runs, order.inventory) == []


def test_a_check_shows_lines_and_no_secret(order, tmp_path):
    (tmp_path / "work" / "needed").write_text("x")
    looked = runs.Order(**{**{name: getattr(order, name) for name in order.__slots__}, "check": True})
    told = []
    result = runs.carry_out(looked, Listener(ended=told.append))
    first = next(step for step in told if step.task == "Write the first")
    assert any(line.startswith("+one") for line in first.difference), first.difference
    assert SECRET not in json.dumps([step.difference for step in told])
    assert result.folder is None
    assert not (tmp_path / "work" / "first").exists()


def command(order, *options):
    words = ["install", "-i", str(order.inventory), "--from", str(order.bundle), "--runs", str(order.runs)]
    return [sys.executable, "-m", "appliance.cli", *words, "--skip-preflight", "--skip-verify", *options]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_stopped_or_killed_is_run_again_and_goes_on(order, tmp_path, how):
    (tmp_path / "work" / "needed").write_text("x")
    playbook = order.bundle / "ansible" / "site.yml"
    for name, value in (("folder", str(tmp_path / "work")), ("seconds", "60")):
        playbook.write_text(playbook.read_text().replace(f"{{{{ {name} }}}}", value))
    with subprocess.Popen(
        command(order), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        wait_for(
            lambda: any("Say the secret" in path.read_text() for path in order.runs.glob("*/tasks.jsonl")), 120, "it"
        )
        time.sleep(0.5)
        with pytest.raises(run_log.RunGoesOn), run_log.begin(order.runs, "install", "1", order.inventory, []):
            pass  # two runs at once on the same hosts
        os.kill(run.pid, how)
        said = run.communicate(timeout=60)[0]
    if how == signal.SIGINT:
        assert run.returncode == 130
        assert "Run the same command again" in said
    assert SECRET not in said
    playbook.write_text(playbook.read_text().replace('"60"', '"0"'))
    done = subprocess.run(command(order), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"ended {'killed' if how == signal.SIGKILL else 'interrupted'}; this one goes on" in done.stdout
    assert "Done: 5 tasks, 1 changed something." in done.stdout
    assert (tmp_path / "work" / "last").exists()
    # Ansible does not notice that who started it was killed: the next run ends it, and takes its secrets away.
    assert [path.name for path in order.runs.iterdir() if path.is_dir() and path.name.startswith(".")] == []
    going_on = [
        one for one in psutil.process_iter(["cmdline"]) if str(order.runs) in " ".join(one.info["cmdline"] or ())
    ]
    assert going_on == []


def test_the_folder_of_a_run_that_lives_is_left_alone(tmp_path):
    with leftovers.owned(leftovers.private_folder(tmp_path, "check")):
        assert leftovers.clear(tmp_path) == 0
        assert list(tmp_path.glob(".check-*"))
    assert not list(tmp_path.glob(".check-*"))


def test_programs_are_told_in_json_and_quiet_ones_little(order, tmp_path):
    playbook = order.bundle / "ansible" / "site.yml"
    for name, value in (("folder", str(tmp_path / "work")), ("seconds", "0")):
        playbook.write_text(playbook.read_text().replace(f"{{{{ {name} }}}}", value))
    failed = subprocess.run(command(order, "--quiet"), cwd=ROOT, capture_output=True, text=True)
    assert failed.returncode == 1
    assert "Need the second" in failed.stdout
    assert "Write the first" not in failed.stdout
    (tmp_path / "work" / "needed").write_text("x")
    done = subprocess.run(command(order, "--json"), cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["state"] for line in lines[:-1]] == ["ok"] * 4 + ["changed"]
    assert lines[0]["of"] == expected_tasks(order.bundle / "ansible", "site.yml") == 5
    assert lines[-1]["done"]["changed"] == 1


def test_what_looks_like_a_secret_is_taken_out(tmp_path):
    inventory = tmp_path / "inventory.yml"
    inventory.write_text(
        f"kustos:\n  vars: {{smtp_password: {SECRET}, tls_key: /etc/key.pem, x: [y]}}\n  children: {{}}\n"
    )
    known = Redaction.of_inventory(inventory)
    assert known.of(f"said {SECRET} twice {SECRET}") == f"said {STARS} twice {STARS}"
    assert known.of("postgresql://kustos:hunter22@db/kustos") == f"postgresql://kustos:{STARS}@db/kustos"
    assert known.of('secret_key = "abcdefgh"') == f"secret_key = {STARS}"
    assert known.of("copy /etc/key.pem") == "copy /etc/key.pem"


def test_a_long_difference_is_cut_and_a_hidden_one_is_not_shown():
    long = {"changed": True, "diff": [{"before": "", "after": "\n".join(map(str, range(100)))}]}
    assert len(lines_of(long, Redaction())) == MOST_LINES + 1
    assert (
        lines_of({"changed": True, "censored": "hidden", "diff": [{"before": "", "after": "x"}]}, Redaction()) == []
    )
    hidden = {"changed": True, "results": [{"changed": True, "censored": "x", "diff": {"before": "", "after": "y"}}]}
    assert lines_of(hidden, Redaction()) == []
    mode = {"changed": True, "diff": {"before": {"mode": "0600"}, "after": {"mode": "0644"}}}
    assert lines_of(mode, Redaction()) == ['-mode: "0600"', '+mode: "0644"']


def test_a_line_that_was_cut_off_by_a_kill_spoils_nothing(tmp_path):
    inventory = tmp_path / "inventory.yml"
    inventory.touch()
    with run_log.begin(tmp_path / "runs", "install", "1", inventory, ["a"]) as log:
        log.step(Step("a", "Do", "role", "changed", 0.1))
        with (log.folder / run_log.TASKS).open("a") as file:
            file.write('{"host": "a", "ta')
    with run_log.begin(tmp_path / "runs", "install", "1", inventory, ["a"]):
        former = run_log.former(tmp_path / "runs", inventory)[0][1]
    assert (former.state, former.changed_tasks) == ("killed", ["a role: Do"])

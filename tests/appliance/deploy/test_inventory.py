"""An inventory that is written is one that is taken; what is wrong in one is named at once."""

import json
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from appliance.cli.root import main
from appliance.deploy.inventory import GROUPS, Answers, HostAnswer, check, make, problems
from appliance.errors import BadInput

DIGEST = "sha256:" + "a" * 64
FRONT = HostAnswer("web-1.example.org", ("web", "gateway", "worker", "turn"), "10.0.0.2", user="ops")
BACK = HostAnswer("back-1.example.org", ("media", "database"), "back.example.org", "10.0.0.3")
TWO = Answers("exam.example.org", hosts=(FRONT, BACK), shared_recordings="10.0.0.9:/kustos/recordings")


def new(tmp_path, *options, stdin=""):
    file = tmp_path / "inventory.yml"
    done = CliRunner().invoke(main, ["inventory", "new", str(file), *options], input=stdin)
    return done, file


def ansible_sees(file):
    """The inventory as Ansible reads it."""
    program = shutil.which("ansible-inventory", path=str(Path(sys.executable).parent))
    done = subprocess.run([program, "-i", str(file), "--list"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_what_is_written_is_taken(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text(make(Answers("exam.example.org", "192.0.2.7", "ops")))
    assert check(file) == {group: ["exam.example.org"] for group in GROUPS}
    content = yaml.safe_load(file.read_text())["kustos"]
    assert content["vars"]["kustos_public_url"] == "https://exam.example.org"
    assert len(content["vars"]["kustos_turn_secret"]) >= 32
    assert content["children"]["web"]["hosts"]["exam.example.org"]["ansible_user"] == "ops"


def test_without_turn_no_secret_of_it_is_made(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text(make(Answers("exam.example.org", "local", turn=False)))
    assert "turn" not in check(file)
    assert "secret" not in yaml.safe_dump(yaml.safe_load(file.read_text()))


def test_several_hosts_as_ansible_reads_them(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text(make(TWO))
    groups = check(file)
    assert groups["media"] == ["back-1.example.org"]
    assert groups["gateway"] == ["web-1.example.org"]
    seen = ansible_sees(file)
    hosts = seen["_meta"]["hostvars"]
    assert hosts["web-1.example.org"]["kustos_address"] == "10.0.0.2"
    assert hosts["web-1.example.org"]["ansible_become"] is True
    assert hosts["back-1.example.org"]["ansible_host"] == "back.example.org"
    assert hosts["back-1.example.org"]["base_shared_recordings"] == {"source": "10.0.0.9:/kustos/recordings"}
    assert hosts["back-1.example.org"]["kustos_turn_urls"][0] == "turn:web-1.example.org:3478?transport=udp"
    assert set(seen["kustos"]["children"]) == set(GROUPS)


def test_every_variable_belongs_to_a_role(tmp_path):
    """Whatever is written is declared by the role that takes it, or shared and used by some."""
    for name in ("chain.pem", "key.pem"):
        (tmp_path / name).touch()
    every = Answers(
        "exam.example.org",
        hosts=(FRONT, BACK),
        certificate=str(tmp_path / "chain.pem"),
        key=str(tmp_path / "key.pem"),
        media_node="container",
        media_image=f"docker.io/kurento/kurento-media-server@{DIGEST}",
        shared_data="10.0.0.9:/kustos",
        shared_recordings="10.0.0.9:/kustos/recordings",
        backup_target="s3://s3.example.org/kustos",
        backup_keys="/mnt/keys",
        backup_s3_key_id="kustos",
        backup_s3_secret="secret-of-s3",
        monitoring_from=("10.0.1.0/24",),
        time_servers=("ntp.example.org",),
        admin_networks=("10.0.0.0/24",),
    )
    variables = yaml.safe_load(make(every))["kustos"]["vars"]
    roles = Path(__file__).parents[3] / "ansible" / "roles"
    text = "".join(path.read_text() for path in roles.rglob("*") if path.suffix in {".yml", ".j2"})
    assert [name for name in variables if name not in text] == []


@pytest.mark.parametrize(
    ("answers", "field"),
    [
        (Answers("exam example"), "host_name"),
        (Answers(""), "host_name"),
        (Answers("exam.example.org", "no/host"), "address"),
        (Answers("exam.example.org", "192.0.2.7", "Ops Team"), "user"),
        (Answers("exam.example.org", certificate="/no/such.pem", key="/no/such.key"), "certificate"),
        (Answers("exam.example.org", key="/no/such.key"), "certificate"),
        (Answers("exam.example.org", media_node="container"), "media_image"),
        (Answers("exam.example.org", media_node="other"), "media_node"),
        (Answers("exam.example.org", backup_target="ftp://x"), "backup_target"),
        (Answers("exam.example.org", backup_target="/mnt/backup"), "backup_keys"),
        (Answers("exam.example.org", backup_target="/mnt/a", backup_keys="/mnt/a"), "backup_keys"),
        (Answers("exam.example.org", backup_target="s3://host/b", backup_keys="/mnt/a"), "backup_s3_secret"),
        (Answers("exam.example.org", acme_directory="ca.example.org"), "acme_directory"),
        (Answers("exam.example.org", monitoring_from=("10.0.0.1/33",)), "monitoring_from"),
        (Answers("exam.example.org", admin_networks=("office",)), "admin_networks"),
        (Answers("exam.example.org", time_servers=("a b",)), "time_servers"),
        (Answers("exam.example.org", analysis_workers=-1), "analysis_workers"),
        (Answers("exam.example.org", hosts=(FRONT, FRONT)), "host"),
        (Answers("exam.example.org", hosts=(FRONT, HostAnswer("b", ("media", "database"), "b"))), "inner"),
        (Answers("exam.example.org", hosts=(FRONT, HostAnswer("b", ("cache",), "10.0.0.3"))), "groups"),
        (
            Answers("exam.example.org", hosts=(FRONT, HostAnswer("b", ("worker", "database"), "10.0.0.3"))),
            "shared_data",
        ),
        (Answers("exam.example.org", hosts=(FRONT, BACK)), "shared_recordings"),
        (Answers("exam.example.org", hosts=(FRONT, BACK), shared_recordings="nfs"), "shared_recordings"),
    ],
)
def test_a_wrong_answer_is_named_by_its_field(answers, field):
    assert field in [name for name, _ in problems(answers)]
    with pytest.raises(BadInput) as refused:
        make(answers)
    assert f"{field}: " in refused.value.message


def test_all_wrong_answers_are_named_at_once():
    with pytest.raises(BadInput) as refused:
        make(Answers("exam example", "no/host", "Ops Team", backup_target="x"))
    assert refused.value.details["fields"] == ["address", "backup_keys", "backup_target", "host_name", "user"]


def test_the_command_writes_for_its_owner_alone(tmp_path):
    done, file = new(tmp_path, "--host-name", "exam.example.org", "--no-input")
    assert done.exit_code == 0, done.output
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert check(file)["turn"] == ["exam.example.org"]
    again, _ = new(tmp_path, "--host-name", "exam.example.org", "--no-input")
    assert again.exit_code == 1
    assert "is there already" in again.output


def test_the_command_takes_several_hosts(tmp_path):
    done, file = new(
        *(tmp_path, "--no-input", "--host-name", "exam.example.org", "--shared-recordings", "mounted"),
        *("--host", "web-1,groups=web+gateway+worker+turn,address=10.0.0.2,user=ops"),
        *("--host", "back-1,groups=media+database,address=10.0.0.3"),
    )
    assert done.exit_code == 0, done.output
    assert check(file)["database"] == ["back-1"]
    assert "base_shared_recordings" not in file.read_text()


def test_the_command_asks_what_it_is_not_told(tmp_path):
    answers = ["exam.example.org", "2"]
    answers += ["web-1", "web gateway worker", "10.0.0.2", "ops"]
    answers += ["back-1", "media database turn", "back.example.org", "10.0.0.3", ""]
    answers += ["", "", "4", "", "10.0.0.9:/kustos/recordings", "", "10.0.1.0/24", "", ""]
    done, file = new(tmp_path, stdin="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    variables = yaml.safe_load(file.read_text())["kustos"]["vars"]
    assert variables["kustos_analysis_workers"] == 4
    assert variables["kustos_turn_urls"][0].startswith("turn:back-1:")
    assert len(ansible_sees(file)["_meta"]["hostvars"]) == 2


@pytest.mark.parametrize("host", ["web-1,groups", "web-1,colour=red"])
def test_a_host_that_is_not_understood_is_refused(tmp_path, host):
    done, file = new(tmp_path, "--no-input", "--host-name", "exam.example.org", "--host", host)
    assert done.exit_code == 1
    assert "--host" in done.output
    assert not file.exists()


def test_everything_that_is_missing_is_named_at_once(tmp_path):
    file = tmp_path / "inventory.yml"
    file.write_text("kustos:\n  children:\n    web: {hosts: {a: }}\n    turn: {hosts: {b: }}\n    cache: {}\n")
    with pytest.raises(BadInput) as refused:
        check(file)
    for word in (
        "cache",
        "gateway",
        "worker",
        "database",
        "kustos_host_name",
        "kustos_turn_secret",
        "kustos_address",
    ):
        assert word in refused.value.message


@pytest.mark.parametrize("text", ["", "[1, 2]", "kustos: {", "all: {}"])
def test_what_is_no_inventory_says_how_to_get_one(tmp_path, text):
    file = tmp_path / "inventory.yml"
    file.write_text(text)
    with pytest.raises(BadInput):
        check(file)

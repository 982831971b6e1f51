"""The order in which an upgrade restarts the processes of a host."""

import yaml
from jinja2.nativetypes import NativeEnvironment

from tests.running import ROOT


def test_recorders_come_first_then_who_steers_them_then_pages_then_jobs():
    tasks = yaml.safe_load((ROOT / "ansible/roles/release/tasks/restart.yml").read_text())
    task = next(task for task in tasks if "loop" in task)
    running = [
        "background",
        "analysis@2",
        "backup",
        "gateway",
        "kurento",
        "worker",
        "web",
        "analysis@1",
        "media-node",
    ]
    values = {"running": [f"kustos-{name}.service" for name in running]}
    values |= {"left_alone": task["vars"]["left_alone"]}
    values["first"] = NativeEnvironment().from_string(task["vars"]["first"]).render(values)
    units = NativeEnvironment().from_string(task["loop"]).render(values)
    order = ["media-node", "gateway", "web", "analysis@1", "analysis@2", "background", "worker"]
    assert units == [f"kustos-{name}.service" for name in order]

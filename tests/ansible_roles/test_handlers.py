"""Whom a task of a role tells is there: neither Ansible's syntax check nor ansible-lint looks."""

import pytest
import yaml

from tests.running import ROOT

ROLES = sorted(path for path in (ROOT / "ansible/roles").iterdir() if path.is_dir())


def told(tasks):
    """Everybody whom tasks notify, in blocks as well; names that are made at run time are left out."""
    for task in tasks or ():
        notify = task.get("notify", [])
        yield from (name for name in ([notify] if isinstance(notify, str) else notify) if "{{" not in name)
        for part in ("block", "rescue", "always"):
            yield from told(task.get(part))


def loaded(role, pattern):
    return [task for file in sorted(role.glob(pattern)) for task in yaml.safe_load(file.read_text()) or ()]


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_each_handler_that_is_told_is_there(role):
    there = {handler["name"] for handler in loaded(role, "handlers/*.yml")}
    assert set(told(loaded(role, "tasks/*.yml"))) - there == set()


def test_some_are_told():
    assert sum(len(list(told(loaded(role, "tasks/*.yml")))) for role in ROLES) > 20

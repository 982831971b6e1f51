"""The list of components: made, valid, complete, and nothing in it that may not be linked in."""

import importlib.util
import json
import subprocess
import sys
import sysconfig
from importlib import metadata
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def tool(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


sbom, advisories = tool("sbom"), tool("audit_dependencies")


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """What ``make sbom`` writes; it ends with 1 where the list does not fit its schema, or a licence is wrong."""
    file = tmp_path_factory.mktemp("sbom") / "sbom.json"
    command = [sys.executable, ".ci/sbom.py", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(file.read_text())


def test_every_distribution_is_in_it(listed):
    known = {(canonicalize_name(one["name"]), one["version"]) for one in listed["components"]}
    found = metadata.distributions(path=[sysconfig.get_path("purelib")])
    installed = {(canonicalize_name(one.name), one.version) for one in found}
    assert installed - {("kustos", metadata.version("kustos"))} <= known


def test_node_and_debian_packages_are_in_it(listed):
    purls = {one.get("purl", "").partition("@")[0] for one in listed["components"]}
    assert {"pkg:npm/typescript", "pkg:npm/onnxruntime-web", "pkg:deb/debian/gir1.2-gstreamer-1.0"} <= purls
    assert "pkg:deb/debian/libc6" in purls  # what those depend on, too


def test_what_only_tests_need_is_told_apart(listed):
    scope = {
        canonicalize_name(one["name"]): one.get("scope")
        for one in listed["components"]
        if "pypi" in one.get("purl", "")
    }
    assert {scope[name] for name in ("pyramid", "sqlalchemy", "cryptography", "webob")} == {"required"}
    assert {scope[name] for name in ("pytest", "schemathesis", "yamllint")} == {"excluded"}


def test_a_licence_that_may_not_be_linked_in_is_found():
    def one(name, licence):
        found = [{"license": {"name": licence}}] if licence else []
        return {"name": name, "purl": f"pkg:pypi/{name}@1", "licenses": found}

    wrong = [
        one("a", ""),
        one("b", "AGPL-3.0-only"),
        one("c", "GNU General Public License v3"),
        one("d", "LGPL-3.0-only"),
    ]
    assert len(sbom.faults(wrong)) == 4
    assert sbom.faults([one("e", "MIT"), one("f", "GPL-2.0-only OR MIT"), one("psycopg", "LGPL-3.0-only")]) == []


def test_what_is_under_the_gpl_is_nowhere_imported():
    text = "\n".join(
        file.read_text(encoding="utf-8")
        for room in ("appliance", "media", "web")
        for file in (ROOT / room).rglob("*.py")
    )
    for module in ("ansible", "ansiblelint", "yamllint"):
        assert f"import {module}\n" not in text and f"from {module}." not in text and f"from {module} " not in text


def test_everything_installed_is_what_is_pinned():
    assert advisories.strays() == []


def test_what_the_runtime_needs_is_pinned():
    unpinned = {name for name in sbom.shipped() if _installed(name)} - set(advisories.pins())
    assert unpinned <= {"kustos"}


def _installed(name):
    try:
        return metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None  # left out by its marker


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        (([], [], []), 0),
        ((None, [], []), 3),
        (([], None, None), 3),
        ((["a 1: CVE-1"], [], []), 1),
        ((None, ["b (high)"], []), 1),
    ],
)
def test_no_answer_is_no_pass(monkeypatch, capsys, answers, status):
    python, *node = answers
    monkeypatch.setattr(advisories, "python_weaknesses", lambda: python)
    monkeypatch.setattr(advisories, "node_weaknesses", lambda _folder: node.pop(0))
    assert advisories.main() == status
    assert ("could not tell" in capsys.readouterr().out) == (None in answers)

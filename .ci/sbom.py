"""One CycloneDX 1.6 list of all that Kustos is made of: Python, Node and Debian packages; tests' own are "excluded".

    .venv/bin/python .ci/sbom.py [FILE]        (make sbom)

Python by cyclonedx-py out of the environment, Node out of npm's lock files, Debian out of dpkg for what
`.ci/packages` names and all that these depend on. Ends with 1 where a licence is not known, or one that may not be
linked in is.
"""

import configparser
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from appliance.deploy.bill import UNSAID

ROOT = Path(__file__).resolve().parent.parent
NODE_FOLDERS = (ROOT, ROOT / "tests/media/kurento/js")

LICENCES = {**UNSAID, "npm:options": "MIT", "npm:precond": "MIT"}
"""Whose metadata do not say; read in the distribution itself."""
PROGRAMS = {"ansible-core", "ansible-lint", "yamllint"}
"""Under the GPL, and run as programs of their own, never imported."""
LIBRARIES_UNDER_LGPL = {
    "psycopg",
    "psycopg-binary",
    "psycopg-pool",
    "chardet",
    "python-ldap",
    "pygobject",
    "promisecallback",
}
"""Used unchanged, as modules that anybody can replace."""


def shipped() -> set[str]:
    """Return the names of the distributions that Kustos needs to run, without those of its tests."""
    wanted = configparser.ConfigParser()
    wanted.read(ROOT / "setup.cfg")
    own = [line for line in wanted["options"]["install_requires"].splitlines() if line.strip() and "#" not in line]
    found: set[str] = {"kustos"}
    waiting = [(canonicalize_name(one.name), frozenset(one.extras)) for one in map(Requirement, own)]
    while waiting:
        name, extras = waiting.pop()
        if name in found:
            continue
        found.add(name)
        try:
            requires = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue
        for text in requires:
            one = Requirement(text)
            if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in (*extras, "")):
                waiting.append((canonicalize_name(one.name), frozenset(one.extras)))
    return found


def python_components() -> list[dict]:
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        tool = Path(sys.executable).with_name("cyclonedx-py")
        options = ["--sv", "1.6", "--of", "JSON", "--output-reproducible", "--no-validate", "-o", file.name]
        subprocess.run([tool, "environment", sys.executable, *options], check=True, stderr=subprocess.DEVNULL)  # noqa: S603
        components = json.load(file)["components"]
    needed = shipped()
    for one in components:
        name = canonicalize_name(one["name"])
        if name in LICENCES and not one.get("licenses"):
            one["licenses"] = [_licence(LICENCES[name])]
        one["scope"] = "required" if name in needed else "excluded"
    return components


def node_components() -> list[dict]:
    found = []
    for folder in NODE_FOLDERS:
        # what `npm sbom --package-lock-only` reads, without the half minute that npm takes for it
        lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))
        for path, one in lock["packages"].items():
            if not path or one.get("link"):
                continue
            name = path.rpartition("node_modules/")[2]
            found.append(_node_component(name, one["version"], "excluded", _node_licence(folder / path, one)))
    source = (ROOT / "media/biometrics/browser_files.py").read_text(encoding="utf-8")
    name, _, version = re.search(r'RUNTIME: Final = "([^"]+)"', source)[1].rpartition("@")
    return [*found, _node_component(name, version, "required", "MIT")]


def _node_component(name: str, version: str, scope: str, licence: str) -> dict:
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    component = {"bom-ref": purl, "type": "library", "name": name, "version": version, "purl": purl, "scope": scope}
    return {**component, "licenses": [_licence(licence)] if licence else []}


def _node_licence(folder: Path, locked: dict) -> str:
    """Return the licence that the lock file or the installed package names; packages of before 2015 name several."""
    path = folder / "package.json"
    package = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    said = locked.get("license") or package.get("license") or LICENCES.get(f"npm:{folder.name}", "")
    if isinstance(said, dict):
        return str(said.get("type", ""))
    listed = [one["type"] for one in package.get("licenses", []) if isinstance(one, dict)]
    return str(said) or " OR ".join(listed)


def debian_components() -> list[dict]:
    if shutil.which("dpkg-query") is None:
        return []
    wanted = re.search(r"^run=\((.*?)\)", (ROOT / ".ci/packages").read_text(encoding="utf-8"), re.S | re.M)[1].split()
    installed = _installed()
    found: dict[str, dict] = {}
    waiting = [*wanted, "nginx-light", "nginx"]
    while waiting:
        name = waiting.pop()
        if name in found or name not in installed:
            continue
        version, architecture, depends = installed[name]
        purl = f"pkg:deb/debian/{name}@{version}?arch={architecture}"
        found[name] = {
            "bom-ref": purl,
            "type": "library",
            "name": name,
            "version": version,
            "purl": purl,
            "scope": "required",
            "licenses": _debian_licences(name),
        }
        waiting += [re.split(r"[ (:]", part.strip())[0] for part in re.split(r"[,|]", depends) if part.strip()]
    return list(found.values())


def _installed() -> dict[str, tuple[str, str, str]]:
    form = "${Package}\t${Version}\t${Architecture}\t${Depends}, ${Pre-Depends}\n"
    done = subprocess.run(["dpkg-query", "-W", "-f", form], capture_output=True, text=True, check=True)  # noqa: S603, S607
    rows = (line.split("\t") for line in done.stdout.splitlines())
    return {name: (version, architecture, depends) for name, version, architecture, depends in rows}


def _debian_licences(name: str) -> list[dict]:
    path = Path(f"/usr/share/doc/{name}/copyright")
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    named = sorted({found.strip() for found in re.findall(r"^License: *([^\n]+)", text, re.M)})
    if named:
        return [_licence(one) for one in named[:20]]
    return [_licence(f"see /usr/share/doc/{name}/copyright")] if text else []


def _licence(text: str) -> dict:
    return {"license": {"name": text}}


def licences_of(component: dict) -> str:
    """Return all that is said of a component's licence."""
    said = component.get("licenses", [])
    return " ".join(one.get("expression") or one["license"].get("id") or one["license"]["name"] for one in said)


def faults(components: list[dict]) -> list[str]:
    """Return what may not be: no known licence, or one of AGPL and GPL in what is imported."""
    found = [f"{one['name']}: no licence is known" for one in components if not licences_of(one)]
    for one in components:
        text, name = licences_of(one), canonicalize_name(one["name"])
        if one.get("purl", "").startswith("pkg:deb/") or name in PROGRAMS:
            continue  # Debian's are programs, and libraries linked at run time under the LGPL or an exception
        choices = re.split(r"\bOR\b", text)
        if all(re.search(r"\bA?GPL|GNU (Affero )?General|SSPL", choice) for choice in choices):
            found.append(f"{name}: {text} may not be linked in")
        if "LGPL" in text and name not in LIBRARIES_UNDER_LGPL:
            found.append(f"{name}: {text}, not named as a replaceable module")
    return found


def bill() -> dict:
    """Return the whole list."""
    every = [*python_components(), *node_components(), *debian_components()]
    once = {one.get("purl") or one["bom-ref"]: one for one in every}
    for key, one in once.items():
        one["bom-ref"] = key
        one.pop("dependencies", None)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "bom-ref": "kustos",
                "type": "application",
                "name": "kustos",
                "version": metadata.version("kustos"),
                "licenses": [_licence(LICENCES["kustos"])],
            }
        },
        "components": [once[key] for key in sorted(once) if once[key]["name"] != "kustos"],
    }


def main() -> None:
    target = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/sbom.json")
    found = bill()
    text = json.dumps(found, ensure_ascii=False, indent=1) + "\n"
    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise SystemExit(f"The list does not fit CycloneDX 1.6: {wrong}"[:2000])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    required = sum(one.get("scope") == "required" for one in found["components"])
    print(f"{target}: {len(found['components'])} components, {required} of them needed to run.")
    problems = faults(found["components"])
    if problems:
        raise SystemExit("\n".join(problems))


if __name__ == "__main__":
    main()

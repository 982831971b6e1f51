"""The bill of materials of a bundle: what lies in it, as CycloneDX 1.6, without a date, so that it is reproducible.

It is made from the bundle's own files and from nothing else: wheels tell their metadata, packages theirs.
"""

import json
import re
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from appliance.digests import sha256_of

FILE: Final = "sbom.json"
UNSAID: Final = {
    "dlib-bin": "BSL-1.0",
    "kustos": "LicenseRef-Proprietary",
    "protobuf": "BSD-3-Clause",
    "supervisor": "LicenseRef-Repoze-BSD-derived",
}
"""Whose metadata do not say; read in the distribution itself."""
NPM_LICENCE: Final = "MIT"
_LICENCES_NAMED: Final = 20

Component = dict[str, Any]


def bill(folder: Path, version: str, system: str, npm: tuple[str, ...]) -> bytes:
    """Return the bill of the bundle being made in ``folder``, for hosts of ``system``.

    ``npm``: packages, as ``name@version``, whose files the release's own wheel holds for the pages.
    """
    every = [*_wheels(folder / "wheels"), *_debs(folder / "debs", system.partition("-")[0])]
    every += [_npm(name) for name in npm]
    every += [_network(path) for path in sorted((folder / "models").glob("*.onnx"))]
    own = next((one for one in every if one["name"] == "kustos"), {"name": "kustos", "version": version})
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**own, "type": "application"}},
        "components": sorted((one for one in every if one is not own), key=lambda one: str(one["bom-ref"])),
    }
    return (json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _component(kind: str, name: str, version: str, purl: str, licences: list[str], file: Path | None) -> Component:
    one: Component = {"type": kind, "name": name, "version": version, "scope": "required"}
    one["bom-ref"] = purl
    if purl.startswith("pkg:"):
        one["purl"] = purl
    if licences:
        one["licenses"] = [{"license": {"name": text}} for text in licences]
    if file is not None:
        one["hashes"] = [{"alg": "SHA-256", "content": sha256_of(file)}]
    return one


# ---- Python


def _wheels(folder: Path) -> Iterator[Component]:
    for path in sorted(folder.glob("*.whl")):
        with zipfile.ZipFile(path) as archive:
            inside = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            said = HeaderParser().parsestr(archive.read(inside).decode())
        name = re.sub(r"[-_.]+", "-", said["Name"]).lower()
        licence = UNSAID.get(name) or _licence(said)
        purl = f"pkg:pypi/{name}@{quote(said['Version'], safe='')}"
        yield _component("library", name, said["Version"], purl, [licence] if licence else [], path)


def _licence(said: Message) -> str:
    """Return what the metadata say: an expression (PEP 639), else classifiers, else the free text's first line."""
    if said["License-Expression"]:
        return str(said["License-Expression"])
    classifiers = [
        text.rpartition(" :: ")[2] for text in said.get_all("Classifier", []) if text.startswith("License")
    ]
    return " AND ".join(classifiers) or str(said["License"] or "").strip().partition("\n")[0]


# ---- the distribution


def _debs(folder: Path, vendor: str) -> Iterator[Component]:
    index = folder / "Packages"
    text = index.read_text(encoding="utf-8") if index.exists() else ""
    for stanza in text.split("\n\n"):
        said = HeaderParser().parsestr(stanza.lstrip("\n"))
        if not said["Package"]:
            continue
        name, version = said["Package"], said["Version"]
        purl = f"pkg:deb/{vendor}/{name}@{quote(version, safe='')}?arch={said['Architecture']}"
        path = folder / said["Filename"]
        yield _component("library", name, version, purl, _copyright(path, name), path)


def _copyright(path: Path, name: str) -> list[str]:
    """Return the licences that the package's own copyright file names (machine-readable form of Debian, 1.0)."""
    wanted = f"./usr/share/doc/{name}/copyright"
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    text = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacking:  # noqa: S603 - own path
        try:
            with tarfile.open(fileobj=unpacking.stdout, mode="r|") as tar:
                for member in tar:
                    if member.name == wanted and member.isfile() and (file := tar.extractfile(member)):
                        text = file.read().decode("utf-8", errors="replace")
                        break
        finally:
            unpacking.kill()  # the rest of the package is not wanted
    named = sorted({found.strip() for found in re.findall(r"^License: *([^\n]+)", text, re.MULTILINE)})
    return named[:_LICENCES_NAMED] or [f"see /usr/share/doc/{name}/copyright"]


# ---- what was made at set-up


def _npm(text: str) -> Component:
    name, _, version = text.rpartition("@")
    purl = f"pkg:npm/{name.replace('@', '%40')}@{version}"
    return _component("library", name, version, purl, [NPM_LICENCE], None)


def _network(path: Path) -> Component:
    return _component("machine-learning-model", path.stem, "1", f"model:{path.name}", [], path)

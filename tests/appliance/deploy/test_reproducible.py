"""A bundle is made anew, elsewhere, by somebody else, at another time: the same bytes; and what is in it is said."""

import json
import os
import shutil
import subprocess
import tarfile
import zipfile

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from appliance.cli.bundle import set_up
from appliance.deploy import bill, bundle, packages, wheels
from appliance.digests import sha256_of
from tests.running import ROOT

KEY = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


def checkout(source, folder, umask, date):
    """A copy of a checkout as another person has it."""
    before = os.umask(umask)
    try:
        heavy = shutil.ignore_patterns(".*", "node_modules", "build", "tests", "__pycache__", "*.egg-info")
        shutil.copytree(source, folder, ignore=heavy, copy_function=shutil.copyfile)
    finally:
        os.umask(before)
    for path in folder.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
        os.utime(path, (date, date))
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two bundles without what is fetched: two folders, two umasks, two dates, two time zones."""
    nothing, here = tmp_path_factory.mktemp("inputs"), tmp_path_factory.mktemp("checkouts")
    first = checkout(ROOT, here / "a", 0o022, 1_600_000_000)
    sources = {0o022: first, 0o077: checkout(first, here / "elsewhere" / "b", 0o077, 1_650_000_001)}
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for umask, source in sources.items():
            patch.setenv("TZ", "Asia/Tokyo" if umask == 0o077 else "UTC")
            target, before = tmp_path_factory.mktemp("made") / "k.tar", os.umask(umask)
            try:
                report = bundle.create(source, target, KEY, set_up(), print, debs=False, inputs=nothing)
            finally:
                os.umask(before)
            found.append((target, report))
    shutil.rmtree(here)
    return found


def test_the_same_inputs_give_the_same_hash(made):
    assert made[0][1].sha256 == made[1][1].sha256
    assert made[0][1].files > 50


def test_what_browsers_analyse_with_is_in_the_wheel(made):
    """npm's runtime and the networks, as hash by hash their own manifest says."""
    with tarfile.open(made[0][0]) as tar:
        wheel = next(name for name in tar.getnames() if name.endswith(".whl"))
        with zipfile.ZipFile(tar.extractfile(wheel)) as archive:
            names = {name for name in archive.namelist() if name.startswith(wheels.IN_BROWSER)}
    manifest = json.loads((ROOT / wheels.IN_BROWSER / "manifest.json").read_text())
    assert {"ort.wasm.min.mjs", "ort-wasm-simd-threaded.wasm"} < set(manifest["files"])
    assert names >= {f"{wheels.IN_BROWSER}/{manifest['version']}/{name}" for name in manifest["files"]}


def test_a_checkout_that_was_not_set_up_gives_no_bundle(tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "web/static/css", source / "web/static/css")
    (source / "web/__init__.py").touch()
    with pytest.raises(wheels.WheelsFailed, match="make setup"):
        wheels.own(source, tmp_path / "out")


def test_the_bill_fits_cyclonedx_and_has_what_is_needed(made):
    with tarfile.open(made[0][0]) as tar:
        text = tar.extractfile("sbom.json").read().decode()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found = json.loads(text)
    kinds = {one["name"]: one["type"] for one in found["components"]}
    assert kinds["onnxruntime-web"] == "library"
    assert "machine-learning-model" in kinds.values()
    assert found["metadata"]["component"]["name"] == "kustos"


def test_the_bill_names_a_package_of_the_distribution(tmp_path):
    debs = tmp_path / "debs"
    debs.mkdir()
    subprocess.run(["apt-get", "-qq", "download", "nftables"], cwd=debs, check=True, capture_output=True)
    assert packages.index(debs) == 1
    [package] = json.loads(bill.bill(tmp_path, "1", "debian-12", ()))["components"]
    assert package["purl"].startswith("pkg:deb/debian/nftables@")
    assert any("GPL" in one["license"]["name"] for one in package["licenses"])
    assert package["hashes"] == [{"alg": "SHA-256", "content": sha256_of(next(debs.glob("*.deb")))}]

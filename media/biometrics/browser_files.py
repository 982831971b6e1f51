"""What a candidate's browser needs to analyse by itself, put beside the pages' scripts at set-up:

``python -m media.biometrics.browser_files web/static/vendor/analysis``

The runtime comes from npm in a pinned version, checked against its published hash; the networks are those of the
appliance, rewritten for that runtime. ``manifest.json`` names the hash of each file, and for each model that of what
it was made from, which is what findings name. Nothing is downloaded at run time.
"""

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from appliance.errors import ApplianceError
from media.biometrics.five_points import packed, read_five_points
from media.biometrics.licences import TERMS
from media.biometrics.lite_to_onnx import convert
from media.biometrics.model_files import (
    DESCRIPTOR,
    FACE_FULL_RANGE,
    FACE_MESH,
    FACE_SHORT_RANGE,
    FIVE_POINTS,
    IRIS,
    VOICE,
    ModelFile,
)
from media.biometrics.onnx_file import onnx_path
from media.detectors.settings import ALLOWED_BY, AnalysisSettings

LAYOUT: Final = 2
"""Raised when what is written changes."""
RUNTIME: Final = "onnxruntime-web@1.30.0"
"""MIT; the plain WebAssembly build, one thread, which needs no isolation from other origins."""
INTEGRITY: Final = "sha512-q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
MODULE: Final = "ort.wasm.min.mjs"
WASM: Final = "ort-wasm-simd-threaded.wasm"
RUNTIME_FILES: Final = (MODULE, WASM, "ort-wasm-simd-threaded.mjs")
SMALL: Final = 1000
"""Weights of fewer numbers are kept in single precision: they take no room."""


class NotSetUp(ApplianceError):
    """The files for the analysis in the browser cannot be put in place."""


def write(folder: Path) -> bool:
    """Put everything into ``folder``; return whether anything was to be done. Takes 10 s. Raises NotSetUp."""
    stamp = _stamp()
    if _is_written(folder, stamp):
        return False
    with tempfile.TemporaryDirectory() as made:
        fresh = Path(made) / stamp
        fresh.mkdir()
        _runtime(fresh)
        models, sizes = _models(fresh)
        manifest = {
            "version": stamp,
            "runtime": {"module": MODULE, "wasm": WASM},
            "files": {path.name: _file(path) for path in sorted(fresh.iterdir())},
            "models": models,
            "five_points": sizes,
            "settings": settings(),
        }
        _licences(fresh / "licences")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(fresh, folder / stamp)
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
    return True


def _stamp() -> str:
    """Name what the files are made from; it is their folder's name, so that browsers may keep them for long."""
    sources = [RUNTIME, str(LAYOUT), json.dumps(settings(), sort_keys=True), *(file.sha256 for file in _NETWORKS)]
    return hashlib.sha256(" ".join(sources).encode()).hexdigest()[:16]


def _is_written(folder: Path, stamp: str) -> bool:
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return False
    sizes = {name: file["bytes"] for name, file in manifest["files"].items()}
    there = folder / stamp
    whole = all((there / name).is_file() and (there / name).stat().st_size == size for name, size in sizes.items())
    return bool(manifest["version"] == stamp and whole)


def _runtime(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotSetUp("npm is missing; install it (apt-get install npm) and run the set-up again")
    command = [npm, "pack", RUNTIME, "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - a fixed command
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise NotSetUp(f"npm cannot fetch {RUNTIME}: {done.stderr.strip()[-300:]}")
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise NotSetUp(f"{RUNTIME} is not what was published: its hash differs from the pinned one")
    with tarfile.open(archives[0]) as archive:
        for name in RUNTIME_FILES:
            member = archive.extractfile(f"package/dist/{name}")
            if member is None:
                raise NotSetUp(f"{RUNTIME} has no {name}")
            (folder / name).write_bytes(member.read())
    archives[0].unlink()


def _models(folder: Path) -> tuple[dict[str, dict[str, str]], dict[str, int]]:
    """Write the networks; return for each its file and the hash of its source, and the sizes of the five points."""
    contents: list[tuple[ModelFile, str, bytes]] = [
        (file, f"{file.name}.onnx", convert(file.path))
        for file in (FACE_SHORT_RANGE, FACE_FULL_RANGE, FACE_MESH, IRIS)
    ]
    points, sizes = packed(read_five_points(FIVE_POINTS.path))
    contents.append((FIVE_POINTS, f"{FIVE_POINTS.name}.bin", points))
    contents.append((VOICE, VOICE.path.name, VOICE.path.read_bytes()))
    contents.append((DESCRIPTOR, f"{DESCRIPTOR.name}.onnx", halved(onnx_path().read_bytes())))
    for _, name, content in contents:
        (folder / name).write_bytes(content)
    return {file.name: {"file": name, "sha256": file.sha256} for file, name, _ in contents}, sizes


def settings() -> dict[str, Any]:
    """Return the defaults of the analysis, which the page completes by the exam's own wishes as ``for_exam`` does."""
    defaults = AnalysisSettings()
    return {
        "rules": {name: asdict(rule) for name, rule in defaults.rules.items()},
        "disabled": sorted(defaults.disabled),
        "interval": asdict(defaults.interval),
        "thresholds": asdict(defaults.thresholds),
        "gate": asdict(defaults.gate),
        "allowed_by": {flag: sorted(names) for flag, names in ALLOWED_BY.items()},
    }


def halved(content: bytes) -> bytes:
    """The same ONNX network with its weights in half precision, computed in single: half the download."""
    model = onnx.load_from_string(content)
    graph = model.graph
    kept, casts = [], []
    for weights in graph.initializer:
        values = numpy_helper.to_array(weights)
        if values.dtype != np.float32 or values.size < SMALL:
            kept.append(weights)
            continue
        kept.append(numpy_helper.from_array(values.astype(np.float16), f"{weights.name}_half"))
        casts.append(helper.make_node("Cast", [f"{weights.name}_half"], [weights.name], to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:]
    graph.initializer.extend(kept)
    graph.node.extend(nodes)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _file(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _licences(folder: Path) -> None:
    """Keep beside each file under which terms it is passed on."""
    import onnxruntime  # type: ignore[import-untyped]  # noqa: PLC0415 - the same project's texts, of which npm has none

    folder.mkdir()
    texts = Path(onnxruntime.__file__).parent
    for name in ("LICENSE", "ThirdPartyNotices.txt"):
        shutil.copyfile(texts / name, folder / f"onnxruntime-{name}")
    for path in metadata.files("silero-vad") or []:
        if path.name == "LICENSE":
            shutil.copyfile(path.locate(), folder / "silero-vad-LICENSE")
    (folder / "models.txt").write_text("\n".join(_terms()))


_NETWORKS: Final = (FACE_SHORT_RANGE, FACE_FULL_RANGE, FACE_MESH, IRIS, VOICE, FIVE_POINTS, DESCRIPTOR)
_CHANGED: Final = {
    VOICE: "unchanged",
    FIVE_POINTS: "as plain arrays",
    DESCRIPTOR: "as ONNX, weights in half precision",
}


def _terms() -> Iterator[str]:
    """A line for each file: whose it is, under which terms, and what was done to it, which these terms ask to say."""
    for file in _NETWORKS:
        terms, done = TERMS[file], _CHANGED.get(file, "as ONNX, weights unchanged")
        yield f"{file.name}: {terms.makers}, {terms.licence}, {terms.text}; {done}"
    yield ""


def main() -> None:
    """Write into the folder named on the command line."""
    folder = Path(sys.argv[1])
    try:
        if write(folder):
            print(f"{folder}: {sum(path.stat().st_size for path in folder.glob('*/*.*')) / 1e6:.1f} MB")  # noqa: T201
    except ApplianceError as error:
        sys.exit(error.message)


if __name__ == "__main__":
    main()

"""Loads and runs every model of the analysis in a process of its own and says what that took; see test_memory.py."""

import json
import sys
import threading
from collections import Counter
from pathlib import Path

HEAVY = ("onnxruntime", "ai_edge_litert", "dlib")
MIB = 1024 * 1024


def resident():
    """Memory of this process in MiB, now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / MIB


def peak():
    """The most it ever was, in MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def counting(loaded):
    """Count how often each model file is loaded."""
    import ai_edge_litert.interpreter as lite  # noqa: PLC0415
    import onnxruntime  # noqa: PLC0415

    class Session(onnxruntime.InferenceSession):
        def __init__(self, path, *rest, **named):
            loaded[Path(str(path)).name] += 1
            super().__init__(path, *rest, **named)

    class Interpreter(lite.Interpreter):
        def __init__(self, path, *rest, **named):
            loaded[Path(str(path)).name] += 1
            super().__init__(path, *rest, **named)

    onnxruntime.InferenceSession, lite.Interpreter = Session, Interpreter


def sitting(reference):
    """Look at and listen to a candidate for some seconds."""
    import numpy as np  # noqa: PLC0415

    from media.analysis import Analyser  # noqa: PLC0415
    from media.biometrics.faces import face_detector  # noqa: PLC0415
    from media.biometrics.mesh import mesh_network  # noqa: PLC0415
    from media.clips.drawn import portrait  # noqa: PLC0415
    from media.frames.frame import Frame, Sound  # noqa: PLC0415

    random = np.random.default_rng(1)
    analyser = Analyser(reference)
    for number in range(8):
        analyser.feed(Frame(number * 500, portrait(), "camera"))
        analyser.feed(Sound(number * 512, random.normal(0, 0.05, 8192).astype(np.float32), "camera"))
    for face in face_detector().all(portrait()):
        mesh_network().gaze(portrait(), mesh_network().mesh(portrait(), face))


def main():
    import media.tasks  # noqa: F401, PLC0415 - what a worker begins with

    figures = {"loaded_at_start": sorted(name for name in HEAVY if name in sys.modules), "start": resident()}
    loaded = Counter()
    counting(loaded)
    from media.biometrics.photos import check_photo  # noqa: PLC0415
    from media.clips.drawn import portrait, portrait_jpeg  # noqa: PLC0415

    reference = check_photo(portrait_jpeg()).descriptor
    threads = [threading.Thread(target=sitting, args=[reference]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    figures |= {"analysis": resident(), "analysis_peak": peak(), "loaded": dict(loaded)}
    from media.biometrics.documents.read import read  # noqa: PLC0415

    read(portrait())
    figures |= {"with_documents": resident(), "peak": peak(), "loaded_at_end": dict(loaded)}
    sys.stdout.write(json.dumps(figures) + "\n")


if __name__ == "__main__":
    main()

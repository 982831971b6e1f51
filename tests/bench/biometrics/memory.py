"""Memory of a worker with every model loaded, measured in a process of its own."""

import json
import subprocess
import sys

from tests.bench.biometrics.side_by_side import say


def main():
    run = subprocess.run(
        [sys.executable, "-m", "tests.media.biometrics.all_models"], capture_output=True, text=True, check=True
    )
    figures = json.loads(run.stdout)
    say(bench="worker_memory", target_mb=600, **{name: figures[name] for name in sorted(figures)})

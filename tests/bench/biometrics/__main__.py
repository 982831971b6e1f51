"""``make bench-biometrics``: prints JSON lines, each target beside its figure. Nothing here is asserted.

CPU time of this process, or of the worker's; wall time would tell how busy the machine is.
"""

import argparse
import tempfile
from pathlib import Path

from tests.bench import sittings
from tests.bench.biometrics import analysis, memory, search, side_by_side
from tests.running import RunningAppliance


def live(options):
    """A real sitting: WebRTC, media node, tap with sound, worker. See ``cpu_per_sitting`` of the worker.

    ``beyond_idle`` is what the sitting costs: the workers' waiting for jobs of all kinds is there without it, too.
    """
    side_by_side.say(bench="target", what="beyond_idle in cpu_per_sitting of the worker", below=4)
    with tempfile.TemporaryDirectory() as folder:
        appliance = RunningAppliance(Path(folder) / "data")
        try:
            appliance.start(600)  # on a busy machine
            sittings.run(appliance, options.sittings)
        finally:
            appliance.stop()


def recordings(options):
    side_by_side.say(bench="target", what="times_real_time_per_core of biometrics_analysis", at_least=25)
    analysis.main()


PARTS = {
    "faces": lambda options: side_by_side.main(options.frames, options.pairs),
    "recordings": recordings,
    "search": lambda options: search.main(["--count", str(options.templates)]),
    "memory": lambda options: memory.main(),
    "live": live,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", choices=[*PARTS, "all"], nargs="*", default="all")
    parser.add_argument("--frames", type=int, default=20, help="described by both libraries (default %(default)s)")
    parser.add_argument("--pairs", type=int, default=100, help="of LFW, where it is (default %(default)s)")
    parser.add_argument("--templates", type=int, default=1_000_000)
    parser.add_argument("--sittings", type=int, default=1, help="at once, for the live part")
    options = parser.parse_args()
    wanted = PARTS if "all" in options.parts else options.parts
    for part in wanted:
        PARTS[part](options)


main()

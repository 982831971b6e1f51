"""``make bench``: prints JSON lines. Ratios and CPU time of one run on one machine; nothing here is asserted."""

import tempfile
from pathlib import Path

from tests.bench import analysis, sittings, vault
from tests.running import RunningAppliance


def main() -> None:
    analysis.main([])
    vault.main()
    with tempfile.TemporaryDirectory() as folder:
        appliance = RunningAppliance(Path(folder) / "data")
        try:
            sittings.report("start_of_the_appliance", seconds=round(appliance.start(180), 1))
            for count in (1, 4, 8):
                sittings.run(appliance, count)
        finally:
            appliance.stop()


main()

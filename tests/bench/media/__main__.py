"""``make bench-media``: prints JSON lines. Nothing here is asserted.

Per cent are of one core, of the server's process alone. The load shares the machine, so figures of wall time (delays)
are pessimistic when ``loadavg`` is above the number of cores or ``load_late_ms`` is high; CPU time is not.
"""

import argparse

from tests.bench.media import cycles, measure

COUNTS = (8, 16, 32, 64)
COUNTS_WITH_VIEWERS = (8, 16)
COUNT_NAIVE = 8
COUNT_LOSS = 8
CYCLES = 300


def cpu(options: argparse.Namespace) -> None:
    """The node with and without a viewer on each track, and what one writes first beside it."""
    for count in options.sittings or COUNTS:
        measure.report("recorded", **measure.run("node", count, False, options.seconds))
    for count in options.sittings or COUNTS_WITH_VIEWERS:
        measure.report("recorded_and_viewed", **measure.run("node", count, True, options.seconds))
    naive(options)


def naive(options: argparse.Namespace) -> None:
    """The same load on plain webrtcbin ! webmmux ! filesink, and the node's share of its CPU."""
    count = (options.sittings or [COUNT_NAIVE])[0]
    ours = measure.run("node", count, False, options.seconds)
    theirs = measure.run("naive", count, False, options.seconds)
    measure.report("recorded_naively", **theirs)
    ratio = round(ours["cpu_percent_per_sitting"] / theirs["cpu_percent_per_sitting"], 2)
    memory = round(ours["rss_mb_per_sitting"] / theirs["rss_mb_per_sitting"], 2)
    measure.report("node_against_naive", sittings=count, cpu_ratio=ratio, memory_ratio=memory)


def loss(options: argparse.Namespace) -> None:
    """3 % of the packets of both directions are dropped at the publisher's socket."""
    count = (options.sittings or [COUNT_LOSS])[0]
    measure.report("loss_of_3_percent", **measure.run("node", count, False, options.seconds, loss=0.03))


def life(options: argparse.Namespace) -> None:
    """Create, view, record, release, again and again."""
    cycles.run(options.cycles)


PARTS = {"cpu": (cpu,), "naive": (naive,), "loss": (loss,), "cycles": (life,), "all": (cpu, loss, life)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS, nargs="?", default="all")
    parser.add_argument("--sittings", type=int, nargs="*", help="instead of the usual counts")
    parser.add_argument("--seconds", type=float, default=12.0, help="how long to measure (default %(default)s)")
    parser.add_argument("--cycles", type=int, default=CYCLES)
    options = parser.parse_args()
    for part in PARTS[options.part]:
        part(options)


main()

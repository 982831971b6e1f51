"""The live pipeline of a sitting as a picture: who sends what to whom, and where it is broken."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from appliance.diagnostics.report import Step, StepState
from media.checks.facts import SittingFacts, TrackFacts
from media.checks.probe import TrackProbe

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 210, 64, 90, 22, 24
COLOURS: Final = {
    StepState.PASSED: ("#e7f5ec", "#1d7a46"),
    StepState.WARNING: ("#fff4dd", "#9a6400"),
    StepState.FAILED: ("#fde8e8", "#b42318"),
    StepState.SKIPPED: ("#f1f3f5", "#667085"),
}
WORST: Final = (StepState.FAILED, StepState.WARNING, StepState.PASSED, StepState.SKIPPED)


@dataclass(frozen=True, slots=True)
class Box:
    """One thing on the way."""

    column: int
    row: int
    title: str
    lines: tuple[str, ...]
    state: StepState

    @property
    def place(self) -> tuple[int, int]:
        """Return the left upper corner."""
        return MARGIN + self.column * (WIDTH + GAP_X), MARGIN + 30 + self.row * (HEIGHT + GAP_Y)


def draw(facts: SittingFacts, probes: Sequence[tuple[TrackFacts, TrackProbe]], steps: Sequence[Step]) -> str:
    """Return an SVG: the browser, each track's endpoint, and what each feeds."""
    boxes: list[Box] = []
    wires: list[tuple[Box, Box, str, StepState]] = []
    for track, probe in probes:
        row = max((box.row + 1 for box in boxes), default=0)
        _draw_track(boxes, wires, facts, track, probe, steps, row)
    return _svg(f"Sitting {facts.id}", boxes, wires)


def _draw_track(
    boxes: list[Box],
    wires: list[tuple[Box, Box, str, StepState]],
    facts: SittingFacts,
    track: TrackFacts,
    probe: TrackProbe,
    steps: Sequence[Step],
    row: int,
) -> None:
    name = track.track.value

    def state(*keys: str) -> StepState:
        return worst(step for step in steps if step.key in keys and step.scope in {name, ""})

    device = facts.browser.of("page").get(name) if facts.browser is not None else ""
    browser = Box(0, row, f"Browser: {name}", (str(device or ""),), state("socket", "devices"))
    kbps = probe.rate_kbps("video")
    speed = "" if kbps is None else f"{kbps:.0f} kbit/s"
    endpoint = Box(
        1,
        row,
        "WebRtcEndpoint",
        (f"ICE {probe.ice_state or '–'} · DTLS {probe.dtls_state or '–'}",),
        state("publication"),
    )
    after = probe.after.file_bytes if probe.after is not None else None
    size = "" if after is None else f"{after / 2**20:.1f} MB"
    recorder = Box(2, row, "RecorderEndpoint", (probe.recorder_state or "–", size), state("recorder", "file"))
    viewers = Box(2, row + 1, "Viewers", (str(len(probe.watchers)),), state("viewers"))
    boxes += [browser, endpoint, recorder, viewers]
    network = state("ice", "dtls", "flow", "loss")
    wires += [(browser, endpoint, speed, network), (endpoint, recorder, "", state("recorder", "file"))]
    wires.append((endpoint, viewers, "", state("viewers")))
    if name == "camera":  # workers look at nothing else
        tap = Box(2, row + 2, "Worker (RtpEndpoint)", (f"taps: {probe.taps}",), state("tap", "analysis"))
        boxes.append(tap)
        wires.append((endpoint, tap, "", tap.state))


def worst(steps: Iterable[Step]) -> StepState:
    """Return the state to paint a thing with that several steps looked at."""
    found = {step.state for step in steps}
    return next((state for state in WORST if state in found), StepState.SKIPPED)


def _svg(title: str, boxes: Sequence[Box], wires: Sequence[tuple[Box, Box, str, StepState]]) -> str:
    right = max((box.place[0] for box in boxes), default=0) + WIDTH + MARGIN
    bottom = max((box.place[1] for box in boxes), default=0) + HEIGHT + MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{right}" height="{bottom}" viewBox="0 0 {right} {bottom}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{right}" height="{bottom}" fill="#ffffff"/>',
        f'<text x="{MARGIN}" y="{MARGIN + 8}" font-size="16" font-weight="600">{escape(title)}</text>',
        *(_wire(*wire) for wire in wires),
        *(_box(box) for box in boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _box(box: Box) -> str:
    (x, y), (fill, stroke) = box.place, COLOURS[box.state]
    lines = "".join(
        f'<text x="{x + 12}" y="{y + 42 + 16 * index}" fill="#475467">{escape(line)}</text>'
        for index, line in enumerate(line for line in box.lines if line)
    )
    return (
        f'<g><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{fill}" stroke="{stroke}"'
        f' stroke-width="1.5"/><text x="{x + 12}" y="{y + 23}" font-weight="600" fill="#101828">{escape(box.title)}'
        f"</text>{lines}</g>"
    )


def _wire(start: Box, end: Box, label: str, state: StepState) -> str:
    x1, y1 = start.place[0] + WIDTH, start.place[1] + HEIGHT // 2
    x2, y2 = end.place[0], end.place[1] + HEIGHT // 2
    colour = COLOURS[state][1]
    dashes = ' stroke-dasharray="5 5"' if state in {StepState.FAILED, StepState.SKIPPED} else ""
    middle = (x1 + x2) // 2
    text = f'<text x="{x1 + 6}" y="{y1 - 6}" fill="{colour}">{escape(label)}</text>' if label else ""
    return (
        f'<path d="M{x1} {y1} C{middle} {y1} {middle} {y2} {x2 - 8} {y2}" fill="none" stroke="{colour}"'
        f' stroke-width="2"{dashes}/>'
        f'<path d="M{x2 - 9} {y2 - 5} L{x2} {y2} L{x2 - 9} {y2 + 5} Z" fill="{colour}"/>{text}'
    )

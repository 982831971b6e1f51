"""A crowd of synthetic candidates for the demo's wall and for benchmarks."""

import asyncio
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import click

from appliance.cli.database import command_collaborators
from appliance.cli.synthetic_candidate import MakePublisher, OnCandidate, SyntheticCandidate
from appliance.db import unit_of_work
from appliance.errors import ApplianceError
from appliance.services import demo
from media.clips import drawn, files
from media.node.synthetic import Clip, SyntheticPublisher

NAMES = (
    *("Ada Brandt", "Boris Ilyin", "Clara Nowak", "Daniel Okoye", "Elena Petrova", "Felix Haas", "Greta Lind"),
    *("Hugo Marin", "Irina Volkova", "Jonas Weber", "Katya Orlova", "Leo Rossi", "Mila Kovac", "Nils Berg"),
    *("Olga Smirnova", "Paul Novak"),
)
STAGGER_SECONDS = 0.4
"""Between two arrivals: nobody's browsers all start in the same instant, and check-ins cost CPU."""


class Crowd:
    """Synthetic candidates of one appliance."""

    def __init__(self, url: str, exam: str, clip: str | None, data: str | None) -> None:
        """Name the appliance by its address and its data folder, where tokens are signed and clips are kept."""
        self._url, self._exam, self._data = url, exam, data
        self._clips = Path(data or ".data").expanduser().resolve() / "clips"
        self._clip = Path(clip) if clip else None

    async def sit(self, count: int, seconds: float) -> None:
        """Let ``count`` candidates come one after another; leave after ``seconds``, or when all exams are over."""
        click.echo("Drawing clips …")
        candidates = await asyncio.to_thread(self.candidates, count)
        async with asyncio.timeout(seconds or None), asyncio.TaskGroup() as tasks:
            for candidate, name in zip(candidates, _names(), strict=False):
                tasks.create_task(self._one(candidate, name))
                await asyncio.sleep(STAGGER_SECONDS)

    def candidates(self, count: int) -> list[SyntheticCandidate]:
        """Return candidates with a fresh sitting each; their clips are drawn once and kept."""
        self._clips.mkdir(parents=True, exist_ok=True)
        camera = self._clip or _kept(
            self._clips / "camera.webm",
            lambda to: files.write_webm(to, drawn.webcam(), layers=2),  # as the candidate's page asks its browser to
        )
        made = []
        with command_collaborators(self._data) as collaborators:
            for number, name in zip(range(count), _names(), strict=False):
                with unit_of_work(collaborators.session_factory) as session:
                    token = demo.start_token(session, collaborators.vault, self._exam, number, name=name)
                screen = self._screen(number, name)
                make = _publishers(camera, screen)
                made.append(SyntheticCandidate(self._url, "demo", token, drawn.portrait_jpeg(), make))
        return made

    def _screen(self, number: int, name: str) -> Path:
        def write(to: Path) -> None:
            files.write_webm(to, drawn.desktop(name), fps=5, sound=False, bitrate=300_000)

        return _kept(self._clips / f"screen-{number}.webm", write)

    async def _one(self, candidate: SyntheticCandidate, name: str) -> None:
        begin = time.monotonic()
        sitting = asyncio.create_task(candidate.sit())
        try:
            waiting = asyncio.create_task(candidate.started.wait())
            await asyncio.wait({sitting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if candidate.started.is_set():
                click.echo(f"{name}: sitting {candidate.sitting_id} runs after {time.monotonic() - begin:.0f} s")
            await sitting
            click.echo(f"{name}: sitting {candidate.sitting_id} is over")
        except ApplianceError as error:
            click.echo(f"{name}: {error.message}", err=True)
        finally:
            sitting.cancel()
            waiting.cancel()


def _names() -> list[str]:
    return [f"{name} {'I' * lap}".strip() for lap in range(4) for name in NAMES]


def _kept(path: Path, write: Callable[[Path], None]) -> Path:
    if not path.exists():
        unfinished = path.with_suffix(".part.webm")
        write(unfinished)
        unfinished.replace(path)
    return path


def _publishers(camera: Path, screen: Path) -> MakePublisher:
    def make(track: str, on_ice_candidate: OnCandidate) -> SyntheticPublisher:
        if track == "camera":
            return SyntheticPublisher(_clip(camera), on_ice_candidate)
        return SyntheticPublisher(_clip(screen), on_ice_candidate, kinds=("video",))

    return make


@cache
def _clip(path: Path) -> Clip:
    """Hold a clip's packets once, however many candidates play it."""
    return Clip.load(path)

"""Who else looks like this face? Search among all enrolled faces of a company, exact, in one core's milliseconds.

In memory is one byte a number of the *protected* templates (turned by the company's secret), 128 MB for a million
people; the nearest by these are read from the database and compared exactly. What the database says is final: a
template that was revoked a moment ago is never found.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from appliance.db import utcnow
from appliance.errors import TooMany
from appliance.services import templates
from appliance.services.template_protection import SIZE, Protection
from appliance.vault import Vault
from media.biometrics.engine import Descriptor
from media.biometrics.model_files import once

BLOCK: Final = 65_536
"""Rows that are allocated at a time: 8 MiB."""
MAX_ROWS: Final = 2_000_000
"""Of all companies in one process: 290 MB. The company asked longest ago goes first."""
REACH: Final = 0.6
"""Protected numbers lie within ±0.6: each has a deviation of 0.125."""
STEP: Final = 2 * REACH / 255
COARSE: Final = 0.03
"""What rounding to a byte can add to a distance, with room: its deviation is 0.0014."""
SHORTLIST: Final = 48
"""Of each block, by rounded distance; more that are near the limit are hardly ever there."""
OVERLAP: Final = 1000
"""Ids are given before commits: so many before the last one are looked at again."""
BACK: Final = timedelta(minutes=5)
DEAD: Final = 0

STRANGERS: Final = NormalDist(0.791, 0.090)
"""Distances of two people, from 10,878 pairs of LFW (``python -m tests.bench.biometrics.search --lfw``)."""
FALSE_FINDS: Final = 0.05
"""Strangers that one search may find, on average: one search of twenty says yellow for nothing."""
SIMILAR_AT_MOST: Final = 0.5
"""Also among few: nearer than that hardly any two people are."""


def similar_below(count: int) -> float:
    """The distance below which another profile is told: the more there are to find, the nearer it must be."""
    return min(SIMILAR_AT_MOST, STRANGERS.inv_cdf(FALSE_FINDS / max(count, 1)))


@dataclass(frozen=True, slots=True)
class Search:
    """What a search found."""

    searched: int
    """Templates it was held against."""
    below: float
    found: list[templates.Found]
    """One a person, nearest first; never the candidate's own."""


class Gallery:
    """The protected templates of one company, one byte a number. Not thread-safe; ``Galleries`` is."""

    def __init__(self) -> None:
        """Begin empty."""
        self._blocks: list[NDArray[np.uint8]] = []
        self._ids = np.zeros(0, dtype=np.int64)
        self._people = np.zeros(0, dtype=np.int64)
        self.rows = 0
        self.dead = 0

    def __len__(self) -> int:
        """Templates that can be found."""
        return self.rows - self.dead

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(block.nbytes for block in self._blocks) + self._ids.nbytes + self._people.nbytes

    @property
    def last_id(self) -> int:
        """The newest template it knows."""
        return int(self._ids[: self.rows].max(initial=0))

    def add(self, batch: Sequence[templates.Loaded]) -> None:
        """Take templates in."""
        done = 0
        while done < len(batch):
            offset = self.rows % BLOCK
            if offset == 0:
                self._grow()
            part = batch[done : done + BLOCK - offset]
            numbers = np.array([numbers for _, _, numbers in part], dtype=np.float32)
            self._blocks[-1][offset : offset + len(part)] = rounded(numbers)
            self._ids[self.rows : self.rows + len(part)] = [template_id for template_id, _, _ in part]
            self._people[self.rows : self.rows + len(part)] = [person for _, person, _ in part]
            self.rows += len(part)
            done += len(part)

    def unknown(self, ids: NDArray[np.int64]) -> list[int]:
        """Return those of the ids that it has not."""
        known = self._ids[: self.rows]
        return [int(each) for each in ids[~np.isin(ids, known[known >= ids.min(initial=0)])]]

    def forget(self, ids: NDArray[np.int64]) -> None:
        """Let templates not be found any more."""
        places = np.flatnonzero(np.isin(self._ids[: self.rows], ids))
        for place in places:
            block, offset = divmod(int(place), BLOCK)
            self._blocks[block][offset] = 0  # a corner of the space, far from every face
        self._ids[places] = DEAD
        self.dead += len(places)

    def near(self, protected: NDArray[np.float64], below: float, without: int) -> list[int]:
        """Return ids of templates that may be nearer than ``below``, nearest first, without one person's own."""
        asked = rounded(protected.astype(np.float32)[np.newaxis, :])
        limit = ((below + COARSE) / STEP) ** 2
        found: list[tuple[int, int]] = []
        for number, block in enumerate(self._blocks):
            filled = min(BLOCK, self.rows - number * BLOCK)
            count = min(SHORTLIST, filled)
            squares, places = cv2.batchDistance(asked, block[:filled], cv2.CV_32S, normType=cv2.NORM_L2SQR, K=count)
            for square, place in zip(squares[0], places[0], strict=True):
                row = number * BLOCK + int(place)
                if square <= limit and self._ids[row] != DEAD and self._people[row] != without:
                    found.append((int(square), int(self._ids[row])))
        return [template_id for _, template_id in sorted(found)]

    def _grow(self) -> None:
        self._blocks.append(np.zeros((BLOCK, SIZE), dtype=np.uint8))
        more = np.zeros(BLOCK, dtype=np.int64)
        self._ids, self._people = np.concatenate([self._ids, more]), np.concatenate([self._people, more])


class Galleries:
    """The galleries of this process, kept as the database is. Thread-safe: one search or load at a time."""

    def __init__(self, max_rows: int = MAX_ROWS) -> None:
        """Hold at most ``max_rows`` templates of all companies."""
        self._max_rows = max_rows
        self._lock = threading.Lock()
        self._held: OrderedDict[tuple[int, str], tuple[bytes, Gallery, datetime]] = OrderedDict()

    def search(
        self, session: Session, vault: Vault, company_id: int, person: int, descriptor: Descriptor, model_hash: str
    ) -> Search:
        """Find other people of the company who look alike. Raises TooMany for more than this process can hold."""
        protection = templates.protection_of(session, vault, company_id)
        asked = protection.protect(descriptor)
        with self._lock:
            gallery = self._fresh(session, vault, protection, company_id, model_hash)
            below = similar_below(len(gallery))
            ids = gallery.near(asked, below, person)
            count = len(gallery)
        exact = templates.near(session, vault, protection, company_id, model_hash, asked, ids) if ids else []
        nearest: dict[int, templates.Found] = {}
        for each in exact:
            if each.distance < below:
                nearest.setdefault(each.candidate_id, each)
        return Search(count, below, list(nearest.values()))

    @property
    def rows(self) -> int:
        """Templates held."""
        return sum(gallery.rows for _, gallery, _ in self._held.values())

    def _fresh(
        self, session: Session, vault: Vault, protection: Protection, company_id: int, model_hash: str
    ) -> Gallery:
        """Return the company's gallery with what was enrolled and revoked since; loaded anew after a renewal."""
        key, now = (company_id, model_hash), utcnow()
        secret, gallery, looked = self._held.pop(key, (b"", Gallery(), now))
        if secret != protection.secret or gallery.dead > max(BLOCK, len(gallery)):
            gallery = self._loaded(session, vault, protection, company_id, model_hash)
        else:
            gallery.forget(templates.revoked_since(session, company_id, looked - BACK))
            ids = templates.ids_from(session, company_id, model_hash, max(gallery.last_id - OVERLAP, 0))
            for part in _parts(gallery.unknown(ids)):
                for batch in templates.load(session, vault, protection, company_id, model_hash, part):
                    gallery.add(batch)
        self._held[key] = (protection.secret, gallery, now)
        self._make_room(0)
        return gallery

    def _loaded(
        self, session: Session, vault: Vault, protection: Protection, company_id: int, model_hash: str
    ) -> Gallery:
        count = templates.count(session, company_id, model_hash)
        if count > self._max_rows:
            message = f"{count} faces are enrolled, and one process searches {self._max_rows}."
            raise TooMany(message, count=count, most=self._max_rows)
        self._make_room(count)
        gallery = Gallery()
        for batch in templates.load(session, vault, protection, company_id, model_hash):
            gallery.add(batch)
        return gallery

    def _make_room(self, count: int) -> None:
        while len(self._held) > 1 - bool(count) and self.rows + count > self._max_rows:
            self._held.popitem(last=False)


def rounded(numbers: NDArray[np.float32]) -> NDArray[np.uint8]:
    """One byte a number; what lies outside of ±REACH is taken as there."""
    scaled: NDArray[np.float32] = np.clip((numbers + REACH) * (1 / STEP) + 0.5, 0, 255)
    return scaled.astype(np.uint8)


def _parts(ids: list[int]) -> Iterable[list[int]]:
    for begin in range(0, len(ids), templates.BATCH):
        yield ids[begin : begin + templates.BATCH]


@once
def galleries() -> Galleries:
    """The process's own."""
    return Galleries()

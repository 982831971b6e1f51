"""The archive's query in, a page of sittings out."""

import math
from typing import Any

from appliance.errors import BadInput
from appliance.services.reviews import Page
from appliance.vocabulary import SittingState


def states_of(text: str) -> list[SittingState]:
    """Read a comma list of states; raise ``BadInput`` for a word that is none."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = sorted(set(words) - {state.value for state in SittingState})
    if unknown:
        raise BadInput(f"state: {unknown[0]} is not a state of a sitting.", field="state")
    return [SittingState(word) for word in words]


def page_of(found: Page) -> dict[str, Any]:
    """Return one page and how many there are."""
    pages = max(1, math.ceil(found.total / found.page_size))
    return {"sittings": found.sittings, "page": found.page, "pages": pages, "total": found.total}

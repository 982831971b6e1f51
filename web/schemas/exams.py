"""Exams as the organiser changes them."""

from typing import Annotated

from msgspec import Meta

from web.schemas.decoding import Json
from web.schemas.fields import Word


class Weights(Json):
    """What each metric of the trust score weighs, 0 to 10; which metrics there are, the service knows."""

    weights: Annotated[dict[Word, float], Meta(max_length=64)]

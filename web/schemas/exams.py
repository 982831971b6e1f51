"""Exams as the organiser changes them."""

from typing import Annotated

from msgspec import Meta

from appliance.vocabulary import BiometricsMode, IdentityAction
from web.schemas.decoding import Form, Json
from web.schemas.fields import Page, Word


class Weights(Json):
    """What each metric of the trust score weighs, 0 to 10; which metrics there are, the service knows."""

    weights: Annotated[dict[Word, float], Meta(max_length=64)]


class Biometrics(Json):
    """Where faces are measured, what follows on another person, and what the check-in asks for."""

    biometrics: BiometricsMode
    identity_action: IdentityAction
    liveness: bool
    gaze_calibration: bool


class PeopleQuery(Form):
    """A page of who is enrolled."""

    q: Annotated[str, Meta(max_length=200)] = ""
    page: Page = 1


class Revoked(Json):
    """Why a person's templates are made unreadable."""

    reason: Annotated[str, Meta(max_length=500)] = ""


class AttentionSwitched(Json):
    """Whether anything may judge emotion or engagement."""

    on: bool

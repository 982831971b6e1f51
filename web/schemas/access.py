"""Who may see and do what: assignments, grants, approvals, API clients."""

from typing import Annotated

from msgspec import Meta

from appliance.security.permission_map import Permission
from appliance.vocabulary import FourEyesAct, GrantedSight
from web.schemas.decoding import Json
from web.schemas.fields import Comment

Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Ids = Annotated[list[Id], Meta(max_length=500)]


class Assigned(Json):
    """Exactly these members of staff work on it."""

    user_ids: Ids


class Limited(Json):
    """Whether an account reaches only exams it is assigned to."""

    limited: bool


class NewExams(Json):
    """Whether exams that an LMS brings are assigned to all proctors."""

    to_proctors: bool


class FourEyes(Json):
    """Acts that take two people."""

    acts: Annotated[list[FourEyesAct], Meta(max_length=10)]


class Decided(Json):
    """What the second person says."""

    agreed: bool
    reason: Comment


class Granted(Json):
    """Faces or recordings for a ticket; without a sitting those of the whole company."""

    user_id: Id
    ticket: Annotated[str, Meta(min_length=1, max_length=100)]
    sights: Annotated[list[GrantedSight], Meta(min_length=1, max_length=2)]
    hours: Annotated[float, Meta(gt=0, le=24)]
    sitting_id: Id | None = None


class NewApiClient(Json):
    """A program of the customer's; ``exam_ids`` null: the whole company."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    permissions: Annotated[list[Permission], Meta(min_length=1, max_length=50)]
    days: Annotated[int, Meta(ge=1, le=366)]
    exam_ids: Ids | None = None

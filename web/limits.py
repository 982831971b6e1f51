"""Brakes: how often an account and an address may knock at which route. Counted by all processes together."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from appliance.rate_limits import RateLimit, of_address
from web.policy import Side

if TYPE_CHECKING:
    from web.services import Request


@dataclass(frozen=True, slots=True)
class Brake:
    """One limit, and by what it tells askers apart; None: it does not concern this one."""

    limit: RateLimit
    subject: Callable[["Request"], str | None]


def address(request: "Request") -> str:
    """Tell askers apart by where they come from."""
    return of_address(request.client_address)


def account(request: "Request") -> str | None:
    """Tell askers apart by who they are: a member of staff, or the candidate of one sitting."""
    visitor = request.visitor
    return f"{visitor.identity.kind}:{visitor.identity.id}" if visitor else None


def named_account(request: "Request") -> str | None:
    """Tell askers apart by the account they name, whether there is one or not."""
    email = str(getattr(request.body_struct, "email", ""))
    return email.strip().lower() or None


def directory_account(request: "Request") -> str | None:
    """Tell askers apart by the name in a directory that they give."""
    name = str(getattr(request.body_struct, "username", "")).strip().lower()
    return f"{request.matchdict['id']}:{name}" if name else None


def company(request: "Request") -> str:
    """Tell askers apart by the company whose system they say they are."""
    return str(request.matchdict["company"])


# A staff room shares one address; guessing is stopped by the account's limit and its lock-out, whichever comes first.
LOG_IN_ADDRESS: Final = Brake(RateLimit("log_in.address", burst=60, per_second=1), address)
LOG_IN: Final = (
    LOG_IN_ADDRESS,
    Brake(RateLimit("log_in.account", burst=20, per_second=0.2), named_account),
)
# A hall of candidates behind one address starts within a minute.
START: Final = (Brake(RateLimit("start.address", burst=300, per_second=10), address),)
LMS: Final = (
    Brake(RateLimit("lms.address", burst=300, per_second=20), address),
    Brake(RateLimit("lms.company", burst=600, per_second=40), company),
)
OPEN: Final = (Brake(RateLimit("open.address", burst=60, per_second=1), address),)
"""For what anybody may send; a mail is sent or a secret guessed at behind most of it."""
# A photo costs seconds of a core; the proctor may ask for it again some times.
PHOTO: Final = (Brake(RateLimit("photo.account", burst=20, per_second=0.2), account),)
# A challenge sends a batch a second.
CHALLENGE: Final = (Brake(RateLimit("challenge.account", burst=60, per_second=2), account),)
# A chunk is up to 1 MiB: enough for a fast line, not for one page to keep a process busy.
HAND_IN: Final = (Brake(RateLimit("hand_in.account", burst=60, per_second=8), account),)
# A downloading program asks for ranges; a person takes some exports a day.
DOWNLOAD: Final = (Brake(RateLimit("download.account", burst=120, per_second=1), account),)
EXPORT: Final = (Brake(RateLimit("export.account", burst=30, per_second=0.1), account),)
# Six digits: at this pace a guess hits within 90 days at the earliest, and the lock-out comes after the first few.
PROOF: Final = (Brake(RateLimit("proof.account", burst=10, per_second=0.1), account),)

# A directory locks an account after some wrong passwords: strangers must not have it locked by ours.
DIRECTORY: Final = (
    LOG_IN_ADDRESS,
    Brake(RateLimit("directory.account", burst=6, per_second=1 / 300), directory_account),
)
SIGN_ON: Final = (Brake(RateLimit("sign_on.address", burst=60, per_second=1), address),)
SIGN_ON_TEST: Final = (Brake(RateLimit("sign_on_test.account", burst=20, per_second=0.2), account),)

BRAKES: Final[dict[tuple[str, str], tuple[Brake, ...]]] = {
    ("POST", "/login"): LOG_IN,
    ("POST", "/api/v1/login/key"): LOG_IN,
    ("POST", "/api/v1/me/proof"): PROOF,
    ("POST", "/api/v1/me/unlock"): PROOF,
    ("POST", "/api/v1/me/password"): PROOF,
    ("GET", "/sign-on/{id:[0-9]+}/start"): SIGN_ON,
    ("GET", "/sign-on/{id:[0-9]+}/callback"): SIGN_ON,
    ("POST", "/sign-on/{id:[0-9]+}/log-in"): DIRECTORY,
    ("POST", "/sign-on/factor"): SIGN_ON,
    ("POST", "/api/v1/sign-on/providers/{id}/test"): SIGN_ON_TEST,
    ("POST", "/demo/sit"): START,
    ("GET", "/integration/simple/{company}/start/"): START,
    ("POST", "/integration/simple/{company}/start/"): START,
    ("GET", "/api/v2/integration/simple/{company}/sessions/{id}/status/"): LMS,
    ("POST", "/api/v2/integration/simple/{company}/sessions/{id}/finish/"): LMS,
    ("POST", "/api/v1/sitting/photos/{kind:face|document}"): PHOTO,
    ("POST", "/api/v1/sitting/photos/{kind:face|document}/on-device"): PHOTO,
    ("POST", "/api/v1/sitting/challenges/{id}/steps/{step}"): CHALLENGE,
    ("POST", "/api/v1/sitting/hand-ins"): HAND_IN,
    ("PUT", "/api/v1/sitting/hand-ins/{id}/chunks/{n}"): HAND_IN,
    ("POST", "/api/v1/sittings/{id}/exports"): EXPORT,
    ("GET", "/api/v1/exports/{id}/file"): DOWNLOAD,
    ("GET", "/api/v1/support/checks/{id}/bundle"): DOWNLOAD,
    ("POST", "/api/v1/audit/verify"): EXPORT,
    ("GET", "/api/v1/audit/file"): EXPORT,
}
"""Method and pattern of a route -> its brakes. What stands not here has none, but for what ``brakes_of`` says."""


def brakes_of(method: str, pattern: str, side: Side | None) -> tuple[Brake, ...]:
    """Return the brakes of a route; what changes something for anybody has some in any case."""
    method = "GET" if method == "HEAD" else method
    known = BRAKES.get((method, pattern))
    if known is not None:
        return known
    return OPEN if side in {Side.OPEN, Side.LMS} and method != "GET" else ()


def demand(request: "Request") -> None:
    """Count a request; raise ``TooMany`` when it is one too many for its account or its address."""
    for brake in brakes_of(request.method, request.matched_route.pattern, request.side):
        subject = brake.subject(request)
        if subject is not None:
            request.rate_limits.take(brake.limit, subject)

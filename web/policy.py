"""Who asks. Two cookies may live in one browser: candidates' routes read only the one, staff's only the other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum
from typing import Any, Final

from pyramid.security import Allowed, Denied

from appliance.errors import EnrolmentWanted, LinkInvalid, SessionLocked, TokenInvalid
from appliance.models import ApiClient, Exam, LoginSession, Sitting
from appliance.rate_limits import RateLimit, of_address
from appliance.security import cookies, identity, predicates
from appliance.security.permission_map import OPENED_BY, ROLE_PERMISSIONS, Permission
from appliance.security.scopes import scope_of
from appliance.services import accounts, admissions, api_clients, grants
from appliance.vocabulary import GrantedSight, Role, Scope
from web.sealed import once_a_viewing
from web.services import Request

_WHILE_SETTING_UP = frozenset({Permission.ACCOUNT_PROVE, Permission.ACCOUNT_OWN, Permission.ACCOUNT_SECURE})
_BY_ITSELF = frozenset({"/api/v1/live-token", "/api/v1/me/lock"})
"""Routes that a page's script asks for without anybody being there."""
PROGRAM: Final = RateLimit("program.token", burst=300, per_second=10)
"""A program that reads a term's sittings asks some hundred times at once; one that polls has no need of more."""
WRONG_TOKEN: Final = RateLimit("program.address", burst=60, per_second=1)


class Side(Enum):
    """Whose routes these are, and so how an asker is known and what an unsafe method must show."""

    OPEN = "open"
    """Anybody; forms carry the token of the browser's pre-session."""
    CANDIDATE = "candidate"
    """Cookie ``kustos_sitting``; the sitting's CSRF token."""
    STAFF = "staff"
    """Cookie ``kustos_staff``; the log-in session's CSRF token."""
    LMS = "lms"
    """A customer's system, by a JWT in the request itself; no cookie is read, so nothing can be forged with one."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, with what the pages need to know of them."""

    identity: identity.Identity
    csrf_token: str
    session_key: str
    """Names this log-in or sitting among others, for what is counted per viewing."""
    language: str
    email: str = ""
    login_id: int | None = None
    """Of the log-in session; None for candidates and programs."""
    proved_at: datetime | None = None
    """When a second factor was last shown."""
    locked: bool = False
    """Nobody was at the page for a while."""
    wants: tuple[str, ...] = ()
    """Words of ``Wanted``: what must be put in order before anything else."""
    sights: frozenset[GrantedSight] = frozenset()
    """What is open to a support engineer just now, of some sitting."""

    @property
    def permissions(self) -> list[str]:
        """Return the names of what the role may do; a candidate's pages need none."""
        role = self.identity.role
        if role is None:
            return []
        opened = frozenset[Permission]().union(*(OPENED_BY[sight] for sight in self.sights))
        reached = {name for name in ROLE_PERMISSIONS[role] if scope_of(self.identity, name) is not Scope.GRANTED}
        return sorted(reached | (opened & ROLE_PERMISSIONS[role]))


class SecurityPolicy:
    """Pyramid's security policy: cookie -> visitor -> the table of permissions."""

    def identity(self, request: Request) -> Visitor | None:
        """Return who asks, read once a request; raise ``LinkInvalid`` for a candidate's cookie that opens nothing."""
        if request.visitor_if_known is None:
            find = _FINDERS.get(request.side)
            request.visitor_if_known = find(request) if find else None
        return request.visitor_if_known

    def authenticated_userid(self, request: Request) -> str | None:
        """Return a name for logs."""
        visitor = self.identity(request)
        return f"{visitor.identity.kind}:{visitor.identity.id}" if visitor else None

    def permits(self, request: Request, context: Any, permission: Permission) -> Allowed | Denied:
        """Ask the table, and where: the context's sitting if it has one."""
        visitor = self.identity(request)
        if visitor is not None:
            demand_ready(visitor, permission)
        thing = getattr(context, "sitting", None) or getattr(context, "exam", None)
        if visitor is not None and predicates.may(visitor.identity, permission, thing):
            if thing is not None and scope_of(visitor.identity, permission) is Scope.GRANTED:
                _note_grant(request, visitor, permission, thing)
            return Allowed(permission.value)
        return Denied(permission.value)

    def remember(self, request: Request, userid: str, **kw: object) -> list[tuple[str, str]]:
        """Cookies are set by ``set_cookie`` where a log-in or a start succeeds; nothing to add."""
        return []

    def forget(self, request: Request, **kw: object) -> list[tuple[str, str]]:
        """See ``remember``."""
        return []


def demand_ready(visitor: Visitor, permission: Permission) -> None:
    """Raise ``SessionLocked`` or ``EnrolmentWanted`` where a log-in is not open to this just now."""
    if visitor.locked and permission is not Permission.ACCOUNT_PROVE:
        raise SessionLocked
    if visitor.wants and permission not in _WHILE_SETTING_UP:
        raise EnrolmentWanted(wants=list(visitor.wants))


def _note_grant(request: Request, visitor: Visitor, permission: Permission, thing: Sitting | Exam) -> None:
    """Write down under which ticket a support engineer sees this, once a viewing."""
    if not isinstance(thing, Sitting):
        return

    row = grants.in_use(request.db, visitor.identity, permission, thing)
    if row is not None:
        what = ("grant", f"{row.id} {permission} {thing.id}")
        who = visitor.identity
        once_a_viewing(request, what, lambda: grants.note_use(request.db, who, row, permission, thing))


def find_staff(request: Request) -> Visitor | None:
    """Return the member of staff whose log-in this browser holds."""
    bearer = _bearer(request)
    if bearer is not None:
        return _find_program(request, bearer)
    token = read_cookie(request, cookies.STAFF_COOKIE)
    found = accounts.session_by_token(request.db, token, request.settings) if token else None
    if found is not None and _by_a_person(request):
        accounts.note_activity(found)
    if found is None:
        return None
    visitor = staff_visitor(found, request.client_address)
    if visitor.identity.role is Role.SUPPORT:
        return replace(visitor, sights=grants.sights_of(request.db, visitor.identity))
    return visitor


def _find_program(request: Request, token: str) -> Visitor:
    """Return the program behind a token; raise ``TokenInvalid``, or ``TooMany`` before anything is done for it."""
    request.rate_limits.take(PROGRAM, token)
    try:
        return api_visitor(api_clients.by_token(request.db, token, request.client_address), request.client_address)
    except TokenInvalid:
        request.rate_limits.take(WRONG_TOKEN, of_address(request.client_address))
        raise


def _by_a_person(request: Request) -> bool:
    """Say whether somebody is there: opened a page or did something, rather than a page that asks by itself."""
    if request.matched_route is not None and request.matched_route.name in _BY_ITSELF:
        return False
    return request.method not in {"GET", "HEAD"} or not request.is_api


def _bearer(request: Request) -> str | None:
    """Return the token of a program that calls the REST API; pages are for people."""
    scheme, _, token = request.headers.get("Authorization", "").strip().partition(" ")
    return token.strip() if request.is_api and scheme.lower() == "bearer" else None


def api_visitor(client: ApiClient, address: str) -> Visitor:
    """Return the visitor that a customer's program is; no form and no cookie carries anything of it."""
    return Visitor(identity.of_api_client(client, address), "", f"api:{client.id}", "en")


def staff_visitor(session: LoginSession, address: str) -> Visitor:
    """Return the visitor behind a log-in session."""
    user = session.user
    who = identity.of_user(user, address)
    return Visitor(
        who,
        session.csrf_token,
        f"login:{session.id}",
        user.language,
        user.email,
        session.id,
        session.proved_at,
        session.locked_at is not None,
        tuple(session.wants),
    )


def _candidate(request: Request) -> Visitor:
    cookie = cookies.read_sitting_cookie(read_cookie(request, cookies.SITTING_COOKIE))
    if cookie is None:
        raise LinkInvalid("No exam is open in this browser; please open the exam from your course.")
    sitting = admissions.sitting_by_token(request.db, cookie.sitting_id, cookie.token)
    return candidate_visitor(sitting, request.client_address)


def candidate_visitor(sitting: Sitting, address: str) -> Visitor:
    """Return the visitor that a sitting's candidate is."""
    who = identity.of_candidate(sitting, address)
    return Visitor(who, sitting.csrf_token, f"sitting:{sitting.id}", sitting.language)


_FINDERS: dict[Side | None, Callable[[Request], Visitor | None]] = {
    Side.STAFF: find_staff,
    Side.CANDIDATE: _candidate,
}


def read_cookie(request: Request, name: str) -> str:
    """Return a cookie that ``set_cookie`` has set; empty if there is none."""
    return str(request.cookies.get(cookies.name_on(request.scheme, name), ""))


def set_cookie(request: Request, response: Any, name: str, value: str, max_age: int | None = None) -> None:
    """Set a cookie that no script reads and no other site's request carries."""
    secure = request.scheme == "https"
    name = cookies.name_on(request.scheme, name)
    response.set_cookie(name, value, max_age=max_age, path="/", httponly=True, samesite="Lax", secure=secure)


def delete_cookie(request: Request, response: Any, name: str) -> None:
    """Take a cookie away."""
    set_cookie(request, response, name, "", max_age=0)

"""One's own account, one-time links, fresh proofs, the idle lock, and what administrators do to colleagues."""

from datetime import timedelta

import pyotp
import pytest
from sqlalchemy import select

from appliance.db import utcnow
from appliance.models import AuditEntry, Company, LoginSession, User
from appliance.services import break_glass, companies
from appliance.vault import row_secrets
from appliance.vocabulary import Role
from tests.factories import PASSWORD
from tests.web.conftest import TOTP_SECRET, csrf_of

CHOSEN = "heron lantern pocket glacier"


def token_of(url):
    assert "/join#" in url
    return url.partition("#")[2]


def pre_token(browser):
    """What an open page's script sends."""
    page = browser.get("/join")
    browser.csrf = __import__("json").loads(page.html.find(id="page-data").string)["csrf"]
    return browser


def login_of(session, user=None):
    session.expire_all()
    query = select(LoginSession).where(LoginSession.ended_at.is_(None))
    if user is not None:
        query = query.where(LoginSession.user_id == user.id)
    return session.scalars(query.order_by(LoginSession.id.desc())).first()


def backdate(session, user=None, **minutes):
    """Let something of the open log-in have happened so many minutes ago."""
    login = login_of(session, user)
    for name, ago in minutes.items():
        setattr(login, name, utcnow() - timedelta(minutes=ago))
    session.commit()


def test_somebody_invited_chooses_everything_and_lands_where_their_work_is(staff, open_browser, session):
    admin = staff(Role.ADMIN)
    body = {"email": "New@Example.org", "name": "Nora New", "role": "auditor"}
    made = admin.post_ok("/api/v1/staff", body)
    assert admin.code_of("/api/v1/staff", body) == "bad_input"
    assert made["link"]["kind"] == "invitation" and "password" not in str(made) and "secret" not in str(made)
    token = token_of(made["link"]["url"])
    (row,) = [person for person in admin.get("/api/v1/staff").json["people"] if person["email"] == "new@example.org"]
    assert row["invited"] and row["second_factors"] == []

    nora = pre_token(open_browser())
    told = nora.post_ok("/api/v1/join", {"token": token})
    assert (told["name"], told["kind"], told["rules"]["min_length"]) == ("Nora New", "invitation", 12)
    refused = nora.post_ok("/api/v1/join/accept", {"token": token, "password": "password12345"}, 400)
    assert refused["error"]["details"]["reason"] == "guessable"
    assert nora.post_ok("/api/v1/join/accept", {"token": token, "password": CHOSEN}) == {"next": "/account"}
    assert nora.post_ok("/api/v1/join", {"token": token}, 410)["error"]["code"] == "account_link_invalid"

    user = session.scalars(select(User).where(User.email == "new@example.org")).one()
    nora.csrf = csrf_of(session, user)
    assert nora.get("/audit", status=303).location.endswith("/account?next=/audit")
    assert nora.get("/api/v1/audit", status=403).json["error"]["code"] == "enrolment_wanted"
    assert nora.get("/api/v1/me").json["wants"] == ["second_factor"]
    pending = nora.post_ok("/api/v1/me/authenticator")
    assert pending["svg"].startswith("data:image/svg+xml") and pending["secret"] in pending["uri"]
    wrong = nora.post_ok("/api/v1/me/authenticator/confirm", {"pending": pending["pending"], "code": "12"}, 400)
    assert wrong["error"]["details"]["reason"] == "code"
    code = pyotp.TOTP(pending["secret"]).now()
    account = nora.post_ok("/api/v1/me/authenticator/confirm", {"pending": pending["pending"], "code": code})
    assert account["wants"] == [] and len(account["codes"]) == 10 and account["recovery_codes_left"] == 10
    assert nora.get("/audit", status=200)

    again = open_browser()
    form = again.get("/login").forms[0]
    form["email"], form["password"], form["code"] = "new@example.org", CHOSEN, account["codes"][3].lower()
    assert form.submit(status=303).location.endswith("/audit")
    form = open_browser().get("/login").forms[0]
    form["email"], form["password"], form["code"] = "new@example.org", CHOSEN, account["codes"][3]
    form.submit(status=401)


def test_a_password_alone_opens_nothing_where_no_second_factor_was_set_up(staff, open_browser, session):
    admin = staff(Role.ADMIN)
    made = admin.post_ok("/api/v1/staff", {"email": "half@example.org", "name": "Half", "role": "admin"})
    half = pre_token(open_browser())
    half.post_ok("/api/v1/join/accept", {"token": token_of(made["link"]["url"]), "password": CHOSEN})
    form = open_browser().get("/login").forms[0]
    form["email"], form["password"], form["code"] = "half@example.org", CHOSEN, "000000"
    form.submit(status=401)


def test_a_link_is_void_once_another_was_made_and_when_it_expired(staff, open_browser, session, make):
    admin, colleague = staff(Role.ADMIN), make.user(Role.PROCTOR)
    session.commit()
    path = f"/api/v1/staff/{colleague.id}/link"
    first = token_of(admin.post_ok(path, {"kind": "password"})["link"]["url"])
    second = token_of(admin.post_ok(path, {"kind": "password"})["link"]["url"])
    anybody = pre_token(open_browser())
    for token in (first, "nonsense"):
        assert anybody.post_ok("/api/v1/join", {"token": token}, 410)
    session.connection().exec_driver_sql("UPDATE account_link SET expires_at = now() WHERE used_at IS NULL")
    session.commit()
    expired = anybody.post_ok("/api/v1/join/accept", {"token": second, "password": CHOSEN}, 410)
    assert expired["error"]["details"]["reason"] == "expired"
    assert admin.code_of(path, {"kind": "invitation"}) == "bad_input"  # in already


def test_a_new_password_by_link_leaves_the_second_factor_and_ends_log_ins(staff, open_browser, session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    proctor, admin = staff(user=user), staff(Role.ADMIN)
    token = token_of(admin.post_ok(f"/api/v1/staff/{user.id}/link", {"kind": "password"})["link"]["url"])
    proctor.get("/api/v1/room", status=200)  # until it is followed nothing changes
    anybody = pre_token(open_browser())
    again = anybody.post_ok("/api/v1/join/accept", {"token": token, "password": PASSWORD}, 400)
    assert again["error"]["details"]["reason"] == "used"
    assert anybody.post_ok("/api/v1/join/accept", {"token": token, "password": CHOSEN}) == {"next": "/login"}
    proctor.get("/api/v1/room", status=401)
    session.expire_all()
    assert session.get(User, user.id).totp_secret is not None


def test_starting_over_takes_everything_away_at_once(staff, session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    proctor, admin = staff(user=user), staff(Role.ADMIN)
    admin.post_ok(f"/api/v1/staff/{user.id}/link", {"kind": "everything"})
    proctor.get("/api/v1/room", status=401)
    session.expire_all()
    again = session.get(User, user.id)
    assert again.totp_secret is None and again.password_hash is None


def test_a_dangerous_act_wants_a_second_factor_shown_lately(staff, session, make, settings):
    admin, colleague = staff(Role.ADMIN), make.user(Role.PROCTOR)
    backdate(session, proved_at=settings.proof_minutes)
    path = f"/api/v1/staff/{colleague.id}/disable"
    assert admin.code_of(path, status=403) == "proof_wanted"
    ways = admin.post_ok("/api/v1/me/proof/options")
    assert ways["code"] and ways["authenticator"] and ways["key"] is None
    assert admin.code_of("/api/v1/me/proof", {"code": "000000"}, 401) == "login_refused"
    assert admin.code_of(path, status=403) == "proof_wanted"
    session.connection().exec_driver_sql('UPDATE "user" SET totp_last_step = 0')
    session.commit()
    assert admin.post_ok("/api/v1/me/proof", {"code": pyotp.TOTP(TOTP_SECRET).now()})["until_ms"]
    admin.post_ok(path)
    assert admin.get("/api/v1/staff").json  # reading needs none
    actions = [(row.action, row.result) for row in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert ("user.prove", "refused") in actions and ("user.prove", "success") in actions


def test_guessing_codes_for_a_proof_locks_the_account(staff, session, settings):
    admin = staff(Role.ADMIN)
    for _ in range(settings.login_attempts):
        assert admin.code_of("/api/v1/me/proof", {"code": "000000"}, 401) == "login_refused"
    assert admin.code_of("/api/v1/me/proof", {"code": pyotp.TOTP(TOTP_SECRET).now()}, 423) == "locked_out"


def test_a_page_that_nobody_touched_is_locked_until_somebody_shows_who_they_are(staff, session, settings):
    admin = staff(Role.ADMIN)
    backdate(session, active_at=settings.lock_minutes)
    assert admin.get("/api/v1/staff", status=423).json["error"]["code"] == "session_locked"
    assert admin.get("/staff?x=1", status=303).location.endswith("/locked?next=/staff%3Fx%3D1")
    assert "locked" in admin.get("/locked").text
    assert admin.code_of("/api/v1/me/active", status=423) == "session_locked"
    assert admin.code_of("/api/v1/me/unlock", {}, 400) == "bad_input"
    assert admin.code_of("/api/v1/me/unlock", {"password": "wrong"}, 401) == "login_refused"
    backdate(session, proved_at=60)
    admin.post_ok("/api/v1/me/unlock", {"password": PASSWORD})
    admin.get("/api/v1/staff", status=200)
    assert admin.code_of("/api/v1/staff", {"email": "a@b.c", "name": "A", "role": "proctor"}, 403) == "proof_wanted"


def test_pages_that_ask_by_themselves_do_not_keep_a_log_in_awake(staff, session, settings):
    proctor = staff(Role.PROCTOR)
    backdate(session, active_at=settings.lock_minutes - 1)
    before = login_of(session).active_at
    proctor.get("/api/v1/room", status=200)
    proctor.post_ok("/api/v1/live-token")
    assert login_of(session).active_at == before
    proctor.get("/room", status=200)
    assert login_of(session).active_at > before


def test_a_person_locks_their_own_page(staff):
    proctor = staff(Role.PROCTOR)
    proctor.post_ok("/api/v1/me/lock", {"why": "asked"})
    proctor.get("/api/v1/room", status=423)
    proctor.post("/logout", {"csrf_token": proctor.csrf}, status=303)


def test_the_list_of_log_ins_ends_what_one_does_not_know(staff, session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    here, there, elsewhere = staff(user=user), staff(user=user), staff(user=user)
    stranger = staff(Role.PROCTOR)
    (current, *_) = rows = here.get("/api/v1/me").json["sessions"]
    here.csrf = session.scalars(select(LoginSession.csrf_token).where(LoginSession.id == rows[-1]["id"])).one()
    assert len(rows) == 3 and [row["current"] for row in rows] == [False, False, True]
    foreign = login_of(session).id
    assert here.code_of(f"/api/v1/me/sessions/{foreign}/end", status=404) == "not_found"
    left = here.post_ok(f"/api/v1/me/sessions/{current['id']}/end")["sessions"]
    assert len(left) == 2
    elsewhere.get("/api/v1/room", status=401)
    assert len(here.post_ok("/api/v1/me/sessions/end-others")["sessions"]) == 1
    there.get("/api/v1/room", status=401)
    here.get("/api/v1/room", status=200)
    stranger.get("/api/v1/room", status=200)


def test_a_changed_password_is_good_new_and_ends_other_log_ins(staff, session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    other, here = staff(user=user), staff(user=user)
    path = "/api/v1/me/password"
    assert here.code_of(path, {"current": "wrong", "password": CHOSEN}, 401) == "login_refused"
    for bad, reason in [("short", "length"), ("qwertyuiop123", "guessable"), (PASSWORD, "used")]:
        refused = here.post_ok(path, {"current": PASSWORD, "password": bad}, 400)
        assert refused["error"]["details"]["reason"] == reason
    here.post_ok(path, {"current": PASSWORD, "password": CHOSEN})
    other.get("/api/v1/room", status=401)
    back = here.post_ok(path, {"current": CHOSEN, "password": PASSWORD}, 400)
    assert back["error"]["details"]["reason"] == "used"


def test_the_russian_profile_wants_another_password_after_90_days(staff, session, make):
    company = make.company(profile="ru")
    user = make.user(Role.ADMIN, company=company, totp_secret=TOTP_SECRET)
    user.password_changed_at = utcnow() - timedelta(days=90)
    admin = staff(user=user)
    assert admin.get("/staff", status=303).location.endswith("/account?next=/staff")
    assert admin.get("/api/v1/me").json["wants"] == ["password"]
    assert admin.post_ok("/api/v1/me/password", {"current": PASSWORD, "password": CHOSEN})["wants"] == []
    admin.get("/staff", status=200)


def test_new_recovery_codes_void_the_old_ones(staff, session):
    proctor = staff(Role.PROCTOR)
    first, second = (proctor.post_ok("/api/v1/me/recovery-codes") for _ in range(2))
    assert second["recovery_codes_left"] == 10 and not set(first["codes"]) & set(second["codes"])
    kept = session.connection().exec_driver_sql("SELECT string_agg(code_hash, ',') FROM recovery_code").scalar()
    assert second["codes"][0] not in kept and second["codes"][0].replace("-", "") not in kept


def test_the_authenticator_cannot_be_the_last_to_go(staff):
    refused = staff(Role.PROCTOR).delete(
        "/api/v1/me/authenticator", headers={"X-CSRF-Token": "x"}, status=403
    )  # the token first
    assert refused.json["error"]["code"] == "csrf"
    proctor = staff(Role.PROCTOR)
    answer = proctor.delete("/api/v1/me/authenticator", headers={"X-CSRF-Token": proctor.csrf}, status=400)
    assert answer.json["error"]["details"]["reason"] == "last"


def test_administrators_disable_enable_unlock_and_change_roles(staff, session, make):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET)
    proctor, admin = staff(user=user), staff(Role.ADMIN)
    base = f"/api/v1/staff/{user.id}"
    admin.post_ok(f"{base}/role", {"role": "reviewer"})
    proctor.get("/api/v1/room", status=401)
    admin.post_ok(f"{base}/disable")
    assert admin.post_ok(f"{base}/link", {"kind": "password"}, 400)["error"]["details"]["reason"] == "disabled"
    admin.post_ok(f"{base}/enable")
    session.connection().exec_driver_sql("UPDATE \"user\" SET locked_until = now() + interval '1 h'")
    session.commit()
    admin.post_ok(f"{base}/unlock")
    staff(user=user).get("/api/v1/sittings", status=200)
    assert admin.post_ok(f"{base}/end-sessions") == {"ended": 1}
    actions = session.scalars(select(AuditEntry.action).where(AuditEntry.subject_id == str(user.id))).all()
    for action in ("change_role", "disable", "enable", "unlock_account", "session_end"):
        assert f"user.{action}" in actions


def test_nobody_closes_their_own_or_the_last_administrators_account(staff, session, make):
    user = make.user(Role.ADMIN, totp_secret=TOTP_SECRET)
    admin = staff(user=user)
    refused = admin.post_ok(f"/api/v1/staff/{user.id}/disable", {}, 400)
    assert refused["error"]["details"]["reason"] == "own"
    second = make.user(Role.ADMIN)
    session.commit()
    admin.post_ok(f"/api/v1/staff/{second.id}/role", {"role": "proctor"})
    assert admin.post_ok(f"/api/v1/staff/{user.id}/role", {"role": "proctor"}, 400)


def test_a_stranger_learns_nothing_from_asking_for_keys(browser, session, make):
    user = make.user(Role.PROCTOR)
    session.commit()
    browser.extra_environ["HTTP_HOST"] = "localhost:8080"
    pre_token(browser)
    ask = lambda email: browser.post_ok("/api/v1/login/key", {"email": email})["options"]  # noqa: E731
    known, unknown, again = ask(user.email), ask("nobody@example.org"), ask("nobody@example.org ")
    assert len(known["allowCredentials"]) == len(unknown["allowCredentials"]) == 5
    assert unknown["allowCredentials"] == again["allowCredentials"] and unknown["challenge"] != again["challenge"]
    browser.extra_environ["HTTP_HOST"] = "192.0.2.1:8080"
    pre_token(browser)
    assert browser.code_of("/api/v1/login/key", {"email": user.email}) == "bad_input"


@pytest.mark.parametrize(
    "answer", ["x", "{}", "[]", "[[[[", '{"id": 1, "response": {"clientDataJSON": "e30"}}', "1" * 70_000]
)
def test_a_wrong_key_answer_is_refused_like_a_wrong_code(browser, session, make, answer):
    user = make.user(Role.PROCTOR)
    session.commit()
    browser.extra_environ["HTTP_HOST"] = "localhost:8080"
    form = browser.get("/login").forms[0]
    form["email"], form["password"], form["code"], form["key"] = user.email, PASSWORD, "", answer
    assert form.submit(status="*").status_int in {400, 401}


def test_a_use_of_the_emergency_account_is_seen_by_security_officers(staff, open_browser, session, make, settings):
    envelope = break_glass.seal(session, make.actor(), make.first_company())
    session.commit()
    form = open_browser().get("/login").forms[0]
    form["email"], form["password"], form["code"] = envelope.email, envelope.password, envelope.codes[0]
    assert form.submit(status=303).location.endswith("/room")
    officer = staff(Role.SECURITY_OFFICER)
    (notice,) = officer.get("/api/v1/notices").json["notices"]
    assert notice["kind"] == "break_glass" and notice["details"] == {"address": "192.0.2.7", "codes_left": 4}
    staff(Role.PROCTOR).get("/api/v1/notices", status=403)
    assert officer.post_ok(f"/api/v1/notices/{notice['id']}/note") == {"notices": []}
    actions = session.scalars(select(AuditEntry.action)).all()
    assert "user.break_glass_use" in actions and "notice.note" in actions
    sealed = break_glass.seal(session, make.actor(), make.first_company())  # what the old envelope says is void
    session.commit()
    assert sealed.email == envelope.email and sealed.password != envelope.password
    form = open_browser().get("/login").forms[0]
    form["email"], form["password"], form["code"] = envelope.email, envelope.password, envelope.codes[1]
    form.submit(status=401)


def test_the_first_company_has_its_own_staff(session, vault, make):
    company, secret = companies.create(session, make.actor(), vault, "north", "North University", "eu")
    assert row_secrets.read(vault, company, Company.integration_secret).decode() == secret
    assert companies.by_slug(session, "north") is company
    for slug, profile in [("north", "eu"), ("No!", "eu"), ("south", "xx")]:
        with pytest.raises(Exception, match=r"short name|company north|profiles"):
            companies.create(session, make.actor(), vault, slug, "South", profile)

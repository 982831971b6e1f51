"""A whole appliance is worked with, well and badly; then every secret used is looked for in all that it wrote."""

import json

import httpx
import pyotp

from tests.e2e.applicant import START, Applicant, start_token
from tests.running import RunningAppliance

WRONG = "wrong-horse-battery-4711"
TURN = "turn-static-auth-secret-4711"
NEW = "a-quite-new-password-of-4711-words"


def log_in(appliance, role, password=None, code=None):
    """A browser at the log-in; its answer, and the CSRF token of the form."""
    account = appliance.account(role)
    browser = httpx.Client(base_url=appliance.origin, trust_env=False, timeout=30)
    page = browser.get("/login").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    form = {"email": account["email"], "password": password or account["password"], "csrf_token": token}
    form["code"] = code or appliance.code(role)
    return browser, browser.post("/login", data=form), token


def csrf_of(appliance, email):
    statement = (
        'SELECT csrf_token FROM login_session s JOIN "user" u ON u.id = s.user_id'
        " WHERE email = :email ORDER BY s.id DESC LIMIT 1"
    )
    return appliance.row(statement, email=email)[0]


def work(appliance: RunningAppliance):
    """Do what uses secrets, right and wrong; return them by name, and the answers that must not show them."""
    secrets, errors = {"wrong password": WRONG, "TURN": TURN, "new password": NEW}, []
    _, refused, form_token = log_in(appliance, "admin", WRONG, "000000")
    errors.append(refused.text.replace(form_token, ""))  # the form again, with its own token
    secrets["form token"] = form_token
    browser, entered, _ = log_in(appliance, "admin")
    assert entered.status_code == 303, entered.text
    account = appliance.account("admin")
    csrf = csrf_of(appliance, account["email"])
    secrets |= {"password": account["password"], "TOTP": account["totp_secret"], "csrf": csrf}
    secrets["staff cookie"] = browser.cookies["kustos_staff"]
    browser.headers["X-CSRF-Token"] = csrf
    network = {"ice_policy": "all", "stun_urls": [], "turn_urls": ["turn:turn.example:3478"], "turn_secret": TURN}
    assert browser.post("/api/v1/network", json=network).status_code == 200
    secrets["live token"] = browser.post("/api/v1/live-token", json={}).json()["token"]
    wrong = {"current": WRONG, "password": NEW, "code": pyotp.TOTP(account["totp_secret"]).now()}
    for path, body in (
        ("/api/v1/me/password", wrong),
        ("/api/v1/me/proof", {"code": "123456"}),
        ("/api/v1/me/password", {"password": [WRONG, NEW]}),
        ("/api/v1/staff", {"password": NEW, "email": WRONG}),
        ("/api/v1/sittings/0/start", {"token": TURN}),
    ):
        errors.append(browser.post(path, json=body).text)
    errors.append(browser.get(f"/nowhere/?token={TURN}").text.replace(TURN, "", 99))  # the page names its own address
    good, forged = start_token(appliance), start_token(appliance, secret=b"x" * 40)
    secrets |= {"LMS token": good.split(".")[2], "forged token": forged.split(".")[2]}
    outside = httpx.Client(base_url=appliance.origin, trust_env=False, timeout=30)
    errors += [outside.post(START, data={"token": token}).text for token in (forged, good[:-4], good + "x")]
    assert outside.post(START, data={"token": good}).status_code == 303
    secrets["sitting cookie"] = outside.cookies["kustos_sitting"].strip('"').partition(".")[2]
    status = "/api/v2/integration/simple/demo/sessions/none/status/"
    errors.append(outside.get(status, headers={"Authorization": f"JWT {forged}"}).text)
    applicant = Applicant(appliance)
    secrets["sitting csrf"] = applicant.state["csrf"]
    with applicant.socket(hello=False) as socket:
        socket.send(json.dumps({"type": "hello", "token": secrets["live token"] + "x"}))
        errors.append(socket.recv(timeout=10))
    with applicant.socket() as socket:
        socket.send("{" + WRONG)
        socket.recv(timeout=10)
    for command in (("compliance", "report"), ("compliance", "settings"), ("audit", "verify")):
        done = appliance.kustos(*command)
        errors.append(done.stdout + done.stderr)
    return secrets, errors


def test_no_secret_is_in_any_log_audit_row_or_error_page(tmp_path):
    appliance = RunningAppliance(tmp_path / "data")
    appliance.start()
    try:
        secrets, errors = work(appliance)
        audit = "\n".join(str(row[0]) for row in appliance.rows("SELECT to_jsonb(a)::text FROM audit_entry a"))
        events = "\n".join(str(row[0]) for row in appliance.rows("SELECT payload::text FROM live_event"))
        jobs = "\n".join(str(row[0]) for row in appliance.rows("SELECT args::text FROM procrastinate_jobs"))
    finally:
        appliance.stop()
    settings = (appliance.data / "kustos.toml").read_text()
    secrets["secret_key"] = settings.split('secret_key = "')[1].split('"')[0]
    written = {
        file.name: file.read_text(errors="replace")
        for folder in (appliance.data / "logs", appliance.data / "run")
        for file in folder.rglob("*")
        if file.is_file() and file.suffix in {".log", ".out", ".err", ".txt"}
    }
    assert {"web", "gateway", "worker"} <= {name.partition("_")[0] for name in written}, sorted(written)
    written |= {"audit": audit, "events": events, "jobs": jobs, "answers": "\n".join(errors)}
    assert "user.log_in" in audit and len(secrets) > 12
    found = [
        f"{name} in {place}" for place, text in written.items() for name, secret in secrets.items() if secret in text
    ]
    assert not found

"""How people and courses come in: pages that anybody may open, and the calls of an LMS."""

from typing import Final

from web.schemas import accounts, integration
from web.schemas import sign_on as via
from web.url_map.row import OPEN, Row
from web.views import demo, lms, log_in, open, sign_on

LOG_IN: Final = "staff/login.html"
FACTOR: Final = "staff/second_factor.html"

ENTRANCE: Final[list[Row]] = [
    Row("GET", "/", OPEN, open.home, name="home"),
    Row("GET", "/healthz", OPEN, open.health),
    Row("GET", "/i18n/{lang}.json", OPEN, open.catalogue),
    Row("GET", "/login", OPEN, log_in.form, accounts.NextPage, name="login", template="staff/login.html"),
    Row("POST", "/login", OPEN, log_in.log_in, accounts.LogIn, name="login", template="staff/login.html"),
    Row("POST", "/api/v1/login/key", OPEN, log_in.key_options, accounts.WhoseKey),
    Row("GET", "/join", OPEN, log_in.join, name="join", template="staff/join.html"),
    Row("POST", "/api/v1/join", OPEN, log_in.link, accounts.OneTimeLink),
    Row("POST", "/api/v1/join/accept", OPEN, log_in.accept, accounts.LinkFollowed),
    # single sign-on
    Row("GET", "/sign-on/{id:[0-9]+}/start", OPEN, sign_on.start, via.Start, None, "sign_on.start", LOG_IN),
    Row("GET", "/sign-on/{id:[0-9]+}/callback", OPEN, sign_on.callback, via.Callback, template=LOG_IN),
    Row("POST", "/sign-on/{id:[0-9]+}/log-in", OPEN, sign_on.log_in, via.DirectoryLogIn, template=LOG_IN),
    Row("GET", "/sign-on/factor", OPEN, sign_on.factor, None, None, "sign_on.factor", FACTOR),
    Row("POST", "/sign-on/factor", OPEN, sign_on.show_factor, via.FactorShown, None, "sign_on.factor", FACTOR),
    Row("GET", "/demo", OPEN, demo.page, name="demo", template="demo.html"),
    Row("GET", "/demo/codes", OPEN, demo.codes, name="demo.codes"),
    Row("POST", "/demo/sit", OPEN, demo.sit, accounts.DemoSitting),
]
"""Open pages; each view checks what it is given."""

LMS: Final[list[Row]] = [
    Row("GET", "/integration/simple/{company}/start/", OPEN, lms.start, integration.Start, name="lms.start"),
    Row("POST", "/integration/simple/{company}/start/", OPEN, lms.start, integration.Start, name="lms.start"),
    Row("GET", "/api/v2/integration/simple/{company}/sessions/{id}/status/", OPEN, lms.status),
    Row("POST", "/api/v2/integration/simple/{company}/sessions/{id}/finish/", OPEN, lms.finish),
    Row(
        "POST",
        "/sign-on/{id:[0-9]+}/back-channel-logout",
        OPEN,
        sign_on.logged_out_there,
        via.LoggedOutThere,
    ),
]
"""The "simple integration"; its calls carry a token of their own."""

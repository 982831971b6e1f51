"""axe (WCAG 2.2 A and AA) over the pages of accounts, access, evidence and compliance, in light and dark."""

from pathlib import Path

import pyotp
import pytest

from appliance.vocabulary import Role
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
LEVELS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
PAGES = {
    Role.ADMIN: ["/account", "/staff", "/sign-on", "/access", "/exams"],
    Role.SECURITY_OFFICER: ["/audit", "/keys", "/retention", "/compliance"],
}
RUN = """async (levels) => {
  const { violations } = await axe.run(document, { runOnly: { type: "tag", values: levels } });
  const words = (id, { target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`;
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => words(id, node)));
}"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("role", PAGES)
def test_nothing_is_found_on_the_pages_of(role, browser, origin, make, session):  # noqa: F811
    account = make.user(role, totp_secret=SECRET)
    make.user(Role.PROCTOR, name="Paula Proctor")
    make.exam()
    session.commit()
    still = {"locale": "en-GB", "reduced_motion": "reduce"}  # a colour on its way from dark to light is neither
    context = browser.new_context(base_url=origin, viewport={"width": 1280, "height": 900}, **still)
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto("/login?next=/account")
    page.get_by_label("E-mail").fill(account.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
    page.get_by_role("button", name="Log in", exact=True).click()
    page.wait_for_url("**/account")
    found = {}
    for path in PAGES[role]:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.evaluate(AXE.read_text(encoding="utf-8"))
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            if violations := page.evaluate(RUN, LEVELS):
                found[path, scheme] = violations
    context.close()
    assert found == {}, "\n".join(f"{path} {scheme}: {one}" for (path, scheme), all_ in found.items() for one in all_)

"""What was read on a document, beside its photo on the review page: words and signs, nothing by colour alone."""

import random

import cv2
import pyotp
import pytest
from playwright.sync_api import expect

from appliance.audit import Actor
from appliance.models import AuditEntry, IdentityPhoto
from appliance.services import documents
from appliance.vocabulary import IdentityVerdict, PhotoKind, Role, SittingState
from tests.browser.test_export_dialog import SECRET, origin  # noqa: F401 - fixture
from tests.factories import PASSWORD
from tests.media.biometrics.documents.drawn import made, page


@pytest.fixture
def sitting(make, session):
    """A sitting in review whose document says another name, and is out of date."""
    row = make.sitting(SittingState.IN_REVIEW)
    row.started_at = row.finished_at = row.created_at
    picture = cv2.imencode(".jpg", page(made("td3", random.Random(4))))[1].tobytes()
    sealed = make.vault.seal(session, f"sitting:{row.id}", "photo", picture)
    session.flush()
    photo = IdentityPhoto(
        sitting_id=row.id, kind=PhotoKind.DOCUMENT, vault_object_id=sealed.id, width=1000, height=700, hints=[]
    )
    session.add(photo)
    session.flush()
    fields = {
        "surname": {"value": "NOVAK", "checked": False, "source": "mrz"},
        "given_names": {"value": "ANNA MARIA", "checked": True, "source": "mrz+print"},
        "birth": {"value": "1974-08-12", "checked": True, "source": "mrz"},
        "number": {"value": "AN5123427", "checked": False, "source": "mrz"},
    }
    name = {"reason": "surname_differs", "score": 0.2, "source": "mrz"}
    contents = {"fields": fields, "digits": {"number": False, "birth": True}, "name": name}
    found = documents.Findings("td3", IdentityVerdict.MISMATCH, True, (), contents, {"network": "0" * 64})
    documents.keep(session, Actor.appliance("document_reader"), make.vault, photo, found)
    session.commit()
    return row


def test_a_reviewer_reads_the_document(browser, origin, make, session, sitting, tmp_path_factory):  # noqa: F811
    reviewer = make.user(Role.REVIEWER, totp_secret=SECRET, name="Rita Review")
    session.commit()
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, base_url=origin, locale="en-GB")
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    problems = []
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.goto(f"/login?next=/sittings/{sitting.id}")
    tab.get_by_label("E-mail").fill(reviewer.email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_label("One-time code").fill(pyotp.TOTP(SECRET).now())
    tab.get_by_role("button", name="Log in", exact=True).click()
    tab.wait_for_url(f"**/sittings/{sitting.id}")
    tab.get_by_role("tab", name="Identity").click()
    expect(tab.get_by_text("Another name").first).to_be_visible()
    expect(tab.get_by_text("Document expired").first).to_be_visible()
    tab.get_by_role("button", name="Enlarge: Document photo").click()
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_role("row", name="Date of birth 1974-08-12 checked", exact=True)).to_be_visible()
    expect(dialog.get_by_role("row", name="Document number AN5123427 not checked", exact=True)).to_be_visible()
    expect(dialog.get_by_text("The surname is another one.")).to_be_visible()
    expect(dialog.get_by_text("Not all check digits fit")).to_be_visible()
    tab.screenshot(path=str(tmp_path_factory.getbasetemp() / "document.png"))
    context.close()
    session.expire_all()
    assert session.query(AuditEntry).filter_by(action="document.view").count() == 1
    assert problems == []

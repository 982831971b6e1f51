"""A template of the data protection impact assessment (GDPR art. 35; AI Act art. 27), begun from the live settings.

What the settings say is filled in; what only people can judge is a line to be filled in.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from appliance.models import Company, Exam
from appliance.retention.processing_record import FILL_IN, Lines, cell, term_rows
from appliance.services import profiles
from appliance.settings import Settings
from appliance.vocabulary import BiometricsMode

RISKS: Final[list[tuple[str, str, str]]] = [
    (
        "A face is taken for another's, or for nobody's, more often in some groups",
        "Error rates by group from `kustos biometrics report`; `undetermined` is its own outcome; a person concludes",
        "docs/biometrics/report.md",
    ),
    (
        "A candidate is failed by a machine",
        "Findings are proposals; every point lost is explained; a named person concludes, and it is logged",
        "audit log: sitting.conclude",
    ),
    (
        "Staff watch out of curiosity",
        "Roles and scopes; each view with the spans really watched is in the audit log; unusual access is shown",
        "page Audit log",
    ),
    (
        "Recordings or templates leak",
        "Sealed under keys of their own, outside the database; templates differ by organisation and are renewable",
        "docs/biometrics/what-is-stored.md",
    ),
    (
        "Data are kept too long",
        "A term for each kind, announced and then deleted by itself, signed certificates",
        "docs/security/retention.md",
    ),
    (
        "Evidence is altered, or said to be",
        "Chained log, sealed files, signed manifests, verified offline",
        "docs/security/verifying.md",
    ),
    (
        "The home and people in it are recorded",
        "Workplace shown by the candidate; recorded only while the exam runs; on-device analysis as a choice",
        "exam's settings",
    ),
    (
        "Nobody dares to refuse",
        "Refusal is an outcome of its own; the organiser is told to offer another way, without penalty",
        "state `declined`",
    ),
]


def template(session: Session, settings: Settings, company: Company, now: datetime) -> str:
    """Return the template as Markdown."""
    return "\n".join(
        [
            f"# Data protection impact assessment: {cell(company.name)}",
            "",
            f"Begun by Kustos from its settings on {now:%Y-%m-%d}. Profile: `{company.profile}`. GDPR art. 35(7).",
            "",
            f"- Assessed by: {FILL_IN}",
            f"- Advice of the data protection officer: {FILL_IN}",
            f"- Views of candidates or their representatives (art. 35(9)): {FILL_IN}",
            "",
            "## a. What is done, and what for",
            "",
            "Exams are sat at a distance; the camera, the screen and the sound of the candidate are recorded, looked "
            f"at by detectors and by people, at {cell(settings.public_url)}, on the organisation's own servers.",
            "",
            *_exams(session, company),
            *term_rows(session, company),
            "",
            "## b. Is it necessary, is it proportionate",
            "",
            f"- Why an exam in a room would not do: {FILL_IN}",
            f"- Why each kind of data above is needed, and why for so long: {FILL_IN}",
            f"- Legal basis: {FILL_IN}",
            "- A milder way for each exam: no recording at all (`identification`), no faces measured (`none`), "
            "analysis in the candidate's browser (`on_device`).",
            "",
            "## c. Risks, d. what is done about them",
            "",
            "| Risk to the candidate | Measure in the software | Shown by | Likelihood, severity, what is left |",
            "| --- | --- | --- | --- |",
            *(f"| {risk} | {measure} | {shown} | {FILL_IN} |" for risk, measure, shown in RISKS),
            "",
            "## Decision",
            "",
            f"- What is left is acceptable, or the authority is asked first (art. 36): {FILL_IN}",
            f"- To be looked at again on: {FILL_IN}",
            "",
        ]
    )


def _exams(session: Session, company: Company) -> Lines:
    rows = session.scalars(select(Exam).where(Exam.company_id == company.id).order_by(Exam.name).limit(200)).all()
    if not rows:
        return ["No exam is set up yet.", ""]
    words = {
        BiometricsMode.SERVER: "by the appliance, a template is made",
        BiometricsMode.ON_DEVICE: "in the candidate's browser, nothing of it is kept here",
        BiometricsMode.NONE: "not measured",
    }
    return [
        "| Exam | Mode | Faces | Liveness asked for | When another person is seen |",
        "| --- | --- | --- | --- | --- |",
        *(
            f"| {cell(exam.name)} | {exam.mode.value} | {words[profiles.mode_of(exam)]} | "
            f"{'yes' if exam.liveness else 'no'} | {profiles.action_of(exam).value} |"
            for exam in rows
        ),
        "",
    ]

"""The record of processing activities (GDPR art. 30, 152-FZ art. 18.1), written from the live settings.

What the appliance cannot know (who is responsible, to whom results are passed on) is left as a line to be filled in.
"""

from datetime import datetime
from html import escape
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from appliance.models import Candidate, Company, Exam, Sitting, User
from appliance.retention import log_term, overview, stores, terms
from appliance.services import profiles
from appliance.settings import Settings
from appliance.vocabulary import BiometricsMode

FILL_IN: Final = "**to be filled in**"

PURPOSES: Final[dict[str, tuple[str, str]]] = {
    "recording": (
        "camera, screen and sound during the exam",
        "proof of how the exam was sat; review by a person; appeal",
    ),
    "photo": ("face and document photos, what stands on the document, pictures of findings", "identification"),
    "template": ("128 numbers derived from the face (biometric data)", "comparing the face across sittings"),
    "chat": ("messages between candidate and proctor", "supervision and help during the exam"),
    "metrics": (
        "findings of detectors with model, threshold and span; marks and decisions of people; scores",
        "proposals for the person who concludes; log of the automated system",
    ),
    "log": ("network addresses, browser, connection figures, system checks", "support, security"),
    "person": ("name, e-mail, id in the customer's system, answers", "knowing whose attempt it is"),
}

Lines = list[str]


def record(session: Session, settings: Settings, company: Company, now: datetime) -> str:
    """Return the record as Markdown."""
    return "\n".join(
        [
            f"# Record of processing activities: {cell(company.name)}",
            "",
            f"Written by Kustos from its settings on {now:%Y-%m-%d}. Profile: `{company.profile}`. "
            "GDPR art. 30(1); 152-FZ art. 18.1 and 22.",
            "",
            *_responsible(company, settings),
            *_whom(session, company),
            *_what(session, company),
            *_recipients(session, company),
            *_kept(session),
            *_measures(session, settings, company),
        ]
    )


def as_html(markdown: str, title: str) -> str:
    """Return Markdown of this house's kind (headings, paragraphs, tables, lists) as a page to print; no script."""
    body: Lines = []
    table: list[list[str]] = []
    items: Lines = []
    for line in [*markdown.splitlines(), ""]:
        if line.startswith("| "):
            table.append([cell_.strip() for cell_ in line.strip("| ").split(" | ")])
            continue
        if table:
            body.append(_table_html(table))
            table = []
        if line.startswith("- "):
            items.append(f"<li>{_inline(line[2:])}</li>")
            continue
        if items:
            body.append(f"<ul>{''.join(items)}</ul>")
            items = []
        level = len(line) - len(line.lstrip("#"))
        if level:
            body.append(f"<h{level}>{_inline(line[level:].strip())}</h{level}>")
        elif line:
            body.append(f"<p>{_inline(line)}</p>")
    head = f'<meta charset="utf-8"><title>{escape(title)}</title><style>{_STYLE}</style>'
    return f'<!DOCTYPE html><html lang="en"><head>{head}</head><body>{"".join(body)}</body></html>\n'


def term_rows(session: Session, company: Company) -> Lines:
    """Return the terms in force as rows of a table."""
    rows = [
        "| Data | What | Purpose | Kept (days from the sitting's end) | Announced before (days) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for term in terms.table(session, company):
        what, purpose = PURPOSES[term["data_class"]]
        kept = "without end" if term["days"] is None else str(term["days"])
        others = "; ".join(f"{cell(exam['name'])}: {_days(exam['days'])}" for exam in term["exams"])
        until = f"{kept} ({others})" if others else kept
        rows.append(f"| {term['data_class']} | {what} | {purpose} | {until} | {term['warn_days']} |")
    return rows


def _responsible(company: Company, settings: Settings) -> Lines:
    return [
        "## Who is responsible",
        "",
        f"- Controller (operator): {cell(company.name)}, address {FILL_IN}",
        f"- Data protection officer (person responsible for personal data): {FILL_IN}",
        f"- Contact for candidates: {cell(company.support_email) or FILL_IN}",
        f"- Where it is processed: on the controller's own servers, at {cell(settings.public_url)}; the "
        "software's maker has no access.",
        "",
    ]


def _whom(session: Session, company: Company) -> Lines:
    candidates = _count(session, Candidate, Candidate.company_id == company.id, Candidate.erased_at.is_(None))
    staff = _count(session, User, User.company_id == company.id, User.disabled_at.is_(None))
    sittings = _count(session, Sitting, Sitting.company_id == company.id)
    return [
        "## Whose data",
        "",
        f"- Candidates: {candidates} at present, with {sittings} sittings",
        f"- Staff: {staff} accounts (name, e-mail, role, log-ins, acts in the audit log)",
        "",
    ]


def _what(session: Session, company: Company) -> Lines:
    modes = session.execute(
        select(Exam.biometrics, func.count()).where(Exam.company_id == company.id).group_by(Exam.biometrics)
    ).all()
    faces = ", ".join(f"{count} with faces measured: {mode.value}" for mode, count in modes) or "no exams yet"
    return [
        "## What, why, for how long",
        "",
        *term_rows(session, company),
        "",
        f"Legal basis: {FILL_IN}. Consent to the text in force is asked for before anything is recorded, and every "
        f"answer is kept with the text's version and hash. Exams: {faces}.",
        "",
        "Nobody is judged by software alone: its findings are proposals, a named person concludes (GDPR art. 22).",
        "",
    ]


def _recipients(session: Session, company: Company) -> Lines:
    return [
        "## Recipients and transfers",
        "",
        "- Within the organisation: by role, as the page Access shows; each view is in the audit log.",
        f"- Outside: none by the software itself. Exports handed over by people: {FILL_IN}.",
        "- To other countries: none by the software; it makes no connection that its settings do not name.",
        "",
    ]


def _kept(session: Session) -> Lines:
    lasting = [f"- `{name}`: {store.why}" for name, store in stores.kept()]
    return [
        "## What stays after an erasure, and why",
        "",
        *lasting,
        "",
        f"The audit log is kept {_log_term(session)}: GDPR art. 17(3)(b) and (e), FSTEC's log duty. Backups hold no "
        "readable copy of what was sealed: its keys are destroyed with it.",
        "",
    ]


def _log_term(session: Session) -> str:
    days = log_term.longest(session)
    if days is None:
        return "as long as the appliance is in use, since a kind of data is kept without end"
    grace = log_term.GRACE.days
    return (
        f"{days} days, as long as anything it speaks of, then sealed within a month and destroyed {grace} days later"
    )


def _measures(session: Session, settings: Settings, company: Company) -> Lines:
    return [
        "## Measures (GDPR art. 32, 152-FZ art. 19)",
        "",
        "- Encryption: AES-256-GCM under a key for each sitting, its pictures, each person's face; a master key",
        "- Second factor for every staff role, roles and scopes, four eyes for: "
        + (", ".join(company.four_eyes) or "nothing"),
        "- Audit log chained by hashes, written with each act, verified offline",
        f"- Exports end after {settings.export_hours:g} hours; browsers hand in for {settings.hand_in_hours} hours",
        f"- Legal holds in force: {overview.active_holds(session, company.id)}",
        f"- Emotion and engagement: {'may be judged' if company.attention_monitoring else 'never judged'}"
        f"{'' if profiles.of(company).attention_monitoring else ' (the profile forbids it)'}",
        f"- Faces are measured only where an exam says so; preset: {_mode(company)}",
        "",
    ]


def _mode(company: Company) -> str:
    mode = profiles.of(company).default_mode
    words = {BiometricsMode.SERVER: "by the appliance", BiometricsMode.NONE: "not at all"}
    return words.get(mode, "in the candidate's browser")


def _count(session: Session, model: Any, *where: Any) -> int:
    return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def _days(days: int | None) -> str:
    return "without end" if days is None else str(days)


def cell(text: str) -> str:
    """Return text that neither ends a cell nor begins markup."""
    return "".join("\\" + char if char in "|`*_[]<>#" else char for char in " ".join(text.split()))


def _inline(text: str) -> str:
    shown = escape(text)
    for mark, tag in (("**", "strong"), ("`", "code")):
        pieces = shown.split(mark)
        if len(pieces) % 2:
            shown = "".join(
                piece if not number % 2 else f"<{tag}>{piece}</{tag}>" for number, piece in enumerate(pieces)
            )
    return "".join(_without_backslashes(shown))


def _without_backslashes(text: str) -> Lines:
    kept: Lines = []
    pending = False
    for char in text:
        if char == "\\" and not pending:
            pending = True
            continue
        pending = False
        kept.append(char)
    return kept


def _table_html(rows: list[list[str]]) -> str:
    head, *rest = [row for row in rows if not all(set(one) <= {"-"} for one in row)]
    first = "".join(f"<th>{_inline(one)}</th>" for one in head)
    others = "".join("<tr>" + "".join(f"<td>{_inline(one)}</td>" for one in row) + "</tr>" for row in rest)
    return f"<table><tr>{first}</tr>{others}</table>"


_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}
table{border-collapse:collapse;width:100%}
th,td{border:1px solid #999;padding:.3rem .5rem;text-align:left;vertical-align:top}
th{background:#eee}h2{margin-top:2rem}code{font-size:.92em}
"""

"""A search's result taken along: CSV for tables, JSON that proves itself, and a PDF with its signature beside it."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from sqlalchemy.orm import Session

from appliance.audit import Actor, export
from appliance.audit.statements import Signer
from appliance.db import utcnow
from appliance.errors import BadInput, HostNotReady
from appliance.models import AuditEntry
from appliance.services import audit_log
from appliance.services.audit_log import Search

MAX_ROWS: Final = {"csv": 100_000, "json": 100_000, "pdf": 2_000}
"""Of one file; the whole log is exported on the command line. A PDF of 2000 entries has some 150 pages."""

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""With these a spreadsheet takes a cell for a formula, which could send the sheet away (CWE-1236)."""

COLUMNS: Final = tuple(column.name for column in AuditEntry.__table__.columns)

_FONTS: Final = (
    "/usr/share/fonts/truetype/dejavu",  # fonts-dejavu-core: knows Cyrillic
    "/usr/share/fonts/dejavu",
    "/usr/share/fonts/dejavu-sans-fonts",
)

_WORDS: Final = {
    "en": ("Audit log", "entries", "made", "for", "filter", "no filter", "fingerprint of the signing key", "page"),
    "ru": ("Журнал аудита", "записей", "создано", "для", "отбор", "без отбора", "отпечаток ключа подписи", "стр."),
}
_HEADS: Final = {
    "en": ("No.", "Time (UTC)", "Who", "Action", "Subject", "Result", "Details", "Hash"),
    "ru": ("№", "Время (UTC)", "Кто", "Действие", "Объект", "Итог", "Подробности", "Хэш"),
}


def taken(
    session: Session, actor: Actor, signer: Signer, wanted: Search, form: str, language: str
) -> tuple[str, bytes]:
    """Return name and content of the file; the act is in the log with it. Raises ``BadInput`` for too many."""
    most = MAX_ROWS[form]
    rows = audit_log.found(session, actor.company_id or 0, wanted, None, most + 1)
    if len(rows) > most:
        raise BadInput(f"More than {most} entries fit; narrow the search, or use `kustos audit export`.", most=most)
    audit_log.note_export(session, actor, wanted, form, len(rows))
    ordered = list(reversed(rows))
    name = f"kustos-audit-{utcnow():%Y%m%d-%H%M%S}"
    if form == "csv":
        return f"{name}.csv", as_csv(ordered)
    if form == "json":
        links = (audit_log.link_of(row) for row in ordered)
        return f"{name}.jsonl", "".join(export.chosen(signer, links, wanted.facts)).encode()
    return f"{name}.zip", signed_pdf(name, ordered, signer, wanted, actor, language)


def as_csv(rows: Sequence[AuditEntry]) -> bytes:
    """Return the entries as CSV (RFC 4180, UTF-8 with a mark for spreadsheets); no cell can be a formula."""
    target = io.StringIO()
    writer = csv.writer(target)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([guarded(_cell(getattr(row, name))) for name in COLUMNS])
    return b"\xef\xbb\xbf" + target.getvalue().encode()


def guarded(cell: str) -> str:
    """Return a cell that a spreadsheet shows and never computes."""
    return f"'{cell}" if cell.lstrip(" ").startswith(FORMULA) else cell


def signed_pdf(
    name: str, rows: Sequence[AuditEntry], signer: Signer, wanted: Search, actor: Actor, language: str
) -> bytes:
    """Return a ZIP of the PDF, its detached Ed25519 signature and the public key, which openssl checks."""
    pdf = as_pdf(rows, signer.key.fingerprint, wanted, actor, language)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.pdf", pdf)
        archive.writestr(f"{name}.pdf.sig", signer.key.sign(pdf))
        archive.writestr("public-key.pem", signer.key.public_pem)
    return target.getvalue()


def as_pdf(rows: Sequence[AuditEntry], fingerprint: str, wanted: Search, actor: Actor, language: str) -> bytes:
    """Return the entries as pages, each with the fingerprint of the key that vouches for them."""
    _load_fonts()
    words = _WORDS.get(language, _WORDS["en"])
    target = io.BytesIO()
    document = SimpleDocTemplate(
        target, pagesize=landscape(A4), title=words[0], author="Kustos", invariant=1,
        leftMargin=12 * mm, rightMargin=12 * mm, topMargin=12 * mm, bottomMargin=16 * mm,
    )  # fmt: skip
    made = utcnow().strftime("%Y-%m-%d %H:%M:%S UTC")
    said = "; ".join(f"{field}: {value}" for field, value in wanted.facts.items()) or words[5]
    lines = [f"{len(rows)} {words[1]} · {words[2]} {made} · {words[3]} {actor.name}", f"{words[4]}: {said}"]
    story: list[Any] = [Paragraph(words[0], _style(15, bold=True)), Spacer(1, 3 * mm)]
    story += [Paragraph(escape(line), _style(8)) for line in lines]
    story += [Spacer(1, 4 * mm), _table(rows, language)]
    foot = partial(_foot, text=f"{words[6]}: {fingerprint}", page=words[7])
    document.build(story, onFirstPage=foot, onLaterPages=foot)
    return target.getvalue()


def _table(rows: Sequence[AuditEntry], language: str) -> LongTable:
    small, head = _style(6.2), _style(6.5, bold=True)
    body = [[Paragraph(word, head) for word in _HEADS.get(language, _HEADS["en"])]]
    body += [[Paragraph(cell, small) for cell in _pdf_cells(row)] for row in rows]
    widths = [width * mm for width in (13, 27, 42, 32, 25, 16, 82, 36)]
    table = LongTable(body, colWidths=widths, repeatRows=1)
    table.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8edf3")),
                ("LINEBELOW", (0, 0), (-1, -1), 0.25, colors.HexColor("#b8c2cc")),
                ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
            ]
        )
    )
    return table


def _pdf_cells(row: AuditEntry) -> Iterator[str]:
    who = f"{row.actor_name} ({row.actor_kind}:{row.actor_id}) {row.address}"
    details = json.dumps(row.details, ensure_ascii=False) if row.details else ""
    subject = f"{row.subject_kind} {row.subject_id}"
    moment = row.at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    cells = (str(row.id), moment, who, row.action, subject, row.result, details[:1500], row.hash)
    return (escape(cell) for cell in cells)


def _foot(canvas: Any, document: Any, *, text: str, page: str) -> None:
    canvas.saveState()
    canvas.setFont("DejaVu", 6)
    canvas.drawString(12 * mm, 8 * mm, text)
    canvas.drawRightString(landscape(A4)[0] - 12 * mm, 8 * mm, f"{page} {document.page}")
    canvas.restoreState()


def _style(size: float, *, bold: bool = False) -> ParagraphStyle:
    font = "DejaVu-Bold" if bold else "DejaVu"
    return ParagraphStyle("s", fontName=font, fontSize=size, leading=size * 1.25, splitLongWords=1, wordWrap="CJK")


def _load_fonts() -> None:
    if "DejaVu" in pdfmetrics.getRegisteredFontNames():
        return
    folder = next((Path(place) for place in _FONTS if Path(place, "DejaVuSans.ttf").exists()), None)
    if folder is None:
        raise HostNotReady("The font for papers is missing; install the package fonts-dejavu-core.")
    bold = folder / "DejaVuSans-Bold.ttf"
    pdfmetrics.registerFont(TTFont("DejaVu-Bold", bold if bold.exists() else folder / "DejaVuSans.ttf"))
    pdfmetrics.registerFont(TTFont("DejaVu", folder / "DejaVuSans.ttf"))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return value.isoformat() if hasattr(value, "isoformat") else str(value)

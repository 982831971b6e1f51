"""A person's data as pages they can read: one HTML file a language, no script, nothing loaded from anywhere."""

from html import escape
from typing import Any, Final

LANGUAGES: Final = ("en", "ru")

_STYLE: Final = """
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.7rem}h2{margin-top:2.5rem;border-bottom:1px solid #8886}
table{border-collapse:collapse;width:100%;margin:.4rem 0 1rem;font-size:.92rem}
th,td{border:1px solid #8884;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}
th{background:#8881;font-weight:600}table table{margin:0;font-size:.9em}
.none{opacity:.7}img{max-width:14rem;max-height:14rem;display:block}
@media print{body{max-width:none}}
"""

_RU: Final[dict[str, str]] = {
    "What is stored about you": "Что о вас хранится",
    "Made at": "Составлено",
    "from the data of": "по данным организации",
    "This page shows everything in readable form; data.json holds the same for programs. "
    "Of other people only their role is named.": (
        "На этой странице всё показано в читаемом виде; в data.json то же самое для программ. "
        "О других людях указана только роль."
    ),
    "You": "Вы",
    "Sitting": "Сеанс",
    "Who did what": "Кто и что делал",
    "Face templates": "Шаблоны лица",
    "nothing": "ничего",
    "yes": "да",
    "no": "нет",
    "number": "номер",
    "external id": "внешний идентификатор",
    "first name": "имя",
    "last name": "фамилия",
    "email": "эл. почта",
    "language": "язык",
    "known since": "известно с",
    "name": "название",
    "exam": "экзамен",
    "mode": "режим",
    "state": "состояние",
    "created at": "создано",
    "waiting at": "ожидание с",
    "started at": "начало",
    "finished at": "окончание",
    "finished by": "завершил",
    "ended at": "конец",
    "score": "оценка доверия",
    "answers": "ответы",
    "finish comment": "примечание при завершении",
    "conclusion": "заключение",
    "comment": "примечание",
    "consents": "согласия",
    "accepted": "дано",
    "answered at": "когда",
    "text version": "версия текста",
    "address": "сетевой адрес",
    "user agent": "браузер",
    "system checks": "проверки оборудования",
    "checked at": "когда",
    "passed": "пройдено",
    "results": "результаты",
    "client": "устройство",
    "photos": "фотографии",
    "kind": "вид",
    "taken at": "снято",
    "verdict": "вывод",
    "distance": "расстояние",
    "hints": "замечания к качеству",
    "file": "файл",
    "files": "файлы",
    "read": "прочитано",
    "comparisons": "сравнения лица",
    "details": "подробности",
    "looks like others": "сколько других профилей похожи",
    "challenges": "проверки движением",
    "begun at": "начато",
    "reasons": "причины",
    "finding": "что найдено",
    "gaze map": "карта взгляда",
    "recordings": "записи",
    "track": "дорожка",
    "source": "источник",
    "size bytes": "байт",
    "handed in": "передано браузером",
    "gaps": "пропуски записи",
    "cause": "причина",
    "findings": "наблюдения",
    "type": "тип",
    "confidence": "уверенность",
    "detector": "детектор",
    "decision": "решение",
    "decided at": "решено",
    "decided by": "кем решено",
    "marks": "нарушения и предупреждения",
    "sent at": "отправлено",
    "seen at": "увидено",
    "withdrawn at": "отозвано",
    "by": "кто",
    "at": "когда",
    "scores": "вычисленные оценки",
    "computed at": "вычислено",
    "value": "значение",
    "explanation": "объяснение",
    "metrics": "поминутные показатели",
    "chat": "переписка",
    "text": "текст",
    "browser": "отчёт браузера о связи",
    "content": "содержание",
    "action": "действие",
    "sitting": "сеанс",
    "made at": "сделано",
    "network sha256": "сеть (SHA-256)",
    "revoked at": "отозван",
    "you": "вы",
    "staff": "сотрудник",
    "appliance": "комплекс",
    "proctor": "проктор",
    "reviewer": "проверяющий",
    "organiser": "организатор",
    "admin": "администратор",
    "security_officer": "администратор безопасности",
    "support": "инженер поддержки",
    "auditor": "аудитор",
    "match": "совпадает",
    "mismatch": "не совпадает",
    "undetermined": "не определено",
    "camera": "камера",
    "screen": "экран",
    "face": "лицо",
    "document": "документ",
    "pending": "не рассмотрено",
    "confirmed": "подтверждено",
    "dismissed": "отклонено",
    "rejected": "отклонено",
    "suspicious": "под сомнением",
    "not_reviewed": "не проверено",
    "concluded": "есть заключение",
}


def page(data: dict[str, Any], language: str) -> bytes:
    """Return the page; ``data`` is what ``person_facts.collect`` gives."""
    word = _Words(language)
    intro = word(
        "This page shows everything in readable form; data.json holds the same for programs. "
        "Of other people only their role is named."
    )
    title = word("What is stored about you")
    body = [
        f"<h1>{title}</h1><p>{word('Made at')}: {escape(data['made_at'])}, {word('from the data of')} "
        f"{escape(data['organisation']['name'])}.</p><p>{intro}</p>",
        f"<h2>{word('You')}</h2>",
        word.shown(data["person"]),
        *(
            f"<h2>{word('Sitting')} {sitting['number']}: {escape(sitting['exam']['name'])}</h2>{word.shown(sitting)}"
            for sitting in data["sittings"]
        ),
        f"<h2>{word('Face templates')}</h2>",
        word.shown(data["face_templates"]),
        f"<h2>{word('Who did what')}</h2>",
        word.shown(data["who_did_what"]),
    ]
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    whole = f'<!DOCTYPE html><html lang="{language}"><head>{head}<style>{_STYLE}</style></head><body>'
    return (whole + "".join(body) + "</body></html>\n").encode()


class _Words:
    """Words of one language, and how values look in it."""

    def __init__(self, language: str) -> None:
        self._known = _RU if language == "ru" else {}

    def __call__(self, text: str) -> str:
        """Return the escaped word; one that is not known stays."""
        return escape(self._known.get(text, text))

    def shown(self, value: Any) -> str:
        """Return JSON values as tables, however deep."""
        if value is None or value in ([], {}, ""):
            return f'<span class="none">{self("nothing")}</span>'
        if isinstance(value, bool):
            return self("yes" if value else "no")
        if isinstance(value, dict):
            rows = (
                f"<tr><th>{self(name.replace('_', ' '))}</th><td>{self.shown(v)}</td></tr>"
                for name, v in value.items()
            )
            return f"<table>{''.join(rows)}</table>"
        if isinstance(value, list):
            return self._listed(value)
        return self._text(str(value))

    def _listed(self, values: list[Any]) -> str:
        if not all(isinstance(one, dict) for one in values):
            return ", ".join(self.shown(one) for one in values)
        names = list(dict.fromkeys(name for one in values for name in one))
        head = "".join(f"<th>{self(name.replace('_', ' '))}</th>" for name in names)
        rows = (
            "<tr>" + "".join(f"<td>{self.shown(one.get(name))}</td>" for name in names) + "</tr>" for one in values
        )
        return f"<table><tr>{head}</tr>{''.join(rows)}</table>"

    def _text(self, text: str) -> str:
        if text.startswith("files/"):
            inner = f'<img src="{escape(text)}" alt="">' if text.endswith(".jpg") else ""
            return f'<a href="{escape(text)}">{inner}{escape(text.removeprefix("files/"))}</a>'
        return self(text)

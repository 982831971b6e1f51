"""Languages of the pages: which one a request speaks, its catalogue, and the step that compiles catalogues.

Russian is written in ``web/locale/ru/*.po``, one file per area so that areas can be worked on side by side. They are
merged into one gettext catalogue; ``python -m web.i18n compile`` writes it as ``kustos.mo`` for production. Without
an up-to-date ``.mo`` the same catalogue is built in memory, so that development needs no step.
"""

import hashlib
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from webob.acceptparse import AcceptLanguageInvalidHeader, AcceptLanguageNoHeader, AcceptLanguageValidHeader

LANGUAGES: Final = {"en": "English", "ru": "Русский"}
"""Code -> the language's own name; the first is the language of the keys."""

SOURCE: Final = "en"
DOMAIN: Final = "kustos"
COOKIE: Final = "kustos_lang"
WEB: Final = Path(__file__).parent
LOCALE_DIR: Final = WEB / "locale"

_METHODS: Final = [
    ("templates/**.html", "jinja2"),
    ("static/js/**.js", "javascript"),
    ("**.py", "python"),
]
_KEYWORDS: Final[dict[str, tuple[int, ...] | None]] = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "translatable": None,
}

AcceptLanguage = AcceptLanguageValidHeader | AcceptLanguageNoHeader | AcceptLanguageInvalidHeader


def translatable(text: str) -> str:
    """Mark a text for the catalogue where it is defined; it is translated where it is shown."""
    return text


def choose_language(wanted: list[str | None], accept: AcceptLanguage) -> str:
    """Return the first known language of ``wanted``, else the best of the browser's Accept-Language."""
    for code in wanted:
        if code in LANGUAGES:
            return code
    return accept.lookup(list(LANGUAGES), default=SOURCE) or SOURCE


def merged_catalogue(language: str) -> Catalog:
    """Return all ``.po`` files of a language as one; of two that translate a text the first by name counts."""
    merged = Catalog(locale=language, domain=DOMAIN, charset="utf-8")
    for path in sorted((LOCALE_DIR / language).glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=language, domain=DOMAIN, charset="utf-8")
        for message in _translated(catalogue):
            if merged.get(message.id) is None:
                merged.add(message.id, message.string)
    return merged


def _translated(catalogue: Catalog) -> Iterator[Message]:
    for message in catalogue:
        strings = [message.string] if isinstance(message.string, str) else list(message.string or ())
        if message.id and strings and all(strings):
            yield message


@cache
def translations(language: str) -> NullTranslations:
    """Return the gettext translations of a language (no-op ones for the language of the keys)."""
    if language == SOURCE:
        return NullTranslations()
    compiled = _compiled_file(language)
    if _is_fresh(compiled, language):
        with compiled.open("rb") as file:
            return Translations(file, domain=DOMAIN)
    buffer = io.BytesIO()
    write_mo(buffer, merged_catalogue(language))
    buffer.seek(0)
    return Translations(buffer, domain=DOMAIN)


def _compiled_file(language: str) -> Path:
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{DOMAIN}.mo"


def _is_fresh(compiled: Path, language: str) -> bool:
    if not compiled.is_file():
        return False
    written = compiled.stat().st_mtime
    return all(source.stat().st_mtime <= written for source in (LOCALE_DIR / language).glob("*.po"))


def compile_catalogues() -> list[Path]:
    """Write ``kustos.mo`` of every language but the keys' own; return the files."""
    written = []
    for language in LANGUAGES:
        if language == SOURCE:
            continue
        target = _compiled_file(language)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            write_mo(file, merged_catalogue(language))
        written.append(target)
    return written


@dataclass(frozen=True)
class BrowserCatalogue:
    """A language's texts as the pages' modules read them."""

    lang: str
    plural_categories: list[str]
    messages: Mapping[str, str | list[str]]


@cache
def fingerprint(language: str) -> str:
    """Return what changes when a text of the language changes."""
    return hashlib.sha256(repr(browser_catalogue(language)).encode()).hexdigest()[:16]


@cache
def browser_catalogue(language: str) -> BrowserCatalogue:
    """Return the catalogue with plurals in the order of ``plural_categories`` (names of ``Intl.PluralRules``)."""
    if language == SOURCE:
        return BrowserCatalogue(language, ["one", "other"], {})
    merged = merged_catalogue(language)
    messages: dict[str, str | list[str]] = {}
    for message in _translated(merged):
        key = message.id if isinstance(message.id, str) else message.id[0]
        messages[key] = message.string if isinstance(message.string, str) else list(message.string or ())
    return BrowserCatalogue(language, _plural_categories(language, merged.num_plurals), messages)


def _plural_categories(language: str, count: int) -> list[str]:
    """Return the CLDR category of each gettext plural index, found by asking both about the first numbers."""
    locale = Locale.parse(language)
    forms = translations(language)
    plural_index = getattr(forms, "plural", lambda n: int(n != 1))
    names = ["other"] * count
    for number in reversed(range(101)):
        names[plural_index(number)] = locale.plural_form(number)
    return names


def missing_translations(language: str) -> list[str]:
    """Return ``file:line: text`` of every text in templates, modules and views that the language lacks."""
    merged = merged_catalogue(language)
    missing = []
    found = extract_from_dir(
        WEB, _METHODS, keywords=_KEYWORDS, options_map={"templates/**.html": {"silent": "false"}}
    )
    for filename, line, text, _comments, _context in found:
        identifier = text[0] if isinstance(text, tuple) else text
        if identifier and merged.get(identifier) is None:
            missing.append(f"web/{filename}:{line}: {identifier}")
    return missing


def main(arguments: list[str]) -> int:
    """Compile the catalogues, or check that nothing lacks its translation."""
    if arguments in ([], ["compile"]):
        compile_catalogues()
        return 0
    if arguments == ["check"]:
        missing = [line for language in LANGUAGES if language != SOURCE for line in missing_translations(language)]
        sys.stdout.write("".join(f"{line}\n" for line in missing))
        return 1 if missing else 0
    sys.stderr.write("usage: python -m web.i18n [compile|check]\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Languages: whose counts, catalogues for templates and modules, nothing left untranslated."""

from appliance.vocabulary import Role
from tests.web.conftest import TOTP_SECRET
from web import i18n


def test_nothing_lacks_its_translation():
    assert i18n.missing_translations("ru") == []


def test_the_language_asked_for_is_kept(browser):
    assert "Войти" in browser.get("/login?lang=ru").text
    assert "Войти" in browser.get("/login").text
    assert "Log in" in browser.get("/login?lang=en").text


def test_the_browsers_language_counts_when_nothing_else_is_known(browser):
    page = browser.get("/login", headers={"Accept-Language": "de;q=0.9, ru-RU;q=0.8, en;q=0.1"})
    assert page.html.html["lang"] == "ru"
    assert browser.get("/login", headers={"Accept-Language": "de"}).html.html["lang"] == "en"


def test_a_users_own_language_counts_more_than_the_browsers(staff, make, session):
    user = make.user(Role.PROCTOR, totp_secret=TOTP_SECRET, language="ru")
    page = staff(user=user).get("/archive", headers={"Accept-Language": "en"})
    assert page.html.html["lang"] == "ru"


def test_a_candidates_language_is_the_sittings(candidate):
    browser, _ = candidate(language="ru")
    assert browser.get("/sit").html.html["lang"] == "ru"


def test_the_catalogue_for_modules(browser):
    found = browser.get("/i18n/ru.json")
    assert found.json["plural_categories"] == ["one", "few", "many"]
    assert found.json["messages"]["Log in"] == "Войти"
    assert browser.get("/i18n/ru.json", headers={"If-None-Match": found.headers["ETag"]}).status_int == 304
    assert browser.get("/i18n/en.json").json["messages"] == {}
    browser.get("/i18n/xx.json", status=404)


def test_plural_categories_name_the_gettext_index():
    forms = i18n.translations("ru")
    names = i18n.browser_catalogue("ru").plural_categories
    assert [names[forms.plural(n)] for n in (1, 2, 5, 11, 21, 22, 25)] == [
        *("one", "few", "many"),
        *("many", "one", "few", "many"),
    ]


def test_compiling_writes_what_is_read(tmp_path, monkeypatch):
    folder = tmp_path / "ru"
    folder.mkdir()
    (folder / "a.po").write_text('msgid "Log in"\nmsgstr "Вход"\n', encoding="utf-8")
    monkeypatch.setattr(i18n, "LOCALE_DIR", tmp_path)
    i18n.translations.cache_clear()
    (compiled,) = i18n.compile_catalogues()
    assert compiled == folder / "LC_MESSAGES" / "kustos.mo"
    assert i18n.translations("ru").gettext("Log in") == "Вход"
    i18n.translations.cache_clear()


def test_of_two_translations_the_first_file_counts(tmp_path, monkeypatch):
    folder = tmp_path / "ru"
    folder.mkdir()
    for name, word in (("a.po", "Вход"), ("b.po", "Войти")):
        (folder / name).write_text(f'msgid "Log in"\nmsgstr "{word}"\n', encoding="utf-8")
    monkeypatch.setattr(i18n, "LOCALE_DIR", tmp_path)
    assert i18n.merged_catalogue("ru").get("Log in").string == "Вход"

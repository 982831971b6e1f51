"""Declared names against read ones: scripts, spellings, order, double names; and when a mismatch is said."""

import pytest

from appliance.vocabulary import IdentityVerdict
from media.biometrics.documents.names import REASONS, ReadName, compare_names, names_on_print
from media.biometrics.documents.transliteration import likeness

MATCH, MISMATCH, UNDETERMINED = IdentityVerdict.MATCH, IdentityVerdict.MISMATCH, IdentityVerdict.UNDETERMINED


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        ("Щербакова", "SHCHERBAKOVA"),  # ICAO 9303 part 3, table B
        ("Юлия", "IULIIA"),
        ("Юлия", "YULIYA"),  # GOST of the passports of 1997 to 2010
        ("Наталья", "NATALIA"),
        ("Наталья", "NATALYA"),
        ("Подъячев", "PODIEIACHEV"),  # ъ
        ("Соловьёв", "SOLOVEV"),  # ь and ё
        ("Соловьев", "SOLOVYOV"),
        ("Хрущёв", "KHRUSHCHEV"),
        ("Чайковский", "TCHAIKOVSKY"),  # French, as before 1997
        ("Дмитрий", "DMITRII"),
        ("Дмитрий", "Dmitry"),
        ("Ксения", "XENIA"),
        ("Зеленський", "ZELENSKYI"),
        ("Müller", "MUELLER"),  # table A
        ("Müller", "MULLER"),
        ("Jørgensen", "JOERGENSEN"),
        ("Łukasz", "LUKASZ"),
        ("Núñez", "NUNEZ"),
        ("O'Brien", "OBRIEN"),
        ("Ελένη", "ELENI"),
        ("СОЛОВЬЁВА", "Соловьева"),
    ],
)
def test_one_name_in_two_spellings(declared, read):
    assert likeness(declared, read) == 1
    assert likeness(read, declared) == 1


@pytest.mark.parametrize(
    ("one", "other"), [("Yulia", "IULIIA"), ("Sergey", "SERGEI"), ("Khristina", "HRISTINA"), ("Alexey", "ALEKSEI")]
)
def test_two_transliterations_of_one_name(one, other):
    assert 0.88 <= likeness(one, other) < 1


@pytest.mark.parametrize(
    ("one", "other"),
    [("Иванов", "PETROV"), ("Smith", "JONES"), ("Иванова", "SIDOROVA"), ("Anna", "MARIA"), ("Lee", "LI"), ("", "LI")],
)
def test_other_names_are_other_names(one, other):
    assert likeness(one, other) < 0.6


@pytest.mark.parametrize(
    ("first", "last", "surname", "given", "verdict", "reason"),
    [
        ("Anna Maria", "Eriksson", "ERIKSSON", "ANNA MARIA", MATCH, "same"),
        ("Anna", "Eriksson", "ERIKSSON", "ANNA MARIA", MATCH, "part_of_name"),
        ("Joanna", "Kowalska", "KOWALSKA KWIATKOWSKA", "JOANNA", MATCH, "part_of_name"),
        ("Joanna", "Kowalska-Kwiatkowska", "KOWALSKA KWIATKOWSKA", "JOANNA", MATCH, "same"),
        (
            "Иван Петрович",
            "Зайцев",
            "ZAITSEV",
            "IVAN",
            MATCH,
            "part_of_name",
        ),  # a patronymic that the passport has not
        ("Иван", "Зайцев", "ЗАЙЦЕВ", "ИВАН ПЕТРОВИЧ", MATCH, "part_of_name"),
        ("Eriksson", "Anna", "ERIKSSON", "ANNA", MATCH, "swapped"),
        ("", "Anna Eriksson", "ERIKSSON", "ANNA", MATCH, "same"),
        ("Yulia", "Zaytseva", "ZAITSEVA", "IULIIA", MATCH, "spelling"),
        ("Peter", "Smith", "JONES", "PETER", MISMATCH, "surname_differs"),
        ("Мария", "Зайцева", "ZAITSEVA", "EKATERINA", MISMATCH, "given_names_differ"),
        ("Anna", "Petrova", "PETROV", "ANNA", UNDETERMINED, "unclear"),
        ("", "", "ERIKSSON", "ANNA", UNDETERMINED, "not_declared"),
    ],
)
def test_verdicts(first, last, surname, given, verdict, reason):
    found = compare_names(first, last, ReadName(surname, given, confident=True))
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.reason in REASONS


def test_a_doubtful_reading_is_never_a_mismatch():
    assert compare_names("Peter", "Smith", ReadName("JONES", "MARY", confident=False)).verdict is UNDETERMINED


def test_a_script_without_fixed_ways_to_latin_is_never_a_mismatch():
    assert compare_names("美華", "林", ReadName("SMITH", "PETER", confident=True)).verdict is UNDETERMINED


def test_a_name_cut_off_at_the_end_of_the_line_is_the_name():
    read = ReadName("PAPANDROPOULOS", "JONATHON ALEXAN", confident=True, cut_off=True)
    assert compare_names("Jonathon Alexander", "Papandropoulos", read).verdict is MATCH


def test_print_alone_can_confirm_and_never_refute():
    lines = ["РОССИЙСКАЯ ФЕДЕРАЦИЯ", "Фамилия", "СОЛОВЬЁВА", "НАТАЛЬЯ", "СЕРГЕЕВНА"]
    found = compare_names("Наталья", "Соловьева", None, lines)
    assert (found.verdict, found.reason, found.source) == (MATCH, "printed", "print")
    assert compare_names("Natalia", "Solovyova", None, lines).verdict is MATCH
    assert compare_names("Иван", "Петров", None, lines).verdict is UNDETERMINED
    assert compare_names("Иван", "Петров", None, []).reason == "not_read"


def test_print_against_the_zone_is_for_a_person_to_settle():
    read = ReadName("JONES", "PETER", confident=True)
    assert compare_names("Mary", "Smith", read, ["SMITH", "MARY"]).verdict is UNDETERMINED


def test_names_are_confirmed_letter_by_letter():
    assert names_on_print(["ANNA", "MARIA"], ["Given names", "ANNA MARIA"])
    assert not names_on_print(["ANNA", "MARIA"], ["ANNA MARTA"])
    assert not names_on_print([], ["ANNA"])

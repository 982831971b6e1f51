"""Zones given as text or as probabilities: fields, check digits, and that nothing wrong is ever called checked."""

import random
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.biometrics.documents.mrz import CHARACTERS, INDEX, as_date, cells_of, check_digit, parse, settle
from media.biometrics.documents.mrz_formats import RUSSIAN_LETTERS
from tests.media.biometrics.documents.drawn import made, zone

TODAY = date(2026, 6, 1)
PASSPORT = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
KINDS = ["td1", "td2", "td3", "mrv_a", "mrv_b"]


def values(found):
    return {name: each.value for name, each in found.fields.items()}


def checked(found):
    return {name for name, each in found.fields.items() if each.checked}


def test_the_specimen_of_icao_9303():
    found = parse(PASSPORT, TODAY)
    assert values(found) == {
        "document_code": "P",
        "issuer": "UTO",
        "surname": "ERIKSSON",
        "given_names": "ANNA MARIA",
        "number": "L898902C3",
        "nationality": "UTO",
        "birth": "1974-08-12",
        "sex": "F",
        "expiry": "2012-04-15",
        "optional": "ZE184226B",
    }
    assert checked(found) == {"number", "birth", "expiry", "optional"}
    assert found.all_fit


@pytest.mark.parametrize(
    ("text", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("L898902C3", "6"), ("D23145890734", "9")]
)
def test_check_digits_of_icao_9303(text, digit):
    assert check_digit(text) == digit


@pytest.mark.parametrize("kind", KINDS)
def test_every_format_gives_back_what_was_put_in(kind):
    for seed in range(30):
        document = made(kind, random.Random(seed))
        found = parse(document.lines, TODAY)
        assert found.kind == kind
        assert found.all_fit
        said = values(found)
        for name in ("number", "birth", "expiry", "surname", "given_names"):
            assert said[name] == getattr(document, name)
        assert {"birth", "expiry"} <= checked(found)
        assert "0" in document.number or "number" in checked(found)
        assert not checked(found) & {"surname", "given_names", "sex", "nationality", "issuer"}


def test_a_long_number_goes_on_in_the_optional_data():
    long = "D231458907345"
    # the filler in the place of the digit belongs to neither part (ICAO 9303 part 5, note j)
    first = f"I<UTO{long[:9]}<{long[9:]}{check_digit(long)}".ljust(30, "<")
    second = "7408122F1204159UTO<<<<<<<<<<<"
    second += check_digit(first[5:] + second[:7] + second[8:15] + second[18:29])
    found = parse([first, second, "ERIKSSON<<ANNA".ljust(30, "<")], TODAY)
    assert found.fields["number"].value == long
    assert found.all_fit


def russian(text):
    back = {letter: code for code, letter in RUSSIAN_LETTERS.items()}
    return "".join(back.get(char, char) for char in text)


def test_the_russian_internal_passport_in_its_own_letters():
    first = f"PNRUS{russian('ЩЕРБАЧЁВА<<ЮЛИЯ<ЭДУАРДОВНА')}".ljust(44, "<")
    number = "451123456"
    more = "4" + "110718" + "500012" + "<"
    second = f"{number}{check_digit(number)}RUS820304{check_digit('820304')}F<<<<<<<{more}{check_digit(more)}"
    second += check_digit(second[:10] + second[13:20] + second[21:43])
    found = parse([first, second], TODAY)
    assert found.kind == "rus"
    assert found.all_fit
    assert values(found)["surname"] == "ЩЕРБАЧЁВА"
    assert values(found)["given_names"] == "ЮЛИЯ ЭДУАРДОВНА"
    assert values(found)["number"] == "4514123456"  # series 45 14, number 123456: the series' last digit stands apart
    assert values(found)["issued"] == "2011-07-18"
    assert {"number", "birth", "issued", "subdivision"} <= checked(found)


def test_the_french_identity_card():
    found = parse(["IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<", "8806923102858CORINNE<<<<<<<6512068F6"], TODAY)
    assert (found.kind, found.all_fit) == ("fra", True)
    assert values(found)["surname"] == "BERTHIER"
    assert values(found)["birth"] == "1965-12-06"


@pytest.mark.parametrize("lines", [[], ["P<UTO"], ["A" * 44], ["A" * 44, "B" * 36], ["A" * 30] * 2])
def test_what_is_no_zone_is_none(lines):
    assert parse(lines, TODAY) is None


def test_letters_among_digits_are_corrected_and_vouched_for_by_two_digits():
    second = PASSPORT[1].replace("7408122", "74O8I22").replace("1204159", "I2O4159")
    found = parse([PASSPORT[0].replace("ERIKSSON", "ER1K55ON"), second], TODAY)
    assert values(found)["surname"] == "ERIKSSON"
    assert values(found)["birth"] == "1974-08-12"
    assert {"birth", "expiry"} <= checked(found)
    assert "surname" not in checked(found)


def test_a_visa_has_no_composite_digit_so_two_corrections_are_one_too_many():
    lines = zone("mrv_a", "ERIKSSON", "ANNA", "UTO", "L8988901C", "400107", "961210", "F")
    once = [lines[0], lines[1].replace("400107", "4O0107")]
    twice = [lines[0], lines[1].replace("400107", "4OO107")]
    assert "birth" in checked(parse(once, TODAY))
    found = parse(twice, TODAY)
    assert values(found)["birth"] == "1940-01-07"
    assert "birth" not in checked(found)


def test_a_number_is_never_corrected_into_a_checked_one():
    """O and 0 may both stand in a number: the digit proposes, nobody vouches."""
    lines = zone("td3", "NOVAK", "ANNA", "DEU", "C0O12X4Z7", "740812", "300415", "F")
    found = parse([lines[0], lines[1].replace("C0O12X4Z7", "C0012X4Z7")], TODAY)
    assert not found.fields["number"].checked


def test_a_wrong_composite_digit_vouches_for_nothing():
    broken = PASSPORT[1][:-1] + "7"
    assert checked(parse([PASSPORT[0], broken], TODAY)) == set()


def test_what_was_seen_besides_and_would_fit_too_is_doubt():
    """6 and G count alike in every check digit: only that G was seen as well tells that it may be one."""
    lines = zone("td3", "NOVAK", "ANNA", "DEU", "C6H12X4Z7", "740812", "300415", "F")
    cells = [cells_of(line) for line in lines]
    assert settle(cells, TODAY).fields["number"].checked
    cells[1][1, INDEX["6"]], cells[1][1, INDEX["G"]] = 0.99, 0.01
    found = settle(cells, TODAY)
    assert found.fields["number"].value == "C6H12X4Z7"
    assert not found.fields["number"].checked
    assert found.fields["birth"].checked


def test_two_letters_o_read_as_zeros_are_not_vouched_for():
    """The network is certain of such zeros, and at weights 7 and 3 they cancel each other out."""
    lines = zone("td3", "NOVAK", "ANNA", "DEU", "OO12X4Z73", "740812", "300415", "F")
    found = parse([lines[0], lines[1].replace("OO12X4Z73", "0012X4Z73")], TODAY)
    assert found.all_fit
    assert not found.fields["number"].checked
    assert {"birth", "expiry"} <= checked(found)
    digits = zone("td3", "NOVAK", "ANNA", "DEU", "001234567", "740812", "300415", "F")
    assert "number" in checked(parse(digits, TODAY))


def test_a_place_that_was_not_read_is_not_vouched_for():
    cells = [cells_of(line) for line in PASSPORT]
    cells[1][14] = 1 / len(CHARACTERS)
    assert not settle(cells, TODAY).fields["birth"].checked


@pytest.mark.parametrize(
    ("text", "future", "said"),
    [
        ("740812", False, date(1974, 8, 12)),
        ("050812", False, date(2005, 8, 12)),
        ("261231", False, date(1926, 12, 31)),
        ("360415", True, date(2036, 4, 15)),
        ("980104", True, date(1998, 1, 4)),
        ("741332", False, None),
        ("7408<<", False, None),
    ],
)
def test_two_digits_of_a_year(text, future, said):
    assert as_date(text, TODAY, future) == said


ALIKE = {
    "0": "ODQ", "O": "0DQ", "D": "0O", "Q": "0O", "1": "IL", "I": "1L", "L": "1I", "2": "Z", "Z": "2", "5": "S",
    "S": "58", "6": "G8", "G": "6C", "8": "B3S", "B": "8", "3": "8", "K": "<", "<": "K", "M": "N", "N": "M",
    "V": "Y", "Y": "V",
}  # fmt: skip


def misread(line, errors, chance, unsure):
    """Cells of a line: errors are look-alikes where there are such, else anything; the truth keeps a share."""
    cells = cells_of(line)
    for place in errors:
        truth = line[place]
        wrong = chance.choice(ALIKE.get(truth) or CHARACTERS.replace(truth, ""))
        cells[place] = 0
        cells[place, INDEX[wrong]] = 1 - unsure
        cells[place, INDEX[truth]] = unsure
    return cells


@settings(max_examples=600, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**9),
    errors=st.integers(1, 6),
    unsure=st.floats(0.02, 0.6),
)
def test_whatever_is_misread_nothing_wrong_is_checked(kind, seed, errors, unsure):
    """A network that errs leaves a share to the truth; while that is seen, nothing wrong is vouched for."""
    chance = random.Random(seed)
    document = made(kind, chance)
    truth = parse(document.lines, TODAY)
    spots = [(line, place) for line, text in enumerate(document.lines) for place in range(len(text))]
    wanted = chance.sample(spots, errors)
    if chance.random() < 0.5:  # most errors where a date or the number stands: there they can cancel each other out
        begin = chance.randrange(0, 24)
        wanted = [(min(1, len(document.lines) - 1), begin + step) for step in range(min(errors, 3))]
    lines = [
        misread(text, [place for row, place in wanted if row == line], chance, unsure)
        for line, text in enumerate(document.lines)
    ]
    found = settle(lines, TODAY)
    assert {name for name in checked(found) if found.fields[name] != truth.fields.get(name)} == set()


@settings(max_examples=300, deadline=None)
@given(kind=st.sampled_from(KINDS), seed=st.integers(0, 10**9))
def test_a_single_sure_error_in_digits_is_always_found(kind, seed):
    """Even when the network is certain: one wrong digit changes every sum it is in."""
    chance = random.Random(seed)
    document = made(kind, chance)
    truth = parse(document.lines, TODAY)
    row = 1
    place = chance.choice([place for place, char in enumerate(document.lines[row]) if char.isdigit()])
    other = chance.choice([digit for digit in "0123456789" if digit != document.lines[row][place]])
    lines = list(document.lines)
    lines[row] = lines[row][:place] + other + lines[row][place + 1 :]
    found = parse(lines, TODAY)
    assert {name for name in checked(found) if found.fields[name] != truth.fields.get(name)} == set()


def test_readings_are_voted_place_by_place():
    mean = np.mean(
        [cells_of(PASSPORT[1]), cells_of(PASSPORT[1]), cells_of(PASSPORT[1].replace("7408", "7403"))], axis=0
    )
    found = settle([cells_of(PASSPORT[0]), mean], TODAY)
    assert found.fields["birth"].value == "1974-08-12"
    assert found.fields["birth"].checked

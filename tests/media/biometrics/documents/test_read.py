"""Documents read from pictures by the real networks: made by the test, and the specimens of the measuring data."""

import random
import shutil
from datetime import date

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from appliance.vocabulary import IdentityVerdict
from media.biometrics.documents import cyrillic
from media.biometrics.documents.read import ReadingHint, engines, read
from tests.media.biometrics.documents.drawn import PRINT, Drawn, made, page, photographed, zone
from tests.media.biometrics.documents.specimens import SPECIMENS, needs_specimens, truth_of

TODAY = date(2026, 6, 1)


def passport_of(surname, given):
    """A passport without the letter O, which the network cannot tell from 0 in OCR-B."""
    lines = zone("td3", surname, given, "POL", "AN5123427", "740812", "360415", "F")
    return Drawn("td3", lines, "AN5123427", "1974-08-12", "2036-04-15", surname, given, "POL")


@pytest.fixture(scope="module")
def passport():
    """A passport photographed aslant, and what stands on it."""
    document = passport_of("KOWALSKA", "ANNA MARIA")
    return document, read(photographed(page(document), random.Random(3), 0.6))


def test_a_photographed_passport_is_read(passport):
    document, reading = passport
    assert reading.kind == "td3"
    assert list(reading.zone) == document.lines
    said = reading.fields
    assert said["number"].value == document.number
    assert (said["surname"].value, said["given_names"].value) == ("KOWALSKA", "ANNA MARIA")
    assert (said["birth"].value, said["expiry"].value) == (document.birth, document.expiry)
    assert all(said[name].checked for name in ("number", "birth", "expiry", "surname", "given_names"))
    assert said["surname"].source == "mrz+print"
    assert reading.expired(TODAY) is (date.fromisoformat(document.expiry) < TODAY)
    assert reading.hints == ()


def test_its_name_is_compared(passport):
    _, reading = passport
    assert reading.names("Анна", "Ковальска").verdict is IdentityVerdict.MATCH
    assert reading.names("Anna", "Kowalska").source == "mrz+print"
    assert reading.names("Peter", "Smith").verdict is IdentityVerdict.MISMATCH


def test_nothing_that_stands_on_it_reaches_a_log(passport):
    document, reading = passport
    said = repr(reading)
    assert "KOWALSKA" not in said
    assert document.number not in said
    assert document.birth not in said


def test_a_card_upside_down_on_its_side():
    document = made("td1", random.Random(11))
    reading = read(np.ascontiguousarray(np.rot90(page(document, 900), 3)), cyrillic=False)
    assert list(reading.zone) == document.lines
    assert {"birth", "expiry"} <= {name for name, each in reading.fields.items() if each.checked}


def test_what_is_no_document_says_what_to_do():
    nothing = read(np.full((480, 640, 3), 140, np.uint8))
    assert (nothing.kind, nothing.readable, nothing.hints) == ("", False, (ReadingHint.NO_TEXT,))
    assert nothing.names("Anna", "Kowalska").reason == "not_read"
    burnt = np.full((480, 640, 3), 140, np.uint8)
    burnt[100:300, 200:450] = 255
    assert read(burnt).hints == (ReadingHint.GLARE,)


def test_a_zone_that_is_cut_off_is_told():
    document = made("td3", random.Random(5))
    whole = page(document)
    reading = read(np.ascontiguousarray(whole[:, : int(whole.shape[1] * 0.7)]))
    assert ReadingHint.CUT_OFF in reading.hints
    assert not any(each.checked for each in reading.fields.values())


@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed (.ci/packages run)")
def test_cyrillic_print_without_a_zone():
    assert cyrillic.is_installed()
    picture = Image.new("RGB", (1000, 640), (226, 220, 205))
    draw = ImageDraw.Draw(picture)
    for row, text in enumerate(["РОССИЙСКАЯ ФЕДЕРАЦИЯ", "СОЛОВЬЁВА", "НАТАЛЬЯ", "СЕРГЕЕВНА", "12.03.1985 ТВЕРЬ"]):
        draw.text((320, 60 + 90 * row), text, font=ImageFont.truetype(PRINT, 34), fill=(40, 40, 60))
    reading = read(np.array(picture.rotate(3, fillcolor=(90, 90, 90)))[:, :, ::-1].copy())
    assert reading.kind == "print"
    assert reading.names("Наталья", "Соловьева").verdict is IdentityVerdict.MATCH
    assert reading.names("Иван", "Петров").verdict is IdentityVerdict.UNDETERMINED


def test_without_tesseract_nothing_breaks(monkeypatch):
    monkeypatch.setenv("PATH", "")
    cyrillic.is_installed.cache_clear()
    line = np.array([[0, 0], [100, 0], [100, 20], [0, 20]], np.float32)
    assert cyrillic.cyrillic_lines(np.full((40, 120, 3), 200, np.uint8), [line]) == []
    monkeypatch.undo()
    cyrillic.is_installed.cache_clear()


def test_engines_are_named_with_their_hashes():
    assert set(engines()) == {"PP-OCRv6_det_small", "PP-OCRv6_rec_small"}
    assert all(len(digest) == 64 for digest in engines().values())


@needs_specimens
@pytest.mark.parametrize("name", ["100_id-si.jpg", "77_card-cmw.png"])
def test_specimens(name):
    """A part of them here, all of them in the report; a wrong composite digit in print (card-cmw) is not repaired."""
    wanted = truth_of(name)
    reading = read(cv2.imread(str(SPECIMENS / name)), cyrillic=False)
    assert {key: each.value for key, each in reading.fields.items()} == wanted
    if name == "77_card-cmw.png":
        assert reading.digits["composite"] is False
        assert not any(reading.fields[key].checked for key in ("number", "birth", "expiry"))

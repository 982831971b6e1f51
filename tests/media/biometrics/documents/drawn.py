"""Documents made by the test: zones with right check digits, drawn on a page, photographed badly."""

import random
import string
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from media.biometrics.documents.mrz import check_digit

PRINT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
ZONE_FONTS = ("/usr/share/fonts/opentype/ocr-b/OCRB.otf", "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf")
SURNAMES = ["NOVAK", "GARCIA", "OSULLIVAN", "ZHANG", "KOWALSKA", "PETROV", "BIBIKOV", "SOLOVEV", "QUINN", "MOUAZZEN"]
GIVEN = ["ANNA", "JOHN PAUL", "OLIVIA", "XIAOLI", "DMITRII", "MARIE ISABEL", "IGOR", "BO", "SOPHIE", "GUS"]
STATES = ["UTO", "DEU", "POL", "ESP", "GBR", "CHN", "BRA", "ZAF"]


def zone_font():
    return next(path for path in ZONE_FONTS if Path(path).exists())


@dataclass
class Drawn:
    """A document: its zone, and what its fields say."""

    kind: str
    lines: list
    number: str
    birth: str
    expiry: str
    surname: str
    given_names: str
    state: str


def made(kind, chance, names=None):
    """Return a document with random contents; ``chance``: random.Random."""
    surname, given = names or (chance.choice(SURNAMES), chance.choice(GIVEN))
    state = chance.choice(STATES)
    number = "".join(chance.choice(string.ascii_uppercase + string.digits * 4) for _ in range(9))
    birth = f"{chance.randrange(40, 100):02d}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
    expiry = f"{chance.randrange(20, 40):02d}{chance.randrange(1, 13):02d}{chance.randrange(1, 29):02d}"
    lines = zone(kind, surname, given, state, number, birth, expiry, chance.choice("MF"), optional_of(kind, chance))
    iso = f"19{birth[:2]}-{birth[2:4]}-{birth[4:]}", f"20{expiry[:2]}-{expiry[2:4]}-{expiry[4:]}"
    return Drawn(kind, lines, number, *iso, surname, given, state)


def optional_of(kind, chance):
    room = {"td3": 14, "td2": 7, "td1": 11, "mrv_a": 16, "mrv_b": 8}[kind]
    length = chance.choice([0, room // 2, room])
    return "".join(chance.choice(string.ascii_uppercase + string.digits) for _ in range(length))


def zone(kind, surname, given, state, number, birth, expiry, sex, optional=""):
    """Return the lines of a zone, its check digits computed by the layout of ICAO 9303, parts 4 to 7."""
    names = f"{surname}<<{given}".replace(" ", "<").replace("-", "<")

    def with_digit(text):
        return text + check_digit(text)

    numbered, born, ends = with_digit(number.ljust(9, "<")), with_digit(birth), with_digit(expiry)
    if kind == "td1":
        first = f"I<{state}{numbered}".ljust(30, "<")
        second = f"{born}{sex}{ends}{state}{optional.ljust(11, '<')}"
        return [first, second + check_digit(first[5:] + born + ends + second[18:29]), names.ljust(30, "<")]
    length = 44 if kind in ("td3", "mrv_a") else 36
    code = {"td3": "P<", "td2": "I<"}.get(kind, "V<")
    first = f"{code}{state}{names}".ljust(length, "<")[:length]
    second = f"{numbered}{state}{born}{sex}{ends}"
    if kind == "td3":
        more = with_digit(optional.ljust(14, "<"))
        return [first, second + more + check_digit(numbered + born + ends + more)]
    if kind == "td2":
        more = optional.ljust(7, "<")
        return [first, second + more + check_digit(numbered + born + ends + more)]
    return [first, (second + optional).ljust(length, "<")]


def page(document, width=1000, print_names=True):
    """Draw a document page, BGR: print above, the zone below."""
    columns = len(document.lines[0])
    image = Image.new("RGB", (width, round(width * 0.7)), (226, 222, 208))
    draw = ImageDraw.Draw(image)
    for number in range(0, width, 14):  # the pattern that real pages have under their print
        draw.line([(number, 0), (width - number, image.height)], fill=(214, 216, 214), width=2)
    size = 10
    while ImageFont.truetype(zone_font(), size + 1).getlength("0" * columns) < width * 0.88:
        size += 1
    font = ImageFont.truetype(zone_font(), size)
    pitch = width * 0.88 / columns
    top = image.height - len(document.lines) * size * 1.6 - width * 0.03
    for row, line in enumerate(document.lines):
        for column, char in enumerate(line):
            draw.text((width * 0.06 + column * pitch, top + row * size * 1.6), char, font=font, fill=(35, 32, 38))
    if print_names:
        label, value = ImageFont.truetype(PRINT, width // 60), ImageFont.truetype(PRINT, width // 38)
        draw.rectangle([width * 0.06, width * 0.1, width * 0.3, width * 0.4], fill=(170, 160, 150))
        texts = [("Surname", document.surname), ("Given names", document.given_names), ("No.", document.number)]
        for row, (name, text) in enumerate(texts):
            draw.text((width * 0.36, width * (0.1 + row * 0.085)), name, font=label, fill=(110, 60, 60))
            draw.text((width * 0.36, width * (0.123 + row * 0.085)), text, font=value, fill=(40, 40, 45))
    return np.array(image)[:, :, ::-1].copy()


def photographed(picture, chance, hardness=1.0):
    """Photograph a page as candidates do: on a table, aslant, small, out of focus, lit from one side, compressed."""
    height, width = picture.shape[:2]
    side = round(max(height, width) * 1.25)
    table = np.full((side, side, 3), (92, 104, 118), np.uint8)
    table[:] = np.clip(table + np.random.default_rng(chance.randrange(1 << 30)).normal(0, 6, table.shape), 0, 255)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    shift = np.array([(side - width) / 2, (side - height) / 2], np.float32)
    wanted = (
        corners + shift + [[chance.uniform(-1, 1) * 0.035 * hardness * width for _ in range(2)] for _ in range(4)]
    )
    way = cv2.getPerspectiveTransform(corners, wanted.astype(np.float32))
    angle = np.vstack(
        [cv2.getRotationMatrix2D((side / 2, side / 2), chance.uniform(-12, 12) * hardness, 1), [0, 0, 1]]
    )
    shot = cv2.warpPerspective(picture, angle @ way, (side, side), table, cv2.INTER_AREA, cv2.BORDER_TRANSPARENT)
    shot = np.ascontiguousarray(np.rot90(shot, chance.choice([0, 0, 0, 1, 2, 3])))
    shot = cv2.resize(shot, None, fx=(share := chance.uniform(0.75, 1.2)), fy=share, interpolation=cv2.INTER_AREA)
    shot = cv2.GaussianBlur(shot, (0, 0), 0.3 + chance.uniform(0, 1.0) * hardness)
    light = np.linspace(chance.uniform(0.6, 1), chance.uniform(0.8, 1.15), shot.shape[1])[None, :, None]
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(0, 4 * hardness, shot.shape)
    shot = np.clip(shot * light + noise, 0, 255).astype(np.uint8)
    return cv2.imdecode(cv2.imencode(".jpg", shot, [cv2.IMWRITE_JPEG_QUALITY, chance.randrange(45, 92)])[1], 1)


def some(kind, seed):
    return made(kind, random.Random(seed))

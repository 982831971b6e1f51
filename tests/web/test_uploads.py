"""Whatever takes bytes: too many, of another kind, two kinds at once, or made to unfold. Every such route is here."""

import base64
import hashlib
import io
import struct
import zlib

import pytest
from PIL import Image

from appliance.models import Consent, IdentityPhoto, SystemCheck, VaultObject
from appliance.services import challenge_pictures
from appliance.services.challenge_pictures import HEADER
from appliance.vocabulary import BiometricsMode, CheckInStep, SittingState
from tests.web.test_hand_ins import begin, lost  # noqa: F401 - a fixture
from web.policy import Side
from web.routes import ROUTES

FACE = "/api/v1/sitting/photos/{kind:face|document}"
STEPS = "/api/v1/sitting/challenges/{id}/steps/{step}"
CHUNKS = "/api/v1/sitting/hand-ins/{id}/chunks/{n}"

UPLOADS = {FACE, STEPS, CHUNKS}


def test_every_upload_is_tried_here():
    """A new route that takes more than a small JSON belongs into this file."""
    assert {row.pattern for side in Side for row in ROUTES.get(side, []) if row.limit is not None} == UPLOADS


def jpeg(size=(640, 480), **options):
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, "JPEG", **options)
    return out.getvalue()


def png_bomb(width, height):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"\0" * 3_000_000, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def jpeg_that_claims(width, height):
    """A JPEG whose frame header says another size."""
    picture = bytearray(jpeg((200, 200)))
    frame = picture.index(b"\xff\xc0")
    picture[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(picture)


HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "html": b"<!doctype html><script>alert(1)</script>",
    "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
    "svg_entities": b'<!DOCTYPE s [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>',
    "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj",
    "zip": b"PK\x03\x04" + b"\0" * 400,
    "elf": b"\x7fELF" + b"\0" * 400,
    "gif": b"GIF89a" + struct.pack("<HH", 640, 480) + b"\0" * 100,
    "tiff": b"II*\0" + b"\0" * 200,
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 640 480\n(/etc/passwd) run\n",
    "only_the_magic": b"\xff\xd8\xff\xe0",
    "cut_off": jpeg()[:900],
    "png_bomb": png_bomb(60_000, 60_000),
    "png_bomb_within": png_bomb(6000, 6000),
    "jpeg_bomb": jpeg_that_claims(65_000, 65_000),
    "jpeg_bomb_within": jpeg_that_claims(9000, 9000),
}


@pytest.fixture
def send_photo(candidate, make, session):
    browser, sitting = candidate(exam=make.exam(biometrics=BiometricsMode.NONE), step=CheckInStep.FACE_PHOTO)
    session.add(Consent(sitting_id=sitting.id, accepted=True, text_version="1", text_hash="", language="en"))
    session.add(SystemCheck(sitting_id=sitting.id, passed=True, results={}, client={}))
    session.commit()

    def send(content, kind="image/jpeg", **headers):
        return browser.post(
            "/api/v1/sitting/photos/face",
            content,
            headers={"X-CSRF-Token": browser.csrf, "Content-Type": kind, **headers},
            expect_errors=True,
        )

    return send


@pytest.mark.parametrize("name", HOSTILE)
def test_photos_of_another_kind(send_photo, name):
    answer = send_photo(HOSTILE[name])
    assert answer.status_int == 400, answer.text
    assert answer.json["error"]["code"] == "photo_refused"


def test_a_photo_that_is_a_page_as_well_is_kept_without_the_page(send_photo, session, vault):
    exif = Image.Exif()
    exif[0x010E] = "<script>alert(1)</script>"
    exif[0x8825] = {1: "N", 2: (55.0, 45.0, 0.0)}  # where it was taken
    content = jpeg(exif=exif, comment=b"<script>alert(2)</script>") + b"<script>alert(3)</script>" + HOSTILE["zip"]
    assert send_photo(content, "text/html").status_int == 200
    row = session.query(IdentityPhoto).one()
    with vault.open(session, session.get(VaultObject, row.vault_object_id)) as reader:
        kept = reader.read()
    assert b"script" not in kept and b"PK\x03\x04" not in kept
    assert row.content_type == "image/jpeg"
    with Image.open(io.BytesIO(kept)) as picture:
        assert not picture.getexif() and "comment" not in picture.info


def test_photos_that_are_too_large_are_refused_before_they_are_read(send_photo, settings):
    assert send_photo(b"x", **{"Content-Length": str(settings.photo_max_bytes + 1)}).status_int == 413
    assert send_photo(b"\xff\xd8\xff" + b"x" * settings.photo_max_bytes).status_int == 413


@pytest.fixture
def send_batch(candidate, make, session):
    exam = make.exam(identification="skip", biometrics=BiometricsMode.SERVER, liveness=True)
    browser, sitting = candidate(SittingState.CHECK_IN, exam=exam, step=CheckInStep.LIVENESS)
    session.add(Consent(sitting_id=sitting.id, accepted=True, text_version="1", text_hash="", language="en"))
    session.add(SystemCheck(sitting_id=sitting.id, passed=True, results={}, client={}))
    session.commit()
    state = browser.post_ok("/api/v1/sitting/liveness")
    number = state["challenges"]["liveness"]["id"]

    def send(content):
        headers = {"X-CSRF-Token": browser.csrf, "Content-Type": "application/octet-stream"}
        path = f"/api/v1/sitting/challenges/{number}/steps/0"
        return browser.post(path, content, headers=headers, expect_errors=True)

    return send


@pytest.mark.parametrize("name", HOSTILE)
def test_batches_with_pictures_of_another_kind(send_batch, name):
    content = HOSTILE[name]
    for batch in (content, HEADER.pack(1, 2**32 - 1) + content):
        assert send_batch(batch).status_int in {400, 413}, name
    # only the pixels of "cut_off" are missing: the worker, who decodes them, will say so
    expected = {200} if name == "cut_off" else {400, 413}
    assert send_batch(HEADER.pack(1, len(content)) + content).status_int in expected, name


def test_batches_that_are_too_large(send_batch):
    assert send_batch(b"\0" * (challenge_pictures.BATCH_BYTES + 1)).status_int == 413
    small = jpeg((160, 120))
    many = b"".join(HEADER.pack(n + 1, len(small)) + small for n in range(challenge_pictures.MOST + 1))
    assert send_batch(many[: challenge_pictures.BATCH_BYTES]).status_int in {400, 413, 429}


@pytest.fixture
def send_chunk(lost):  # noqa: F811
    browser, _ = lost((10_000, 40_000))
    number = begin(browser)["id"]

    def send(content, index="0", digest=None):
        told = base64.b64encode(hashlib.sha256(content).digest()).decode() if digest is None else digest
        return browser.put(
            f"/api/v1/sitting/hand-ins/{number}/chunks/{index}",
            content,
            headers={"X-CSRF-Token": browser.csrf, "Content-Digest": f"sha-256=:{told}:"},
            content_type="application/octet-stream",
            expect_errors=True,
        )

    return send


@pytest.mark.parametrize("index", ["3", "-1", "99999999999", "9" * 30, "x", "0x1", "1.5"])
def test_chunks_that_there_are_none_of(send_chunk, index):
    assert send_chunk(b"x" * 1000, index).status_int in {400, 404}


def test_chunks_of_another_size_or_hash(send_chunk):
    size = 1024 * 1024
    assert send_chunk(b"").status_int == 400
    assert send_chunk(b"x" * (size - 1)).status_int == 400
    assert send_chunk(b"x" * (size + 1)).status_int == 413
    for digest in ("", "x", "A" * 44, "\x00", "=" * 1000):
        assert send_chunk(b"x" * size, digest=digest).status_int == 400


# What the chunks make together is opened by the worker: a recording, or refused (see media/recordings/test_hand_in).

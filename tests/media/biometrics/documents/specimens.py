"""The specimens of the measuring data, and what is printed in their zones (written down by looking at them)."""

import pytest

from media.biometrics.documents.mrz import parse
from tests.media.scenarios import DATA

SPECIMENS = DATA / "documents"
needs_specimens = pytest.mark.skipif(
    not SPECIMENS.is_dir(), reason=f"the specimens are not here: {SPECIMENS} (set KUSTOS_TEST_DATA)"
)

ZONES = {
    "100_id-si.jpg": [
        "I<SI<09999100180706966505468<<",
        "6606079F0807276SI<<<<<<<<<<<<0",
        "VZOREC<<TINA<<<<<<<<<<<<<<<<<<",
    ],
    "100_pass-chn.jpg": [
        "P<TWNLIN<<MEI<HUA<<<<<<<<<<<<<<<<<<<<<<<<<<<",
        "0000000000TWN7601015F1404018A234567893<<<<18",
    ],
    "100_pass-cze2.jpg": [
        "P<CZESPECIMEN<<VZOR<<<<<<<<<<<<<<<<<<<<<<<<<",
        "99009054<4CZE6906229F16072996956220612<<<<74",
    ],
    "100_pass-polx.jpg": [
        "P<POLKOWALSKA<KWIATKOWSKA<<JOANNA<<<<<<<<<<<",
        "AA00000000POL6002084F1412314<<<<<<<<<<<<<<<4",
    ],
    "100_pass2-uto.jpg": ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"],
    "100_visa-usa.jpg": [
        "VIUSATRAVELER<<HAPPYPERSON<<<<<<<<<<<<<<<<<<",
        "555123ABC6GBR6502056F0412236IFLND00AMS803085",
    ],
    "43_pass-twn.jpg": [
        "P<TWNLIN<<CHIEN<SHENG<<<<<<<<<<<<<<<<<<<<<<<",
        "M000004264TWN6803029M9801048F122187664<<<<66",
    ],
    "77_card-cmw.png": [
        "IDCMW<512849702<<<<<<<<<<<<<<<",
        "6104128M1402209CMW<<<<<<<<<<<1",
        "PUBLIC<<JON<<<<<<<<<<<<<<<<<<<",
    ],
    "mrva.jpg": [
        "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L8988901C4XXX4009078F96121096ZE184226B<<<<<<",
    ],
    "passport-td2.jpg": ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"],
    "passport-td3.jpg": [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ],
    "td1.jpg": [
        "I<UTOD231458907<<<<<<<<<<<<<<<",
        "7408122F1204159UTO<<<<<<<<<<<6",
        "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
    ],
    "td3.jpg": [
        "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
        "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
    ],
}


def truth_of(name):
    """Return the fields of a specimen by name."""
    return {key: each.value for key, each in parse(ZONES[name]).fields.items()}

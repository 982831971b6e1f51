"""``kustos compliance report`` and ``settings``, and ``kustos openapi``: what is printed."""

import json


def test_the_report_measure_by_measure(kustos, make, session):
    make.company(slug="north", profile="eu")
    make.company(slug="south", profile="ru")
    session.commit()
    text = kustos("compliance", "report", "--company", "north")
    for words in (
        "profile eu",
        "setting:",
        "evidence:",
        "test:     tests/",
        "not met",
        "it certifies nothing",
        "depends on IT",
    ):
        assert words in text
    assert "south" not in text
    found = json.loads(kustos("compliance", "report", "--json"))["reports"]
    assert [one["company"]["slug"] for one in found] == ["north", "south"]
    assert "There is no company west" in kustos("compliance", "report", "--company", "west", status=1)


def test_settings_and_description(kustos, make, session, settings, tmp_path):
    make.company(slug="north")
    session.commit()
    text = kustos("compliance", "settings")
    assert settings.secret_key not in text and json.loads(text)["settings"][0]["company"]["slug"] == "north"
    assert json.loads(kustos("openapi"))["openapi"] == "3.1.0"
    kustos("openapi", str(tmp_path / "kustos.json"))
    assert json.loads((tmp_path / "kustos.json").read_text())["info"]["title"] == "Kustos"

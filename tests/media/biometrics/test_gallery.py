"""Search among enrolled faces: exact, fresh, bounded; and that the templates of two companies cannot be matched."""

import ast
import itertools
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from appliance.audit import Actor
from appliance.errors import BiometricsOff, TooMany
from appliance.models import Candidate
from appliance.services import templates
from appliance.services.template_protection import LENGTH, Protection
from appliance.vocabulary import BiometricsMode
from media.biometrics import engines
from media.biometrics.engines import default_engine, engine_for
from media.biometrics.gallery import BLOCK, Galleries, Gallery, similar_below
from media.biometrics.photos import check_photo
from tests.bench.biometrics.search import crowd, mates
from tests.media.scenarios import DATA

MODEL = "ab" * 32
BOX = Actor.appliance("photo_check")
LFW = DATA / "faces" / "lfw"
needs_faces = pytest.mark.skipif(
    not LFW.is_dir(), reason=f"the labelled faces are not here: {LFW} (set KUSTOS_TEST_DATA)"
)


@pytest.fixture
def enrol(make, session, vault):
    def enrol(face, company=None):
        sitting = make.sitting(exam=make.exam(company=company)) if company else make.sitting()
        return sitting, templates.enrol(session, BOX, vault, sitting, face, MODEL)

    return enrol


def look(galleries, session, vault, sitting, face, person=0):
    found = galleries.search(session, vault, sitting.company_id, person, face, MODEL)
    return found.searched, [each.candidate_id for each in found.found]


def test_finds_exactly_what_an_exact_search_finds():
    gallery, faces = Gallery(), np.concatenate(list(crowd(BLOCK + 3000)))
    gallery.add([(number + 1, number + 1, face) for number, face in enumerate(faces)])
    assert (len(gallery), gallery.last_id) == (BLOCK + 3000, BLOCK + 3000)
    rows = [5, BLOCK - 1, BLOCK + 2999]
    for below, apart in ((0.3, 0.25), (0.45, 0.4)):
        for row, query in zip(rows, mates(faces[rows], apart), strict=True):
            exact = {int(number) + 1 for number in np.flatnonzero(np.linalg.norm(faces - query, axis=1) < below)}
            assert row + 1 in exact
            assert exact <= set(gallery.near(query, below, 0))
            assert row + 1 not in gallery.near(query, below, row + 1)  # never the person's own


def test_what_is_enrolled_is_found_at_once_and_what_is_revoked_never(make, session, vault, enrol):
    galleries, faces = Galleries(), next(crowd(4))
    first, _ = enrol(faces[0])
    enrol(faces[1])
    query = mates(faces[:1], 0.2)[0]
    assert look(galleries, session, vault, first, query) == (2, [first.candidate_id])
    assert look(galleries, session, vault, first, query, first.candidate_id) == (2, [])
    third, _ = enrol(mates(faces[:1], 0.15, seed=5)[0])
    searched, found = look(galleries, session, vault, first, query)
    assert (searched, set(found)) == (3, {first.candidate_id, third.candidate_id})
    templates.revoke(session, BOX, vault, session.get_one(Candidate, first.candidate_id))
    assert look(galleries, session, vault, first, query) == (2, [third.candidate_id])
    vault.destroy(session, templates.person_purpose(third.candidate_id))
    assert look(galleries, session, vault, first, query)[1] == []


def test_after_a_renewal_all_are_found_again(session, vault, enrol):
    galleries, faces = Galleries(), next(crowd(3))
    sittings = [enrol(face)[0] for face in faces]
    query = mates(faces[:1], 0.2)[0]
    assert look(galleries, session, vault, sittings[0], query)[1] == [sittings[0].candidate_id]
    templates.renew(session, BOX, vault, sittings[0].company_id)
    session.expire_all()
    assert look(galleries, session, vault, sittings[0], query) == (3, [sittings[0].candidate_id])


def test_another_company_is_never_searched(make, session, vault, enrol):
    galleries, faces = Galleries(), next(crowd(2))
    first, _ = enrol(faces[0])
    other, _ = enrol(faces[1], company=make.company())
    assert look(galleries, session, vault, other, mates(faces[:1], 0.1)[0]) == (1, [])
    assert look(galleries, session, vault, first, mates(faces[:1], 0.1)[0]) == (1, [first.candidate_id])


def test_memory_is_bounded(make, session, vault, enrol):
    galleries, faces = Galleries(max_rows=3), next(crowd(6))
    first = [enrol(face)[0] for face in faces[:2]]
    second = [enrol(face, company=company)[0] for company in [make.company()] for face in faces[2:4]]
    look(galleries, session, vault, first[0], faces[0])
    look(galleries, session, vault, second[0], faces[2])
    assert galleries.rows == 2  # the first company's went
    assert look(galleries, session, vault, first[0], faces[0])[1] == [first[0].candidate_id]
    [enrol(face) for face in faces[4:]]
    with pytest.raises(TooMany):
        Galleries(max_rows=3).search(session, vault, first[0].company_id, 0, faces[0], MODEL)


def test_the_more_people_the_nearer_one_must_be():
    limits = [similar_below(count) for count in (1, 100, 10_000, 1_000_000)]
    assert limits == sorted(limits, reverse=True)
    assert limits[0] == 0.5
    assert 0.25 < limits[-1] < 0.35


def linkable(first, second):
    """Area under the curve that tells mated pairs of two tables from others, and the p-value that they are alike."""
    apart = np.linalg.norm(first[:, None] - second[None], axis=2)
    mated, others = np.diag(apart), apart[~np.eye(len(apart), dtype=bool)]
    better = stats.mannwhitneyu(others, mated).statistic / (len(others) * len(mated))
    return float(better), float(stats.ks_2samp(mated, others).pvalue)


def check_unlinkable(one, two):
    """``one`` and ``two``: another picture of each of the same people."""
    protections = [Protection.of(1, bytes([number]) * 32) for number in range(6)]
    inside, _ = linkable(*(np.array([protections[0].protect(face) for face in faces]) for faces in (one, two)))
    assert inside > 0.97  # inside a company distances tell people apart as ever
    chances, alike = [], []
    for first, second in itertools.pairwise(protections):
        tables = [np.array([p.protect(face) for face in faces]) for p, faces in ((first, one), (second, two))]
        assert np.allclose(np.linalg.norm(tables[0], axis=1), LENGTH)  # nor do lengths tell
        area, value = linkable(*tables)
        chances.append(area)
        alike.append(value)
    assert abs(float(np.mean(chances)) - 0.5) < 0.06
    assert float(np.median(alike)) > 0.05


def test_two_companies_templates_of_the_same_people_cannot_be_matched():
    faces = next(crowd(150))
    check_unlinkable(faces, mates(faces, 0.44))


@needs_faces
def test_nor_those_of_real_faces():
    people = [path for path in sorted(LFW.iterdir()) if len(list(path.glob("*.jpg"))) >= 2][:90]
    pairs = []
    for folder in people:
        found = [check_photo(path.read_bytes()).descriptor for path in sorted(folder.glob("*.jpg"))[:2]]
        if all(each is not None for each in found):
            pairs.append(found)
    assert len(pairs) > 50
    check_unlinkable(np.array([first for first, _ in pairs]), np.array([second for _, second in pairs]))


class TestOneDoor:
    """Nothing describes a face but what ``engines`` gives out."""

    TOOLS = ("media/biometrics/engines.py", "media/biometrics/photos.py", "media/analysis.py", "media/recorded.py")

    @pytest.mark.parametrize("mode", [BiometricsMode.NONE, BiometricsMode.ON_DEVICE])
    def test_no_engine_describes_where_it_is_forbidden(self, mode):
        with pytest.raises(BiometricsOff):
            engine_for(mode).describe(np.zeros((8, 8, 3), np.uint8), None)
        with pytest.raises(BiometricsOff):
            engine_for(mode).describe_many([])
        assert engine_for(mode).models == ()

    def test_a_worker_refuses_who_forgets_the_mode(self):
        engines.demand_modes()
        try:
            with pytest.raises(BiometricsOff, match="engine_for"):
                default_engine()
            assert engine_for(BiometricsMode.SERVER) is not None
        finally:
            engines.demand_modes(False)
        assert default_engine() is engine_for(BiometricsMode.SERVER)

    def test_who_names_the_engines(self):
        root = Path(engines.__file__).parents[2]
        found = set()
        for path in root.glob("media/**/*.py"):
            names = {
                alias.name
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            if names & {"default_engine", "onnx_engine", "OnnxEngine", "dlib_engine", "DlibEngine"}:
                found.add(str(path.relative_to(root)))
        found = {name for name in found if "/report/" not in name}
        assert found <= {*self.TOOLS, "media/biometrics/onnx_file.py"}

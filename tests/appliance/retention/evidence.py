"""Makes sittings with something of every data class, sealed in a real vault."""

import json
from datetime import datetime, timedelta

import numpy as np

from appliance.audit import Actor
from appliance.collaborators import Collaborators
from appliance.models import (
    BrowserReport,
    Challenge,
    ChatMessage,
    Consent,
    DocumentReading,
    EvidencePicture,
    HandIn,
    IdentityCheck,
    IdentityPhoto,
    Incident,
    Observation,
    Part,
    PipelineCheck,
    Score,
    Sitting,
    SystemCheck,
    Tile,
    VaultObject,
)
from appliance.models.challenge import ChallengePictures
from appliance.services import purposes, templates
from appliance.vocabulary import (
    ChallengeKind,
    ChallengeState,
    ChatAuthor,
    IdentityCheckKind,
    IdentityVerdict,
    ObservationSource,
    ObservationType,
    PartState,
    PhotoKind,
    Track,
)

BOX = Actor.appliance("photo_check")
MODEL = "ab" * 32


def sealed(session, vault, purpose, kind, content) -> VaultObject:
    row = vault.seal(session, purpose, kind, content)
    session.flush()
    return row


def fill(session, own: Collaborators, sitting: Sitting, at: datetime, film: bytes = b"film" * 1000) -> None:
    """Give a sitting a film, a photo with a reading, findings with pictures, a chat, logs, a template."""
    vault, name = own.vault, sitting.candidate.name
    pictures = purposes.pictures(sitting.id)
    part = sealed(session, vault, purposes.recordings(sitting.id), "part", film)
    session.add(
        Part(
            sitting_id=sitting.id,
            track=Track.CAMERA,
            sequence=1,
            state=PartState.SEALED,
            path="",
            node_url="",
            started_at=at - timedelta(hours=1),
            ended_at=at,
            vault_object_id=part.id,
            size_bytes=len(film),
        )
    )
    photo = IdentityPhoto(
        sitting_id=sitting.id,
        kind=PhotoKind.FACE,
        vault_object_id=sealed(session, vault, pictures, "photo", f"face of {name}".encode()).id,
        width=1,
        height=1,
        hints=[],
    )
    session.add(photo)
    session.flush()
    read = sealed(session, vault, pictures, "document", json.dumps({"fields": {"name": name}}).encode())
    session.add(
        DocumentReading(
            photo_id=photo.id,
            kind="td3",
            name_verdict=IdentityVerdict.MATCH,
            hints=[],
            vault_object_id=read.id,
            engines={},
        )
    )
    seen = Observation(
        sitting_id=sitting.id,
        type=ObservationType.PHONE,
        source=ObservationSource.DETECTOR,
        started_at=at,
        ended_at=at,
        details={"score": 0.7, "threshold": 0.5, "models": {"phone": MODEL}, "label": f"Camera of {name}"},
    )
    session.add(seen)
    session.flush()
    shot = sealed(session, vault, pictures, "evidence_picture", b"a phone")
    session.add(EvidencePicture(observation_id=seen.id, number=1, taken_at=at, vault_object_id=shot.id))
    session.add(
        Incident(
            sitting_id=sitting.id,
            observation_id=seen.id,
            type=ObservationType.PHONE,
            started_at=at,
            ended_at=at,
            comment=f"{name} held a phone",
        )
    )
    session.add(Score(sitting_id=sitting.id, value=80, explanation=[], metrics={"d2": [0, 40]}))
    session.add(
        IdentityCheck(
            sitting_id=sitting.id,
            photo_id=photo.id,
            kind=IdentityCheckKind.DOCUMENT,
            verdict=IdentityVerdict.MATCH,
            distance=0.4,
            details={"match_below": 0.55},
        )
    )
    one = Challenge(
        sitting_id=sitting.id,
        kind=ChallengeKind.LIVENESS,
        state=ChallengeState.FAILED,
        steps=[],
        reasons=[],
        finding={},
    )
    session.add(one)
    session.flush()
    moved = sealed(session, vault, pictures, "challenge", b"turned left")
    session.add(ChallengePictures(challenge_id=one.id, evidence=True, number=0, vault_object_id=moved.id))
    text = f"I am {name}, {sitting.candidate.email}"
    session.add(ChatMessage(sitting_id=sitting.id, author=ChatAuthor.CANDIDATE, text=text, sent_at=at))
    session.add(
        Consent(
            sitting_id=sitting.id,
            accepted=True,
            text_version="1",
            text_hash="0" * 64,
            language="en",
            address="198.51.100.7",
            user_agent=f"Browser of {name}",
        )
    )
    session.add(SystemCheck(sitting_id=sitting.id, passed=True, results={"camera": {"label": name}}, client={}))
    session.add(BrowserReport(sitting_id=sitting.id, content={"values": {"page": {"who": name}}}))
    session.add(Tile(sitting_id=sitting.id, track=Track.CAMERA, wanted_until=at, jpeg=name.encode()))
    template = np.random.default_rng(sitting.id).normal(size=128)
    templates.enrol(session, BOX, vault, sitting, template, MODEL)
    sitting.answers, sitting.finish_comment = {"0": text}, f"{name} left early"
    session.flush()


def leave_files(session, own: Collaborators, sitting: Sitting, user) -> None:
    """Leave what lies outside the vault: a hand-in half received, a node's leftover, a check's bundle."""
    folder = own.settings.recordings / str(sitting.id)
    folder.mkdir(parents=True)
    (folder / "camera-1.webm").write_bytes(sitting.candidate.name.encode())
    row = HandIn(
        sitting_id=sitting.id,
        track=Track.SCREEN,
        started_at=sitting.created_at,
        ended_at=sitting.created_at,
        size_bytes=4,
        sha256="0" * 64,
        mime="video/webm",
        segments=[],
    )
    session.add(row)
    session.flush()
    path = own.settings.hand_ins / str(sitting.id) / f"{row.id}.part"
    path.parent.mkdir(parents=True)
    path.write_bytes(sitting.candidate.email.encode())
    bundle = sealed(session, own.vault, purposes.checks(sitting.id), "bundle", b"addresses")
    session.add(
        PipelineCheck(
            company_id=sitting.company_id,
            sitting_id=sitting.id,
            requested_by_id=user.id,
            steps=[{"detail": sitting.candidate.name}],
            bundle_object_id=bundle.id,
        )
    )
    session.flush()

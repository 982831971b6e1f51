"""The models, one noun a file; importing this package registers every table."""

from appliance.models.access import AccessGrant, ApiClient, Approval, Assignment
from appliance.models.audit_entry import AuditEntry, AuditHead
from appliance.models.audit_trail import (
    AuditActor,
    AuditCheckpoint,
    AuditForwarding,
    AuditRefusal,
    AuditSegment,
    AuditVerification,
    Delivery,
    KnownSettings,
)
from appliance.models.candidate import Candidate
from appliance.models.challenge import Challenge, ChallengePictures
from appliance.models.chat import ChatMessage
from appliance.models.check_in import Consent, IdentityPhoto, SystemCheck
from appliance.models.company import Company
from appliance.models.conversation import Conversation, Seat
from appliance.models.credentials import AccountLink, FormerPassword, KeyChallenge, RecoveryCode, SecurityKey
from appliance.models.disk_outlook import DiskOutlook
from appliance.models.document_reading import DocumentReading
from appliance.models.erasure import Erasure, PersonExport
from appliance.models.evidence_picture import EvidencePicture
from appliance.models.exam import Exam
from appliance.models.export import Export
from appliance.models.face_template import FaceProtection, FaceTemplate, IdentityCheck, SimilarFace
from appliance.models.hand_in import HandIn, HandInChunk
from appliance.models.identity_provider import (
    IdentityProvider,
    LinkedIdentity,
    LogoutTokenSeen,
    SignOnAttempt,
    SignOnPending,
    SignOnSession,
)
from appliance.models.legal_hold import LegalHold
from appliance.models.live_event import LiveEvent
from appliance.models.node import Gateway, Lease, Node, NodeReading, StrayFile
from appliance.models.notice import Notice
from appliance.models.observation import Incident, Observation
from appliance.models.pipeline_check import BrowserReport, PipelineCheck
from appliance.models.rate_limit import RateLimitState
from appliance.models.recording import Gap, LiveMedia, Part
from appliance.models.retention_rule import DeletionCertificate, Disposal, RetentionRule
from appliance.models.sitting import Score, Sitting
from appliance.models.sitting_manifest import SittingManifest
from appliance.models.tile import Tile
from appliance.models.user import LoginSession, User
from appliance.models.vault_object import DataKey, VaultObject

__all__ = [
    "AccessGrant",
    "AccountLink",
    "ApiClient",
    "Approval",
    "Assignment",
    "AuditActor",
    "AuditCheckpoint",
    "AuditEntry",
    "AuditForwarding",
    "AuditHead",
    "AuditRefusal",
    "AuditSegment",
    "AuditVerification",
    "BrowserReport",
    "Candidate",
    "Challenge",
    "ChallengePictures",
    "ChatMessage",
    "Company",
    "Consent",
    "Conversation",
    "DataKey",
    "DeletionCertificate",
    "Delivery",
    "DiskOutlook",
    "Disposal",
    "DocumentReading",
    "Erasure",
    "EvidencePicture",
    "Exam",
    "Export",
    "FaceProtection",
    "FaceTemplate",
    "FormerPassword",
    "Gap",
    "Gateway",
    "HandIn",
    "HandInChunk",
    "IdentityCheck",
    "IdentityPhoto",
    "IdentityProvider",
    "Incident",
    "KeyChallenge",
    "KnownSettings",
    "Lease",
    "LegalHold",
    "LinkedIdentity",
    "LiveEvent",
    "LiveMedia",
    "LoginSession",
    "LogoutTokenSeen",
    "Node",
    "NodeReading",
    "Notice",
    "Observation",
    "Part",
    "PersonExport",
    "PipelineCheck",
    "RateLimitState",
    "RecoveryCode",
    "RetentionRule",
    "Score",
    "Seat",
    "SecurityKey",
    "SignOnAttempt",
    "SignOnPending",
    "SignOnSession",
    "SimilarFace",
    "Sitting",
    "SittingManifest",
    "StrayFile",
    "SystemCheck",
    "Tile",
    "User",
    "VaultObject",
]

"""What is kept, for how long, and how it ends."""

from enum import StrEnum


class DataClass(StrEnum):
    """Kinds of data with a term of their own; each table of the database belongs to one (``retention.stores``)."""

    RECORDING = "recording"
    """Films of camera and screen, what the browser handed in, and exports made of them."""
    PHOTO = "photo"
    """Photos of the check-in, what was read on the document, pictures that show a finding."""
    TEMPLATE = "template"
    """Enrolled faces."""
    CHAT = "chat"
    METRICS = "metrics"
    """Findings with the model, threshold and span of each, marks of people, scores, comparisons of faces."""
    LOG = "log"
    """Technical records of a sitting: system checks, network addresses, what the browser said of its connections."""
    PERSON = "person"
    """Who it was: name, e-mail, the customer's ids, answers and remarks. The sitting stays, of nobody."""


class HoldScope(StrEnum):
    """What a legal hold is placed on."""

    SITTING = "sitting"
    CANDIDATE = "candidate"
    EXAM = "exam"


class LegalBasis(StrEnum):
    """Why one person's data are erased."""

    WITHDRAWN = "withdrawn"
    """Consent was withdrawn: GDPR 17(1)(b), 152-FZ art. 21(5)."""
    NOT_NEEDED = "not_needed"
    """The purpose is achieved: GDPR 17(1)(a), 152-FZ art. 21(4)."""
    OBJECTION = "objection"
    """GDPR 17(1)(c)."""
    UNLAWFUL = "unlawful"
    """GDPR 17(1)(d), 152-FZ art. 21(3)."""
    OBLIGATION = "obligation"
    """A law or an authority's order: GDPR 17(1)(e)."""


class AskedBy(StrEnum):
    """Who asked for an erasure; a word and never a name, which would outlive what was erased."""

    PERSON = "person"
    REPRESENTATIVE = "representative"
    AUTHORITY = "authority"
    COMPANY = "company"


class ErasureState(StrEnum):
    """Life of an erasure; each step is a transaction, and whoever finds one half done goes on with it."""

    REQUESTED = "requested"
    ROWS_GONE = "rows_gone"
    """Keys destroyed and rows gone or without a person; files are still to be removed."""
    FILES_GONE = "files_gone"
    DONE = "done"
    """The certificate is signed."""


class CertificateKind(StrEnum):
    """What a deletion certificate is about."""

    RETENTION = "retention"
    ERASURE = "erasure"


class PersonExportState(StrEnum):
    """Life of an export of one person's data."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"
    DELETED = "deleted"

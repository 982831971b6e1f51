"""The manifest of an export, its signature, and the check of both without a database."""

from appliance.evidence.key import EvidenceKey
from appliance.evidence.verify import Finding, Problem, Report, verify

__all__ = ["EvidenceKey", "Finding", "Problem", "Report", "verify"]

"""The one registry of this process. A label has few values, and never a name, or an id of a person or a sitting."""

from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics

PREFIX: Final = "kustos_"
FORBIDDEN_LABELS: Final = frozenset({"sitting", "user", "candidate", "company", "email", "id", "ip"})
"""What would tell of people, or never end."""

disable_created_metrics()  # type: ignore[no-untyped-call] # a second line for each, which Prometheus makes nothing of

REGISTRY: Final = CollectorRegistry(auto_describe=True)


def counter(name: str, text: str, labels: Sequence[str] = ()) -> Counter:
    """Return a new counter ``kustos_NAME``; ``NAME`` ends with ``_total``."""
    return Counter(_checked(name, labels), text, labels, registry=REGISTRY)


def gauge(name: str, text: str, labels: Sequence[str] = ()) -> Gauge:
    """Return a new gauge; where a server has several processes, it shows the sum of those that live."""
    return Gauge(_checked(name, labels), text, labels, registry=REGISTRY, multiprocess_mode="livesum")


def histogram(name: str, text: str, labels: Sequence[str] = (), *, buckets: Sequence[float]) -> Histogram:
    """Return a new histogram; each bucket is a line for every combination of labels."""
    return Histogram(_checked(name, labels), text, labels, registry=REGISTRY, buckets=buckets)


def _checked(name: str, labels: Sequence[str]) -> str:
    wrong = FORBIDDEN_LABELS.intersection(labels)
    if wrong:
        raise ValueError(f"{name}: a label {min(wrong)} would tell of people")
    return PREFIX + name

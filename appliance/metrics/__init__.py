"""Figures of this process, for Prometheus; names begin with ``kustos_`` and say their unit."""

from appliance.metrics.exporter import Exporter, Health, exported
from appliance.metrics.registry import REGISTRY, counter, gauge, histogram

__all__ = ["REGISTRY", "Exporter", "Health", "counter", "exported", "gauge", "histogram"]

"""Figures of the whole appliance and of this host, asked when Prometheus asks."""

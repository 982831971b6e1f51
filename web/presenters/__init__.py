"""Payloads that only the web needs; all shared ones are in ``appliance.services.payloads``."""

"""Revisions of the schema; run by ``appliance.schema``, never imported by name."""

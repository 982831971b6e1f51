"""Backups: the database by base copies and its stream, sealed files as they are, keys apart; and back onto a host."""

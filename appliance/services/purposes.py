"""Names of the vault's keys: what has a term of its own has its own key, so that destroying it ends only that."""


def recordings(sitting_id: int) -> str:
    """Return the key of a sitting's films; of sittings before revision 0023 of all that is sealed of it."""
    return f"sitting:{sitting_id}"


def pictures(sitting_id: int) -> str:
    """Return the key of a sitting's photos, of what was read on its document, and of its findings' pictures."""
    return f"pictures:{sitting_id}"


def checks(sitting_id: int) -> str:
    """Return the key of the bundles of a sitting's checks."""
    return f"checks:{sitting_id}"


def person_export(export_id: int) -> str:
    """Return the key that is the export of a person's data."""
    return f"person_export:{export_id}"

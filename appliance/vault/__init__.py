"""The vault: envelope encryption of recordings, photos and templates."""

from appliance.vault.keys import MasterKey
from appliance.vault.master_keys import KeyRing, open_master_key
from appliance.vault.sealed_file import SealedReader
from appliance.vault.store import KEY_COLUMNS, StoredKey, Vault

__all__ = ["KEY_COLUMNS", "KeyRing", "MasterKey", "SealedReader", "StoredKey", "Vault", "open_master_key"]

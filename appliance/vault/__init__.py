"""The vault: envelope encryption of recordings, photos and templates."""

from appliance.vault.keys import MasterKey
from appliance.vault.sealed_file import SealedReader
from appliance.vault.store import Vault

__all__ = ["MasterKey", "SealedReader", "Vault"]

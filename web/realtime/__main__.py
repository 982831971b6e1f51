"""``python -m web.realtime``: the gateway alone, as ``kustos gateway`` runs it."""

import asyncio

from appliance.collaborators import assemble
from appliance.settings import load_settings
from web.realtime.server import run

if __name__ == "__main__":
    asyncio.run(run(assemble(load_settings())))

"""Let ``python -m appliance.cli`` be ``kustos``."""

from appliance.cli import main

main()

"""Jobs: deferred with the act, run by workers on any host, taken over when a worker dies."""

from appliance.jobs.queue import Retry, defer, make_app
from appliance.jobs.worker import EXIT_DISPOSSESSED, run_worker

__all__ = ["EXIT_DISPOSSESSED", "Retry", "defer", "make_app", "run_worker"]

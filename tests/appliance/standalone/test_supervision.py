"""What runs on one machine."""

from appliance.jobs.upkeep import upkeep
from appliance.standalone.layout import Ports
from appliance.standalone.supervision import programs
from media.tasks import ALL_TASKS


def test_each_job_has_a_worker_that_takes_it():
    workers = [program.arguments for program in programs(Ports(1, 2, 3, 4, 5)) if program.arguments[0] == "worker"]
    taken = {queue for arguments in workers for queue in arguments[2::2]}
    asked = {task.queue for blueprint in [*ALL_TASKS, upkeep] for task in blueprint.tasks.values()}
    assert asked == taken

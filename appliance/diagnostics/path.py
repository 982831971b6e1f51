"""The steps, in the order of the path from the box to the picture: key -> title and meaning.

English here; the Russian is in ``web/locale/ru/checks.po``.
"""

from typing import Final, NamedTuple


class PathStep(NamedTuple):
    """Title, and what is looked at and why."""

    title: str
    meaning: str


PATH: Final[dict[str, PathStep]] = {
    "support_gateway": PathStep(
        "Who runs the check",
        "The gateway runs the checks that are asked for on the page; it takes one within a second.",
    ),
    "units": PathStep(
        "Units", "Every process that the inventory gives this host runs, and comes back with the machine."
    ),
    "ports": PathStep("Ports", "What browsers and the other hosts need of this host takes a connection."),
    "database": PathStep("Database", "PostgreSQL answers; everything else stands on it."),
    "migrations": PathStep("Database schema", "The database is at the revision that this version of Kustos needs."),
    "connections": PathStep("Connections to the database", "PostgreSQL has connections left for more processes."),
    "archiving": PathStep(
        "The database's log", "What is committed is archived, and whoever follows the log keeps up with it."
    ),
    "recordings_folder": PathStep(
        "Recordings folder", "A file can be made, written and deleted where the media nodes write the recordings."
    ),
    "disk": PathStep(
        "Disk", "There is room for recordings, above the reserve below which no new sitting is admitted."
    ),
    "clock": PathStep(
        "Server's clock", "The machine's clock is kept by a time server: every timeline is in its time."
    ),
    "certificate": PathStep(
        "Certificate", "The certificate of the pages is valid: without it browsers give neither camera nor socket."
    ),
    "backup": PathStep("Backup", "The newest full backup is of last night, and what is committed streams into it."),
    "turn": PathStep(
        "TURN server", "The relay for closed networks gives an address to the credentials that browsers are told."
    ),
    "workers": PathStep("Workers", "Processes that analyse, seal and compare photos say that they live."),
    "models": PathStep(
        "The customer's own models", "Files named by phone_model and antispoof_model are there and can be run."
    ),
    "queues": PathStep("Job queues", "No job waits for longer than it takes to be fetched."),
    "figures": PathStep(
        "Health of the processes", "Each process says that it is ready, at the door where monitoring asks it."
    ),
    "node": PathStep("Media node", "The node answers quickly and has processor time left."),
    "gateway": PathStep("Gateway", "The process of sockets and signalling answers, hears the bus and has its nodes."),
    "sitting": PathStep("Sitting", "The sitting is in a state in which camera and screen are sent."),
    "socket": PathStep(
        "Browser's socket", "The candidate's page is connected and was heard within the last seconds."
    ),
    "browser": PathStep(
        "Browser's own report", "What the browser measures itself is fresh; it tells who is at fault."
    ),
    "devices": PathStep("Camera and screen in the browser", "The browser's tracks are live, on, and give pictures."),
    "publication": PathStep("Publication", "The browser offered the track and a media node answered."),
    "ice": PathStep(
        "Way through the network (ICE)",
        "Browser and node found a pair of addresses over which packets go both ways.",
    ),
    "dtls": PathStep("Encryption (DTLS)", "Browser and node agreed on the keys of the pictures."),
    "flow": PathStep("Pictures arrive", "Packets of the track reach the node now."),
    "loss": PathStep("Loss and delay", "Few packets are lost and they come evenly."),
    "recorder": PathStep("Recorder", "The track is being recorded, and no gap is open."),
    "file": PathStep("File grows", "The file of the recording gets longer while one looks."),
    "tap": PathStep("Tap for the analysis", "The worker has joined the camera's pictures in the node."),
    "analysis": PathStep("Pictures at the worker", "A worker has the job, and what it saw last is recent."),
    "viewers": PathStep("Proctor's view", "Whoever watches has a connection and a codec that the node can send."),
    "candidate_clock": PathStep("Candidate's clock", "How far the candidate's computer is off the server's time."),
    "try_publish": PathStep("Trial: publish", "A synthetic candidate sends pictures to the node over real WebRTC."),
    "try_record": PathStep("Trial: record", "The node records what the synthetic candidate sends."),
    "try_view": PathStep("Trial: watch", "A viewer gets the synthetic candidate's pictures from the node."),
    "try_tap": PathStep("Trial: analyse", "Decoded pictures arrive at the worker's tap."),
    "try_seal": PathStep(
        "Trial: seal", "The recording is finished, sealed in the vault, opened again, and destroyed."
    ),
}

SITTING_STEPS: Final = (
    *("sitting", "socket", "browser", "devices", "publication", "ice", "dtls", "flow", "loss", "recorder", "file"),
    *("tap", "analysis", "viewers", "candidate_clock"),
)
"""What is looked at for one sitting, after the appliance itself."""
TRIAL_STEPS: Final = ("try_publish", "try_record", "try_view", "try_tap", "try_seal")
"""What a synthetic candidate goes through in each node."""

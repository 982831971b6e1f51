"""A publisher in a process of its own, for tests that kill it: JSON lines on stdin and stdout."""

import json
import sys
import threading

from media.node.synthetic import Clip, SyntheticPublisher

lock = threading.Lock()


def say(**message) -> None:
    with lock:
        print(json.dumps(message), flush=True)  # noqa: T201 - this is its protocol


def main() -> None:
    def found(candidate: str, mid: str, mline: int) -> None:
        if candidate:
            say(candidate=candidate, sdp_mid=mid, sdp_mline_index=mline)

    publisher = SyntheticPublisher(Clip.made(), found)
    say(offer=publisher.create_offer())
    for line in sys.stdin:
        message = json.loads(line)
        if "answer" in message:
            publisher.set_answer(message["answer"])
        else:
            publisher.add_ice_candidate(message["candidate"], message["mline"])


if __name__ == "__main__":
    main()

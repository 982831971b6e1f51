"""What the analysis finds in the labelled clips, beside what is in them.

Run: python -m tests.bench.scenarios [CLIP ...]
"""

import json
import sys
import time

from tests.media.scenarios import SCENARIOS, found_in, matches


def say(line):
    sys.stdout.write(line + "\n")


def main(names):
    for name in names:
        truth = json.loads((SCENARIOS / f"{name}.json").read_text())
        started = time.process_time()
        spans, _ = found_in(name)
        took = time.process_time() - started
        say(f"== {name}: {truth['duration']} s of media in {took:.1f} s of CPU")
        for event in truth["events"]:
            if event["type"] in ("none", "voice_detected"):
                continue
            hits = [span for span in spans if matches(span, event)]
            for span in hits:
                say(
                    f"   found  {event['type']:20} {event['start']:5.1f}-{event['end']:5.1f}  {span.text}"
                    f"  onset {span.start - event['start']:+.1f}  told after {span.told - event['start']:.1f} s"
                )
            if not hits:
                say(f"   MISSED {event['type']:20} {event['start']:5.1f}-{event['end']:5.1f}  {event['note']}")
        for span in spans:
            if not any(matches(span, event) for event in truth["events"] if event["type"] != "none"):
                say(f"   FALSE  {span.text}")


if __name__ == "__main__":
    main(sys.argv[1:] or sorted(path.stem for path in SCENARIOS.glob("*.json")))

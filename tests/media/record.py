"""What the database says of a sitting's evidence, for tests."""

import av

from appliance.db import to_ms, unit_of_work
from appliance.models import Gap, LiveMedia, Observation, Part, Sitting
from appliance.vocabulary import PartState, Track
from media.pipelines.coverage import uncovered


class Record:
    """Reads anew at every call."""

    def __init__(self, session_factory, sitting_id):
        self._factory, self._id = session_factory, sitting_id

    def _all(self, model, **fields):
        with unit_of_work(self._factory) as session:
            return list(session.query(model).filter_by(sitting_id=self._id, **fields).order_by(model.id))

    def parts(self, **fields):
        return self._all(Part, **fields)

    def gaps(self, **fields):
        return self._all(Gap, **fields)

    def live(self, **fields):
        return self._all(LiveMedia, **fields)

    def observations(self, **fields):
        return self._all(Observation, **fields)

    def sitting(self):
        with unit_of_work(self._factory) as session:
            return session.get_one(Sitting, self._id)

    def recording(self):
        return len(self.parts(state=PartState.RECORDING)) == 2 and not self.gaps(ended_at=None)

    def whole(self, tolerance_ms=300):
        """Every moment of both tracks is in a part or in a gap."""
        sitting = self.sitting()
        span = (to_ms(sitting.started_at), to_ms(sitting.finished_at))
        for track in (Track.CAMERA, Track.SCREEN):
            rows = [*self.parts(track=track), *self.gaps(track=track)]
            assert all(row.ended_at for row in rows), f"{track}: open at the end"
            holes = uncovered(span, [(to_ms(row.started_at), to_ms(row.ended_at)) for row in rows], tolerance_ms)
            assert holes == [], f"{track}: nothing at {[(a - span[0], b - span[0]) for a, b in holes]} ms"
        return True


def seconds_of(path):
    """Return the seconds of decoded pictures of a file, its last bytes included."""
    times = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            times.append(frame.time)
    return times[-1] - times[0]


async def publish_both(page, clip):
    """Publish camera and screen and wait until both flow."""
    await page.publish("camera", clip)
    await page.publish("screen", clip)
    # of a clip of one picture a second, the first that can be decoded may be the third or fourth
    await page.event("media.state", 20, track="camera", state="live")
    await page.event("media.state", 20, track="screen", state="live")

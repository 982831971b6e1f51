"""Figures that take time are asked for once for all who ask, and given up when they hang."""

import threading

from prometheus_client.metrics_core import GaugeMetricFamily

from appliance.monitoring.refreshed import Group, Refreshed


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def told(refreshed):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in refreshed.collect()
        for sample in family.samples
    }


def test_an_answer_is_told_again_for_a_while():
    clock, asked = Clock(), []

    def ask():
        asked.append(1)
        yield GaugeMetricFamily("kustos_x", "x", value=len(asked))

    refreshed = Refreshed([Group("x", ask, 10, clock)])
    assert told(refreshed)["kustos_x",] == told(refreshed)["kustos_x",] == 1
    clock.now += 10
    assert told(refreshed) == {("kustos_x",): 2, ("kustos_figures_complete", "x"): 1}


def test_what_fails_or_hangs_is_left_out_and_said():
    hang = threading.Event()

    def broken():
        raise OSError("gone")

    def slow():
        hang.wait()
        yield GaugeMetricFamily("kustos_slow", "slow", value=1)

    def well():
        yield GaugeMetricFamily("kustos_well", "well", value=1)

    refreshed = Refreshed([Group("b", broken, 0), Group("s", slow, 0), Group("w", well, 0)], patience=0.2)
    wanted = {("kustos_figures_complete", group): value for group, value in (("b", 0), ("s", 0), ("w", 1))}
    assert told(refreshed) == {**wanted, ("kustos_well",): 1}
    assert told(refreshed) == {**wanted, ("kustos_well",): 1}, "one that hangs is not asked a second time"
    hang.set()
    assert told(Refreshed(refreshed._groups, patience=5))["kustos_slow",] == 1

"""A whole check: the box first, then a sitting's path, or a synthetic candidate through every node."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Final

from appliance.collaborators import Collaborators
from appliance.db import to_ms, unit_of_work, utcnow
from appliance.diagnostics import database, host, installed, processes, relays
from appliance.diagnostics.host import Host
from appliance.diagnostics.path import SITTING_STEPS
from appliance.diagnostics.report import Report, Step, StepState, skipped
from appliance.errors import DatabaseUnavailable
from appliance.vocabulary import Track
from media.checks import browser, drawing, facts, network, nodes, probe, recording, supplied_models, watching
from media.checks.bundle import Materials
from media.checks.facts import SittingFacts, TrackFacts
from media.checks.probe import TrackProbe
from media.checks.trial import Trial
from media.kurento import KurentoClient, KurentoError

BOX: Final = (
    *(installed.check_units, installed.check_ports),
    *(
        host.check_database,
        database.check_database_load,
        host.check_recordings_folder,
        host.check_disk,
        host.check_forecast,
        host.check_clock,
        host.check_certificate,
    ),
    *(installed.check_backup, relays.check_turn, processes.check_workers, supplied_models.check_supplied_models),
    installed.check_figures,
)
"""In the order of the path: the first that fails is the cause of what follows."""
OF_A_TRACK: Final = (
    *(network.check_publication, network.check_ice, network.check_dtls, network.check_flow, network.check_loss),
    *(recording.check_recorder, recording.check_file),
)

PATIENCE_SECONDS = 5.0
"""Who measures how slow a node is waits longer for it than who depends on it."""

Publish = Callable[[Sequence[Step]], Awaitable[None]]
"""Told of steps as they are done."""


@dataclass
class Finding:
    """The report, and what goes into the bundle beside it."""

    report: Report
    materials: Materials = field(default_factory=dict)


async def run(collaborators: Collaborators, sitting_id: int | None, publish: Publish, trials: bool = True) -> Finding:
    """Carry a check out and return all of it; raise ``NotFound`` for a sitting there is none of.

    ``trials``: send a synthetic candidate through every node, when the whole appliance is looked at.
    """
    finding = Finding(Report(sitting_id, to_ms(utcnow()), host.own_version()))
    walk = (
        _appliance(collaborators, finding, trials)
        if sitting_id is None
        else _sitting(collaborators, sitting_id, finding)
    )
    async for steps in walk:
        finding.report.steps += steps
        await publish(steps)
    return finding


async def _appliance(collaborators: Collaborators, finding: Finding, trials: bool) -> AsyncIterator[list[Step]]:
    box = Host(collaborators.settings, collaborators.session_factory, collaborators.vault)
    for check in BOX:
        yield await asyncio.to_thread(host.run, check, box)
    urls = list(collaborators.settings.kurento_urls)
    if _database_is_up(finding):
        urls = await asyncio.to_thread(_node_urls, collaborators)
    clients: dict[str, KurentoClient] = {}
    try:
        async for steps in _processes_of_media(box, urls, clients):
            yield steps
    finally:
        await _hang_up(clients)
    for url in urls if trials else ():
        async for step in Trial(collaborators, url).steps():
            yield [step]


async def _sitting(collaborators: Collaborators, sitting_id: int, finding: Finding) -> AsyncIterator[list[Step]]:
    box = Host(collaborators.settings, collaborators.session_factory, collaborators.vault, sitting_id)
    for check in BOX:
        yield await asyncio.to_thread(host.run, check, box)
    if not _database_is_up(finding):
        yield await asyncio.to_thread(host.run, processes.check_gateway, box)
        yield [skipped(key, "not_looked_at") for key in SITTING_STEPS]
        return
    known = await asyncio.to_thread(_read, collaborators, sitting_id)
    clients: dict[str, KurentoClient] = {}
    try:
        # Without anything live it may be any node's fault that nothing is.
        urls = known.node_urls or await asyncio.to_thread(_node_urls, collaborators)
        async for steps in _processes_of_media(box, urls, clients):
            yield steps
        stage = browser.check_sitting(known)
        yield stage
        if stage[0].state is StepState.FAILED:
            yield [skipped(key, "not_looked_at") for key in SITTING_STEPS[1:]]
            return
        for look in (browser.check_socket, browser.check_browser, browser.check_devices):
            yield look(known)
        async for steps in _media(known, clients, finding):
            yield steps
    finally:
        await _hang_up(clients)


async def _hang_up(clients: dict[str, KurentoClient]) -> None:
    await asyncio.gather(*(client.close(end_session=True) for client in clients.values()), return_exceptions=True)


async def _processes_of_media(
    box: Host, urls: Sequence[str], clients: dict[str, KurentoClient]
) -> AsyncIterator[list[Step]]:
    """Yield the nodes' steps, then the gateways': one that has lost its node is not to blame for it."""
    for url in urls:
        yield [await _reach(url, clients)]
    yield await asyncio.to_thread(host.run, processes.check_gateway, box)


async def _reach(url: str, clients: dict[str, KurentoClient]) -> Step:
    begin = monotonic()
    client = KurentoClient(url, ping_timeout=PATIENCE_SECONDS)
    try:
        await client.open()
        clients[url] = client
        step = nodes.judge(url, await nodes.measure(client))
    except KurentoError as error:
        step = nodes.not_there(url, error)
    return replace(step, took_ms=round((monotonic() - begin) * 1000))


async def _media(
    known: SittingFacts, clients: dict[str, KurentoClient], finding: Finding
) -> AsyncIterator[list[Step]]:
    begin = monotonic()
    endpoints = frozenset(track.live.endpoint_id for track in known.tracks.values() if track.live is not None)
    asked = await asyncio.gather(*(_ask(clients, track, endpoints) for track in known.tracks.values()))
    probes = list(zip(known.tracks.values(), asked, strict=True))
    took_ms = round((monotonic() - begin) * 1000)
    for check in OF_A_TRACK:
        found = [step for track, probed in probes for step in check(known, track, probed)]
        yield [replace(step, took_ms=took_ms) for step in found] if check is network.check_publication else found
    camera = next((probed for track, probed in probes if track.track is Track.CAMERA), None)
    if camera is None:
        yield watching.check_own_analysis(known)
    else:
        yield watching.check_tap(known, camera)
        yield watching.check_analysis(known, camera)
    yield watching.check_viewers(_watchers(asked))
    yield browser.check_candidate_clock(known)
    finding.materials |= _materials(known, probes, finding.report.steps)


async def _ask(clients: dict[str, KurentoClient], track: TrackFacts, endpoints: frozenset[str]) -> TrackProbe:
    client = clients.get(track.live.node_url) if track.live is not None else None
    if client is None:
        return TrackProbe(error="the media node was not reached" if track.live is not None else "")
    return await probe.ask(client, track, endpoints)


def _watchers(probes: Sequence[TrackProbe]) -> list[probe.Watcher]:
    """Return each watcher once: both tracks are in one pipeline."""
    return list({watcher.id: watcher for one in probes for watcher in one.watchers}.values())


def _materials(
    known: SittingFacts, probes: Sequence[tuple[TrackFacts, TrackProbe]], steps: Sequence[Step]
) -> Materials:
    found: Materials = {"graph.svg": drawing.draw(known, probes, steps)}
    for track, probed in probes:
        name = track.track.value
        texts = {f"sdp/{name}-local.sdp": probed.local, f"sdp/{name}-remote.sdp": probed.remote}
        found |= {file: text for file, text in texts.items() if text}
        if probed.dot:
            found["pipeline.dot"] = probed.dot
    for number, watcher in enumerate(_watchers([probed for _, probed in probes]), 1):
        found[f"sdp/viewer-{number}-local.sdp"], found[f"sdp/viewer-{number}-remote.sdp"] = (
            watcher.local,
            watcher.remote,
        )
    stats = {track.track.value: probed.stats for track, probed in probes}
    found["stats.json"] = json.dumps(stats, indent=2, default=str) + "\n"
    if known.browser is not None:
        said = {"age_s": known.browser.age_s, "values": known.browser.values}
        said |= {"pairs": known.browser.pairs, "ice_errors": known.browser.ice_errors}
        found["browser.json"] = json.dumps(said, indent=2, ensure_ascii=False) + "\n"
    return found


def _read(collaborators: Collaborators, sitting_id: int) -> SittingFacts:
    with unit_of_work(collaborators.session_factory) as session:
        return facts.read(session, collaborators.settings, sitting_id)


def _node_urls(collaborators: Collaborators) -> list[str]:
    try:
        with unit_of_work(collaborators.session_factory) as session:
            return facts.node_urls(session, collaborators.settings)
    except DatabaseUnavailable:
        return list(collaborators.settings.kurento_urls)


def _database_is_up(finding: Finding) -> bool:
    return all(step.state is StepState.PASSED for step in finding.report.steps if step.key == "database")

"""All sittings of this gateway: claimed when needed, adopted from gateways that are gone, told of their nodes."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

import structlog

from appliance.errors import ApplianceError, ImpossibleStep, MediaUnavailable
from appliance.models import LiveMedia
from appliance.vocabulary import Track
from media.kurento import IceCandidate
from media.pipelines import evidence, leases, ledger
from media.pipelines.conversations import Conversations
from media.pipelines.disk_probe import DiskProbe
from media.pipelines.guests import Guests
from media.pipelines.leased_store import LeasedStore
from media.pipelines.leases import LeaseLost, Outlook
from media.pipelines.live_track import LiveTrack, OnCandidate
from media.pipelines.membership import Membership
from media.pipelines.moves import Moves
from media.pipelines.node_watch import NodeWatch
from media.pipelines.nodes import Node, Nodes
from media.pipelines.recorder_watch import RecorderWatch
from media.pipelines.sitting import Outlet, SittingPipeline
from media.pipelines.store import Store

ADOPTION_SECONDS = 5.0
"""How long an adoption waits for the node that has the objects; after that they count as lost."""
HAND_OVER_SECONDS = 8.0
"""How long a candidate's request waits for the gateway that has the sitting: above what tells that it is dead."""
ASK_AGAIN_SECONDS = 0.15

log = structlog.get_logger(__name__)


class SittingPipelines:
    """The sittings with live media in this gateway, by id, and the views of those that others have."""

    def __init__(self, store: Store, membership: Membership, folder: Path, outlet: Callable[[], Outlet]) -> None:
        """``folder`` is where nodes write parts; ``outlet`` is asked for at each new sitting."""
        self._store, self._folder, self._outlet = store, folder, outlet
        self.membership = membership
        self._sittings: dict[int, SittingPipeline] = {}
        self._leased: dict[int, LeasedStore] = {}
        self._seen_before: frozenset[int] = frozenset()
        """Ours at the last look: what a look no longer says of them is news, not a claim under way."""
        self._leaving: set[int] = set()
        self._making: dict[int, tuple[asyncio.Lock, int]] = {}
        """Sittings that are being made, each with how many are at it or wait for it."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.nodes = Nodes(membership.id, self._node_lost, self._node_ready)
        self.guests = Guests(store, lambda: self.nodes)
        self.conversations = Conversations(store, lambda: self.nodes)
        self.disk = DiskProbe()
        self.watch = RecorderWatch(store, self._all_live)
        self.node_watch = NodeWatch(store, self.nodes, membership, folder)
        self.moves = Moves(self.nodes, lambda: self._sittings)

    async def start(self) -> None:
        """Connect to the nodes and take over what a gateway that is gone left running."""
        await self.membership.enter()
        outlook = await self._first_look()
        self.nodes.sync(outlook.nodes, outlook.sittings)
        taken = await self._store.insist(leases.take_unowned, self.membership.id, False)
        await asyncio.gather(*(self._take_over(sitting_id) for sitting_id in {*outlook.taken, *taken}))
        self.watch.start()
        heart = partial(self.membership.run, self._looked)
        for work in (heart, self.guests.run, self.node_watch.run, self.moves.run, self._verify):
            self._spawn(_for_ever(work))

    async def _first_look(self) -> Outlook:
        while True:
            with contextlib.suppress(ApplianceError):
                return await self.membership.look()
            await asyncio.sleep(ASK_AGAIN_SECONDS)

    # ---- sittings of ours

    def find(self, sitting_id: int) -> SittingPipeline | None:
        """Return the sitting if it is this gateway's."""
        return self._sittings.get(sitting_id)

    async def get(self, sitting_id: int) -> SittingPipeline:
        """Return a sitting whose candidate is here; a gateway that has it hands it over.

        Raises ``NotFound``, ``ImpossibleStep`` if it is over, ``MediaUnavailable`` if it is not handed over in time.
        """
        # one that is being made is not there yet: what it adopts would look like nothing to a browser that resumes
        found = None if sitting_id in self._making else self._sittings.get(sitting_id)
        deadline = asyncio.get_running_loop().time() + HAND_OVER_SECONDS
        while found is None:
            found = await self._make(sitting_id, wish=True)
            if found is None:
                if asyncio.get_running_loop().time() > deadline:
                    raise MediaUnavailable("Another gateway still has this sitting; try again.")
                await asyncio.sleep(ASK_AGAIN_SECONDS)
        return found

    async def arrived(self, sitting_id: int) -> None:
        """The candidate's socket is here: the sitting should be, too, if it has live media or a gateway elsewhere."""
        if sitting_id in self._sittings:
            await self._store.run(leases.claim, sitting_id, self.membership.id, self.membership.judges, True)
        elif await self._store.run(leases.owner, sitting_id) is not None:
            await self.get(sitting_id)

    async def sitting_changed(self, sitting_id: int, running: bool, here: bool) -> None:
        """The bus told of a sitting: act on it. One that runs is somebody's from now on, its media or gaps with it.

        ``here``: its candidate is; a sitting whose candidate is nowhere is taken by whoever looks first.
        """
        found = self._sittings.get(sitting_id)
        if found is None and running and (here or self.membership.is_alone):
            found = await self._make(sitting_id, wish=here)
        if found is not None:
            with contextlib.suppress(LeaseLost):
                await found.refresh()

    async def is_elsewhere(self, sitting_id: int) -> bool:
        """Whether another gateway that lives has the sitting."""
        return await self._store.run(leases.is_elsewhere, sitting_id, self.membership.id)

    def forget(self, sitting_id: int) -> None:
        """The sitting is over and on record."""
        found = self._sittings.pop(sitting_id, None)
        if found is not None:
            self._spawn(self._put_away(sitting_id, found))

    async def hand_over(self, sitting_id: int) -> None:
        """The candidate is at another gateway now: let it have the sitting; the objects in the node live on."""
        if sitting_id in self._leaving or not await self._store.run(leases.is_wanted, sitting_id, self.membership.id):
            return
        self._leaving.add(sitting_id)
        try:
            await self._give(sitting_id)
        finally:
            self._leaving.discard(sitting_id)

    async def _give(self, sitting_id: int) -> None:
        await self._let_go(sitting_id)  # what is under way comes to its end before the other may begin
        heir = await self._store.insist(leases.give, sitting_id, self.membership.id)
        if heir is None:  # the candidate came back meanwhile
            await self._take_over(sitting_id)
        else:
            log.info("sitting handed over", sitting=sitting_id, gateway=heir)

    # ---- views, of whichever gateway's sitting

    async def view(
        self,
        sitting_id: int,
        key: str,
        track: Track,
        sdp: str,
        on_candidate: OnCandidate,
        on_ended: Callable[[str], None],
    ) -> str:
        """Answer a recvonly offer with a track; raise ``MediaUnavailable`` when it is not live."""
        found = self._sittings.get(sitting_id)
        if found is not None:
            with contextlib.suppress(LeaseLost):
                return await found.view(key, track, sdp, on_candidate, on_ended)
        return await self.guests.view(sitting_id, key, track, sdp, on_candidate, on_ended)

    async def add_view_candidate(self, sitting_id: int, key: str, candidate: IceCandidate) -> None:
        """Take an ICE candidate of a browser that watches."""
        found = self._sittings.get(sitting_id)
        if found is None or self.guests.has(sitting_id, key):
            await self.guests.add_candidate(sitting_id, key, candidate)
        else:
            await found.viewers.add_candidate(key, candidate)

    async def unview(self, sitting_id: int, key: str) -> None:
        """End one view."""
        await self.guests.unview(sitting_id, key)
        found = self._sittings.get(sitting_id)
        if found is not None:
            with contextlib.suppress(LeaseLost):
                await found.unview(key)

    async def close(self) -> None:
        """Let go of all without touching any media object; another gateway may take it at once."""
        await self.watch.close()
        self.disk.close()
        await asyncio.gather(*(found.close() for found in self._sittings.values()), return_exceptions=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for store in self._leased.values():
            store.shut()
        await self.membership.leave()
        await self.nodes.close()

    # ---- inside

    async def _make(self, sitting_id: int, wish: bool) -> SittingPipeline | None:
        """Return the sitting with its live media if it is ours to have; None while another gateway has it."""
        lock, waiting = self._making.get(sitting_id, (asyncio.Lock(), 0))
        self._making[sitting_id] = lock, waiting + 1
        try:
            async with lock:
                return self._sittings.get(sitting_id) or await self._made(sitting_id, wish)
        finally:
            _, waiting = self._making.pop(sitting_id)
            if waiting > 1:  # the last one takes the lock away: one that is still waited for is nobody else's to make
                self._making[sitting_id] = lock, waiting - 1

    async def _made(self, sitting_id: int, wish: bool) -> SittingPipeline | None:
        facts = await self._store.run(evidence.facts, sitting_id)
        rows = await self._store.run(ledger.of, sitting_id)
        if facts.over and not rows:
            raise ImpossibleStep("This sitting is over.", sitting_id=sitting_id)
        mine = self.membership.id
        if not await self._store.run(leases.claim, sitting_id, mine, self.membership.judges, wish):
            return None
        store = LeasedStore(
            self._store, sitting_id, mine, lambda: self.membership.is_sure, lambda: self._lost(sitting_id)
        )
        rows = await store.insist(ledger.of, sitting_id)  # anew: the former owner may have written meanwhile
        facts = await store.insist(evidence.facts, sitting_id)
        found = SittingPipeline(facts, store, self.nodes, self._folder, self._outlet(), self.disk)
        await found.restore()
        self._sittings[sitting_id], self._leased[sitting_id] = found, store
        if rows:
            await self._adopt(found, rows)
        else:
            found.changed()
        return found

    async def _take_over(self, sitting_id: int) -> None:
        """A sitting became ours: have it with all that runs for it."""
        try:
            await self._make(sitting_id, wish=False)
        except ImpossibleStep:  # over, nothing is left of it
            await self._store.run(leases.give_up, sitting_id, self.membership.id)
        except ApplianceError as error:
            log.warning("sitting not taken over", sitting=sitting_id, error=error.message)

    async def _adopt(self, found: SittingPipeline, rows: Sequence[LiveMedia]) -> None:
        there: dict[str, Node | None] = {}
        for url in {row.node_url for row in rows}:
            node = self.nodes.get(url)
            if node is not None:
                try:
                    await asyncio.wait_for(node.opened.wait(), ADOPTION_SECONDS)
                except TimeoutError:
                    log.error("nothing to adopt from", node=url, sitting=found.facts.id)
                    node = None
            there[url] = node
        living = await self._store.insist(leases.living_gateways)
        await found.adopt(there, rows, living)

    async def _let_go(self, sitting_id: int) -> None:
        """Act no longer on a sitting; who watches it here watches on."""
        found, store = self._sittings.pop(sitting_id, None), self._leased.pop(sitting_id, None)
        if found is None:
            return
        await found.hand_over()
        if store is not None:
            store.shut()
        self.guests.take_over(sitting_id, found.viewers)

    async def _put_away(self, sitting_id: int, found: SittingPipeline) -> None:
        await found.close()
        self._leased.pop(sitting_id, None)
        await self._store.insist(leases.give_up, sitting_id, self.membership.id)

    def _lost(self, sitting_id: int) -> None:
        log.error("another gateway took the sitting", sitting=sitting_id)
        self._spawn(self._let_go_of_lost(sitting_id))

    async def _let_go_of_lost(self, sitting_id: int) -> None:
        """We were thought dead. A sitting whose candidate is still here is asked for again."""
        await self._let_go(sitting_id)
        if self._outlet().is_here(sitting_id):
            await self.get(sitting_id)

    def _looked(self, outlook: Outlook) -> None:
        self.nodes.sync(outlook.nodes, outlook.sittings)
        for sitting_id in (self._seen_before & self._sittings.keys()) - outlook.held:
            self._lost(sitting_id)
        self._seen_before = frozenset(self._sittings)
        for sitting_id in outlook.taken:
            log.warning("sitting taken over", sitting=sitting_id)
            self._spawn(self._take_over(sitting_id))
        for sitting_id in outlook.wanted:
            self._spawn(self.hand_over(sitting_id))

    async def _verify(self) -> None:
        """See that what the ledger says is really there: a node may have lost an object without a word."""
        while True:
            await asyncio.sleep(ADOPTION_SECONDS)
            for node in self.nodes:
                ours = [found for found in self._sittings.values() if found.node is node]
                there = await node.pipelines() if ours else None
                for found in ours:
                    if there is not None and found.node is node and not found.is_in(there):
                        log.error("pipeline is gone", sitting=found.facts.id, node=node.url)
                        with contextlib.suppress(LeaseLost):
                            await found.node_lost(node)

    @property
    def recorded(self) -> int:
        """How many sittings a recorder works for."""
        return sum(any(live.recorder for live in sitting.all_live()) for sitting in self._sittings.values())

    def _all_live(self) -> list[LiveTrack]:
        return [live for sitting in self._sittings.values() for live in sitting.all_live()]

    def _node_lost(self, node: Node) -> None:
        self._spawn(self.guests.node_lost(node))
        self._spawn(self.conversations.node_lost(node))
        for found in self._sittings.values():
            if found.uses(node):
                self._spawn(found.node_lost(node))

    def _node_ready(self, node: Node) -> None:
        for found in self._sittings.values():
            if found.uses(node):
                self._spawn(found.look())
            else:
                found.ask_for_offers()

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _logged(self, work: Coroutine[object, object, None]) -> None:
        try:
            await work
        except ApplianceError as error:
            log.warning("not done", error=error.message)
        except Exception:
            log.exception("not done")


async def _for_ever(work: Callable[[], Coroutine[object, object, None]]) -> None:
    """Begin anew what was never to end: a heart, a watch."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("begun anew")
        await asyncio.sleep(ASK_AGAIN_SECONDS)

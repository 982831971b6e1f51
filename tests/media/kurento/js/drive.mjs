// Drives a media node with the official client of Kurento, as a program written for Kurento would.
// Usage: node drive.mjs ws://host:port/kurento file:///in.webm file:///out.webm
// The last line of the output is JSON of what happened.
import kurento from "kurento-client";

const [url, source, target] = process.argv.slice(2);

/** The next event of a type. */
const next = (object, type) => new Promise((resolve) => object.once(type, resolve));

/** Two endpoints of the node talk to each other: who offers, who answers, each one's candidates to the other. */
async function join(offering, answering) {
  const states = [];
  offering.on("IceComponentStateChanged", (event) => states.push(event.state));
  const done = Promise.all([next(offering, "IceGatheringDone"), next(answering, "IceGatheringDone")]);
  for (const [one, other] of [[offering, answering], [answering, offering]]) {
    one.on("IceCandidateFound", (event) => other.addIceCandidate(kurento.getComplexType("IceCandidate")(event.candidate)));
  }
  await offering.processAnswer(await answering.processOffer(await offering.generateOffer()));
  await Promise.all([offering.gatherCandidates(), answering.gatherCandidates()]);
  await done;
  return states;
}

async function main() {
  const told = {};
  const client = await kurento(url, { failAfter: 1 });
  const manager = await client.getServerManager();
  const info = await manager.getInfo();
  told.version = info.version;
  told.modules = info.modules.map((module) => module.name).sort();

  const pipeline = await client.create("MediaPipeline");
  const player = await pipeline.create("PlayerEndpoint", { uri: source });
  const sender = await pipeline.create("WebRtcEndpoint");
  const receiver = await pipeline.create("WebRtcEndpoint");
  const recorder = await pipeline.create("RecorderEndpoint", { uri: target, mediaProfile: "WEBM" });
  told.kinds = [player, sender, receiver, recorder].map((object) => object.constructor.name);

  // media: a file, by WebRTC from endpoint to endpoint, through a Composite, onto the disk
  const connected = next(player, "ElementConnected");
  await player.connect(sender);
  told.connected = (await connected).sink === sender.id;
  const hub = await pipeline.create("Composite");
  const [talking, listening] = [await hub.createHubPort(), await hub.createHubPort()];
  const flowing = next(receiver, "MediaFlowOutStateChanged");
  told.states = await join(sender, receiver);
  await player.play();
  told.flow = (await flowing).state;
  await receiver.connect(talking);
  await listening.connect(recorder);
  const recording = next(recorder, "Recording");
  await recorder.record();
  await recording;
  await new Promise((resolve) => setTimeout(resolve, 2000));
  told.stats = Object.values(await receiver.getStats()).map((item) => item.type).sort();
  told.flowingIn = await recorder.isMediaFlowingIn("VIDEO");
  await recorder.stopAndWait();
  told.dot = (await pipeline.getGstreamerDot()).startsWith("digraph");

  // names, parents, what several objects are asked at once (its own transactions need a Node.js older than 16)
  const other = await client.create("MediaPipeline");
  const through = await other.create("PassThrough");
  await through.setName("corridor");
  told.name = await through.getName();
  told.parent = (await through.getParent()).id === other.id;

  // errors are errors; with promises this client only prints those of operations
  await player.stop();
  const error = await new Promise((resolve) => player.setPosition(1000, resolve));
  told.error = [error.code, error.message];
  await pipeline.release();
  told.gone = await client.getMediaobjectById(sender.id).then(() => "there", (gone) => gone.code);
  await other.release();
  client.close();
  console.log(JSON.stringify(told));
}

main().then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);

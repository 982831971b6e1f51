/** What the candidate's page sees in one picture: `node look.mjs FOLDER WIDTH HEIGHT < rgba`, answered as JSON. */

import { FaceDetector } from "../../../web/static/js/candidate/analysis/faces.js";
import { Identity } from "../../../web/static/js/candidate/analysis/identity.js";
import { MeshNetwork } from "../../../web/static/js/candidate/analysis/mesh.js";
import { Scene } from "../../../web/static/js/candidate/analysis/scene.js";
import { networksOf } from "./node_networks.mjs";

const [folder, width, height] = process.argv.slice(2);
const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const picture = { width: Number(width), height: Number(height), rgba: new Uint8Array(Buffer.concat(chunks)) };
const networks = await networksOf(folder);
const meshes = new MeshNetwork(networks);
const scene = new Scene(0, picture, meshes);
const gate = { min_width: 56, min_score: 0.7, max_yaw: 35, max_pitch: 35, min_brightness: 35 };
const identity = new Identity(networks, networks.manifest.settings.thresholds, gate);
const faces = [];
for (const face of await new FaceDetector(networks).all(picture)) {
  const mesh = await scene.meshOf(face);
  faces.push({
    box: [face.left, face.top, face.width, face.height],
    score: face.score,
    keypoints: face.keypoints,
    presence: mesh.presence,
    points: Array.from(mesh.points),
    pose: mesh.pose,
    gaze: await scene.gazeOf(face),
    objection: identity.objection(picture, face, mesh),
    chip: Buffer.from(await identity.aligned(picture, face)).toString("base64"),
    descriptor: Array.from(await identity.describe(picture, face)),
    described_well: Array.from(await identity.describeWell(picture, face)),
  });
}
const { brightness, contrast } = scene;
process.stdout.write(JSON.stringify({ brightness, contrast, thumbnail: Array.from(scene.thumbnail), faces }));

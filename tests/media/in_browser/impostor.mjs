/** The page's comparisons of descriptors that the test made up: `node impostor.mjs < case.json`, answered as JSON. */

import { Impostor } from "../../../web/static/js/candidate/analysis/detectors/impostor.js";
import { Face } from "../../../web/static/js/candidate/analysis/faces.js";
import { distance, ofSeveral, together, verdictOf } from "../../../web/static/js/candidate/analysis/identity.js";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { thresholds, interval, reference, pictures, step_ms: step } = JSON.parse(Buffer.concat(chunks).toString());
const vectors = pictures.map((picture) => Float32Array.from(picture));
const known = Float32Array.from(reference);

let at = 0;
/** Only who sits there is made up; when is compared, and what is said of it, is the page's. */
const identity = { thresholds, objection: () => "", describeAlone: async () => vectors[at], describeWell: async () => vectors[at] };
const detector = new Impostor(identity, known, interval);
const face = new Face(200, 100, 200, 200, 0.95, new Float32Array(12));
const samples = [];
for (at = 0; at < vectors.length; at += 1) {
  const scene = { atMs: at * step, isReadable: true, mainFace: face, sureFaces: [face], picture: null, meshOf: async () => null };
  samples.push(await detector.sample(scene));
}
const means = vectors.slice(2).map((_, index) => together(vectors.slice(index, index + 3)));
process.stdout.write(
  JSON.stringify({
    of_several: ofSeveral(thresholds),
    lengths: means.map((mean) => Math.hypot(...mean)),
    means: means.map((mean) => [...mean]),
    distances: means.map((mean) => distance(mean, known)),
    verdicts: means.map((mean) => verdictOf(distance(mean, known), ofSeveral(thresholds))),
    samples: samples.map(({ atMs, score, sinceMs, doubt }) => [atMs, score, sinceMs ?? null, doubt ?? ""]),
  }),
);

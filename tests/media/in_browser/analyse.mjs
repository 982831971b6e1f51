/**
 * The analysis of the candidate's page over pictures and sound in files: `node analyse.mjs FOLDER JOB.json`, answered
 * as JSON. The job names width, height, the pictures' times and file (rgba), a file of sound (float32, 16 kHz) that
 * begins at the first picture, and the candidate's photo.
 */

import { readFile } from "node:fs/promises";
import { Analyser } from "../../../web/static/js/candidate/analysis/analyser.js";
import { judgePhoto } from "../../../web/static/js/candidate/analysis/photos.js";
import { settingsFor } from "../../../web/static/js/candidate/analysis/settings.js";
import { networksOf } from "./node_networks.mjs";

const [folder, jobFile] = process.argv.slice(2);
const job = JSON.parse(await readFile(jobFile, "utf8"));
const networks = await networksOf(folder);
const settings = settingsFor(networks.manifest.settings, job.rules ?? {}, job.detection ?? {});
let reference = null;
let photo = null;
if (job.photo) {
  const { width, height, file } = job.photo;
  const judged = await judgePhoto(networks, settings, "face", { width, height, rgba: await readFile(file) }, null);
  reference = judged.descriptor;
  photo = judged.said;
}
const analyser = new Analyser(networks, settings, reference);
const pictures = await readFile(job.pictures);
const content = job.sound ? await readFile(job.sound) : null;
const sound = content && new Float32Array(content.buffer, content.byteOffset, content.length / 4);
const size = job.width * job.height * 4;
const events = [];
const begin = performance.now();
const PIECE = 16 * 512;
let heard = 0;
for (const [index, atMs] of job.times.entries()) {
  // Sound that was complete before this picture.
  while (sound && heard + PIECE <= sound.length && job.times[0] + ((heard + PIECE) * 1000) / 16000 <= atMs) {
    const soundMs = job.times[0] + (heard * 1000) / 16000;
    events.push(...(await analyser.hear({ atMs: soundMs, samples: sound.slice(heard, heard + PIECE) })));
    heard += PIECE;
  }
  const rgba = new Uint8Array(pictures.buffer, pictures.byteOffset + index * size, size);
  events.push(...(await analyser.look(atMs, { width: job.width, height: job.height, rgba })));
}
events.push(...analyser.finish(job.times.at(-1)));
const msPerPicture = (performance.now() - begin) / job.times.length;
process.stdout.write(JSON.stringify({ events, photo, reference: reference && Array.from(reference), msPerPicture }));

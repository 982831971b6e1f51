/** The networks of the candidate's page, loaded from the folder that the set-up wrote, in node instead of a worker. */

import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { Networks } from "../../../web/static/js/candidate/analysis/networks.js";

// Ubuntu's node 18 does not put it there by itself, as browsers do.
globalThis.crypto ??= /** @type {Crypto} */ (webcrypto);

/** @param {string} folder */
export async function networksOf(folder) {
  const manifest = JSON.parse(await readFile(`${folder}/manifest.json`, "utf8"));
  const place = `${folder}/${manifest.version}`;
  const fetchFile = (name) => readFile(`${place}/${name}`);
  return new Networks(manifest, fetchFile, (name) => import(pathToFileURL(`${place}/${name}`).href));
}

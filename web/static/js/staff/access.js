/** @file Who may see and do what: the matrix, second persons, what is opened for tickets, API clients. */

import { get } from "../base/api.js";
import { one, setText } from "../base/dom.js";
import { wordError } from "../base/errors.js";
import { showApprovals, showFourEyes } from "./access/approvals.js";
import { showClients } from "./access/clients.js";
import { showGrants } from "./access/grants.js";
import { showMatrix } from "./access/matrix.js";

/** Load and show all of it. @returns {Promise<void>} */
async function load() {
  one("#failure").hidden = true;
  try {
    const found = await get("/api/v1/access");
    showMatrix(found.matrix);
    showFourEyes(found.four_eyes, load);
    showApprovals(found, load);
    if (found.grants) showGrants(found, load);
    if (found.api_clients) showClients(found, load);
  } catch (error) {
    one("#failure").hidden = false;
    setText(one("#failure-text"), wordError(error));
  }
}

one("#retry").addEventListener("click", () => void load());
await load();

/** The page's rules and settings on what the test made up: `node rules.mjs < cases.json`, answered as JSON. */

import { RuleState } from "../../../web/static/js/candidate/analysis/rules.js";
import { settingsFor } from "../../../web/static/js/candidate/analysis/settings.js";

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { defaults, exams, cases } = JSON.parse(Buffer.concat(chunks).toString());
const events = cases.map(({ rule, samples }) => {
  const state = new RuleState("avert_eyes", "gaze", rule);
  const found = samples.flatMap((sample) => state.feed(sample));
  return [...found, ...state.finish(samples.at(-1).atMs)];
});
const settings = exams.map(({ rules, detection }) => settingsFor(defaults, rules, detection));
process.stdout.write(JSON.stringify({ events, settings }));

/** @file What is looked for in one exam, and how strictly: the appliance's defaults and the exam's own wishes (media/detectors/settings.py). */

/** @typedef {import("./rules.js").Rule} Rule */
/**
 * @typedef {object} Settings
 * @property {Record<string, Rule>} rules by detector's name or by doubt
 * @property {string[]} disabled
 * @property {{matched_ms: number, doubtful_ms: number, mismatched_ms: number}} interval
 * @property {import("./identity.js").Thresholds} thresholds
 * @property {import("./identity.js").QualityGate} gate
 */
/** The defaults, as the set-up wrote them into the manifest. @typedef {Settings & {allowed_by: Record<string, string[]>}} Defaults */

/**
 * @param {Defaults} defaults
 * @param {Record<string, unknown>} rules the exam's `allow_*` flags
 * @param {Record<string, Record<string, unknown>>} detection detector's name (or doubt) -> fields of Rule to replace and `enabled`
 * @returns {Settings}
 */
export function settingsFor({ allowed_by, ...defaults }, rules, detection) {
  const disabled = new Set(
    [...defaults.disabled, ...Object.entries(allowed_by).flatMap(([flag, names]) => (rules[flag] ? names : []))],
  );
  const changed = { ...defaults.rules };
  let { interval } = defaults;
  for (const [name, { enabled = true, ...fields }] of Object.entries(detection)) {
    if (name === "identity_interval") {
      interval = { ...interval, ...fields };
      continue;
    }
    if (!enabled) disabled.add(name);
    const rule = changed[name];
    // A name that only a newer appliance knows changes nothing here.
    if (rule) changed[name] = { ...rule, ...fields };
  }
  return { ...defaults, rules: changed, interval, disabled: [...disabled] };
}

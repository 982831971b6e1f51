/** @file Signs that a camera is a program and not a device. A sign, no proof: names can be changed, and some people need such a program. */

/** Names under which programs offer a camera, as their documentation and drivers give them. */
const PROGRAMS = [
  /\bobs\b.*(virtual|cam)/i,
  /\bvirtual[ -]?(cam|camera|webcam|video)\b/i,
  /\bmanycam\b/i,
  /\bxsplit\b/i,
  /\bsnap camera\b/i,
  /\bv4l2[ -]?loopback\b|\bdummy video device\b/i,
  /\bdroidcam\b/i,
  /\biriun\b/i,
  /\bepoccam\b/i,
  /\bivcam\b/i,
  /\bmmhmm\b/i,
  /\bnvidia broadcast\b/i,
  /\bsplitcam\b/i,
  /\bwebcamoid\b|\bakvirtualcamera\b/i,
  /\bunity ?(video|cam)/i,
  /\bchromacam\b/i,
  /\bcamtwist\b|\bsyphon/i,
  /\bndi\b.*(video|webcam)|\bnewtek\b/i,
  /\bscreen[ -]?capture[ -]?recorder\b/i,
  /\bfake ?webcam\b|\be2esoft\b|\bvcam\b/i,
  /\bdeep ?(face ?live|fake|live ?cam)\b/i,
];

/** Whether a camera's name is that of a known program. @param {string} label */
export const isProgram = (label) => PROGRAMS.some((pattern) => pattern.test(label));

/** What real cameras let a browser set or read, at least one of them; macOS and Firefox tell nothing of it. */
const OF_DEVICES = ["exposureMode", "exposureTime", "focusMode", "focusDistance", "whiteBalanceMode", "brightness", "contrast", "sharpness", "zoom"];

/**
 * Whether a camera offers nothing that a lens has, at one single rate of pictures: kept for support, too weak for a finding.
 * @param {{getCapabilities?: () => object} | undefined} track
 */
export function isPlain(track) {
  const can = /** @type {Record<string, any>} */ (track?.getCapabilities?.() ?? {});
  if (!("frameRate" in can)) return false;
  return !OF_DEVICES.some((name) => name in can) && can.frameRate.min === can.frameRate.max;
}

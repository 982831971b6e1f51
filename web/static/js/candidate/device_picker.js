/** @file Choosing among several cameras and microphones. */

import { h } from "../base/dom.js";
import { _ } from "../base/i18n.js";

let count = 0;

/**
 * @param {import("./app.js").App} app
 * @param {() => void} onChoose
 */
export function devicePicker(app, onChoose) {
  count += 1;
  const cameras = chooser(`camera-${count}`, _("Camera"), choose);
  const microphones = chooser(`microphone-${count}`, _("Microphone"), choose);

  function choose() {
    app.media.chosen = { camera: cameras.select.value || undefined, microphone: microphones.select.value || undefined };
    onChoose();
  }

  return {
    camera: cameras.field,
    microphone: microphones.field,
    async refresh() {
      const devices = await app.media.devices();
      const stream = app.media.camera;
      cameras.offer(devices.cameras, stream?.getVideoTracks()[0]);
      microphones.offer(devices.microphones, stream?.getAudioTracks()[0]);
    },
  };
}

/** @param {string} id @param {string} label @param {() => void} onChange */
function chooser(id, label, onChange) {
  const select = h("select", { class: "select select-sm", id, on: { change: onChange } });
  const field = h("div", { class: "field device-picker", hidden: true }, h("label", { for: id }, label), select);
  return {
    select,
    field,
    /** @param {MediaDeviceInfo[]} devices @param {MediaStreamTrack | undefined} used */
    offer(devices, used) {
      const current = used?.getSettings().deviceId;
      // With one device there is nothing to choose, without a stream nothing to show.
      field.hidden = devices.length < 2 || !used;
      select.replaceChildren(
        ...devices.map((device, index) =>
          h(
            "option",
            { value: device.deviceId, selected: device.deviceId === current },
            device.label || `${label} ${index + 1}`,
          ),
        ),
      );
    },
  };
}

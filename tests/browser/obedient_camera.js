// A camera that the test draws: a head that does what the page asks for, picture by picture. Frames are JPEGs as data URLs.
(() => {
  const { sequences, everyMs } = window.__obedient;
  const canvas = document.createElement("canvas");
  const images = {};
  let frames = [];
  let began = 0;

  const load = (url) =>
    new Promise((resolve) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.src = url;
    });
  const ready = Promise.all(
    Object.entries(sequences).map(async ([name, urls]) => {
      images[name] = await Promise.all(urls.map(load));
    }),
  ).then(() => {
    frames = images.straight;
    canvas.width = frames[0].width;
    canvas.height = frames[0].height;
  });

  const show = (name) => {
    if (!images[name]) return;
    frames = images[name];
    began = performance.now();
  };
  const asked = [
    [/to your left/, "turn_left"],
    [/to your right/, "turn_right"],
    [/Close both eyes/, "blink"],
    [/Nod:/, "nod"],
    [/straight into/, "straight"],
  ];
  let last = "";
  setInterval(() => {
    const point = document.querySelector(".gaze-point");
    const prompt = point && !point.hidden && point.isConnected ? `point ${point.style.left} ${point.style.top}` : (document.querySelector(".challenge-prompt")?.textContent ?? "");
    if (prompt !== last) {
      last = prompt;
      show(images[prompt] ? prompt : (asked.find(([words]) => words.test(prompt))?.[1] ?? "straight"));
    }
    if (!frames.length) return;
    const index = Math.min(Math.floor((performance.now() - began) / everyMs), frames.length - 1);
    // a grain that changes: a real camera never gives the same picture twice
    const context = canvas.getContext("2d");
    context.drawImage(frames[index], 0, 0);
    context.fillStyle = `rgb(${index % 2 ? 90 : 91} 90 90)`;
    context.fillRect(0, 0, 2, 2);
  }, 40);

  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    await ready;
    const sound = wanted.audio ? await real({ audio: wanted.audio }) : new MediaStream();
    return new MediaStream([...canvas.captureStream(15).getVideoTracks(), ...sound.getAudioTracks()]);
  };
})();

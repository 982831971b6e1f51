/** @file The networks: fetched from this server, checked against their hashes, run by ONNX Runtime in WebAssembly. */

/**
 * What lies beside the runtime, written at the appliance's set-up (media/biometrics/browser_files.py).
 * @typedef {object} Manifest
 * @property {string} version
 * @property {{module: string, wasm: string}} runtime
 * @property {Record<string, {bytes: number, sha256: string}>} files
 * @property {Record<string, {file: string, sha256: string}>} models by name: its file here, and the hash of what it was made from
 * @property {import("./settings.js").Defaults} settings
 * @property {{cascades: number, trees: number, splits: number, pixels: number, points: number}} five_points
 */
/** @typedef {{type: string, data: Float32Array, dims: readonly number[]}} Tensor */
/** @typedef {{inputNames: readonly string[], outputNames: readonly string[], run: (feeds: Record<string, unknown>) => Promise<Record<string, {data: Float32Array}>>}} Session */
/**
 * @typedef {object} Runtime of onnxruntime-web, as far as it is used
 * @property {{wasm: Record<string, unknown>, logLevel: string}} env
 * @property {{create: (content: Uint8Array, options: object) => Promise<Session>}} InferenceSession
 * @property {new (type: string, data: ArrayLike<number> | BigInt64Array, dims: readonly number[]) => Tensor} Tensor
 */
/** @typedef {(name: string) => Promise<Uint8Array<ArrayBuffer>>} Fetch the bytes of a file beside the manifest */

/** A file is not the one that the manifest names: findings would name a model that did not make them. */
export class WrongModel extends Error {
  /** @param {string} file */
  constructor(file) {
    super(`${file} is not the file that the set-up wrote`);
    this.name = "WrongModel";
  }
}

/** @param {Uint8Array<ArrayBuffer>} content */
async function sha256(content) {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", content));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Networks {
  /**
   * @param {Manifest} manifest
   * @param {Fetch} fetchFile
   * @param {(url: string) => Promise<Runtime>} load of the runtime's module
   */
  constructor(manifest, fetchFile, load) {
    this.manifest = manifest;
    this.fetchFile = fetchFile;
    this.load = load;
    /** @type {Map<string, Promise<Session>>} */
    this.sessions = new Map();
    /** @type {Promise<Runtime> | null} */
    this.starting = null;
    /** The WebAssembly module takes one call at a time. @type {Promise<unknown>} */
    this.turn = Promise.resolve();
  }

  /** The bytes of a file, when they are the right ones. @param {string} name @throws {WrongModel} */
  async file(name) {
    const content = await this.fetchFile(name);
    if ((await sha256(content)) !== this.manifest.files[name]?.sha256) throw new WrongModel(name);
    return content;
  }

  /** Name -> hash of the models, as findings name them. @param {readonly string[]} names */
  hashes(names) {
    return Object.fromEntries(names.map((name) => [name, this.manifest.models[name]?.sha256 ?? ""]));
  }

  /** @returns {Promise<Runtime>} */
  runtime() {
    this.starting ??= (async () => {
      const { module, wasm } = this.manifest.runtime;
      const binary = await this.file(wasm);
      const runtime = await this.load(module);
      // One thread: more would need the page to be cut off from the exam's frame (cross-origin isolation).
      Object.assign(runtime.env.wasm, { numThreads: 1, proxy: false, wasmBinary: binary.buffer });
      runtime.env.logLevel = "error";
      return runtime;
    })();
    return this.starting;
  }

  /** Fetch and make ready, once. @param {string} model */
  session(model) {
    const known = this.sessions.get(model);
    if (known) return known;
    const made = (async () => {
      const runtime = await this.runtime();
      const content = await this.file(this.manifest.models[model]?.file ?? model);
      return await this.alone(() => runtime.InferenceSession.create(content, { executionProviders: ["wasm"] }));
    })();
    this.sessions.set(model, made);
    return made;
  }

  /** @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  alone(work) {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  /**
   * The outputs, in the file's order, of a network with one input.
   * @param {string} model @param {Float32Array | Uint8Array} values @param {readonly number[]} dims
   * @returns {Promise<Float32Array[]>}
   */
  async run(model, values, dims) {
    const session = await this.session(model);
    const { Tensor } = await this.runtime();
    const type = values instanceof Float32Array ? "float32" : "uint8";
    return await this.feed(session, { [session.inputNames[0] ?? ""]: new Tensor(type, values, dims) });
  }

  /** @param {Session} session @param {Record<string, unknown>} feeds */
  async feed(session, feeds) {
    const outputs = await this.alone(() => session.run(feeds));
    return session.outputNames.map((name) => outputs[name]?.data ?? new Float32Array());
  }
}

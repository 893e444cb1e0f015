// @ts-self-types="./handler.d.ts"
/** The model over HTTP. GET describes it; POST runs it on a body of raw bytes or JSON and answers with JSON. */
import { EdgepackError, topK } from "./edgepack.js";

/** @import { Model, OutputInfo, TypedArray } from "./edgepack.js" */

const ARRAYS = { f32: Float32Array, i8: Int8Array, u8: Uint8Array, i32: Int32Array, bool: Uint8Array };
const TOP = 5;

/** A request that cannot be served, and the status that says why. */
class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** @param {OutputInfo} port */
const elements = (port) => port.shape.reduce((n, d) => n * d, 1);

/**
 * @param {unknown} value
 * @param {number} [status]
 * @param {Record<string, string>} [headers]
 */
const json = (value, status = 200, headers = {}) =>
  new Response(JSON.stringify(value), { status, headers: { "content-type": "application/json; charset=utf-8", ...headers } });

/**
 * Reads a body that may not be longer than `limit` bytes, whatever its headers claim.
 * @param {Request} request
 * @param {number} limit
 */
async function readBody(request, limit) {
  const chunks = [];
  let length = 0;
  const reader = request.body?.getReader();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > limit) {
      await reader.cancel();
      throw new RequestError(413, `the body is longer than the ${limit} bytes that this model's inputs can take`);
    }
    chunks.push(value);
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}

/**
 * `{ "name": [numbers] }`, arrays nested as the shape is or flat, in the model's own units (not raw picture bytes).
 * @param {Uint8Array} body
 * @param {Model} model
 */
function fromJson(body, model) {
  let fields;
  try {
    fields = JSON.parse(new TextDecoder().decode(body));
  } catch (error) {
    throw new RequestError(400, `the body is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof fields !== "object" || fields === null || Array.isArray(fields))
    throw new RequestError(400, `the body must be an object of arrays: { ${model.inputs.map((i) => `"${i.name}": […]`).join(", ")} }`);
  /** @type {Record<string, TypedArray>} */
  const inputs = {};
  for (const [name, value] of Object.entries(fields)) {
    const flat = Array.isArray(value) ? value.flat(8) : [value];
    const wrong = flat.findIndex((x) => typeof x !== "number");
    if (wrong >= 0) throw new RequestError(400, `"${name}" holds ${JSON.stringify(flat[wrong])} at ${wrong} where a number is due`);
    const dtype = model.inputs.find((input) => input.name === name)?.dtype ?? "f32";
    const values = ARRAYS[dtype].from(flat);
    const outside = dtype === "f32" ? -1 : flat.findIndex((x, i) => x !== values[i]);
    if (outside >= 0) throw new RequestError(400, `"${name}" holds ${flat[outside]} at ${outside}, which is no ${dtype}`);
    inputs[name] = values;
  }
  return inputs;
}

/**
 * The values of the one input: its own element type, or the bytes of a picture where the model knows how to normalize them.
 * @param {Uint8Array} body
 * @param {Model} model
 */
function fromBytes(body, model) {
  const [input] = model.inputs;
  if (model.inputs.length !== 1) throw new RequestError(415, "this model has several inputs: send them as application/json");
  const count = elements(input);
  const Array_ = ARRAYS[input.dtype];
  const values = count * Array_.BYTES_PER_ELEMENT;
  if (input.preprocess && body.length === count) return { [input.name]: body };
  if (body.length === values) return { [input.name]: new Array_(/** @type {ArrayBuffer} */ (body.buffer)) };
  const picture = input.preprocess ? `${count} bytes of pixels or ` : "";
  throw new RequestError(400, `the body has ${body.length} bytes; "${input.name}" takes ${picture}${values} bytes of ${input.dtype}`);
}

/** @param {Model} model */
function describe(model) {
  return {
    model: model.name,
    inputs: model.inputs.map(({ name, dtype, shape, preprocess }) => ({ name, dtype, shape, preprocess })),
    outputs: model.outputs.map(({ name, dtype, shape }) => ({ name, dtype, shape })),
    labels: model.labels,
    usage: "POST raw bytes (application/octet-stream) or JSON ({ input: [numbers] })",
  };
}

/**
 * @param {Record<string, TypedArray>} outputs
 * @param {Model} model
 */
function answer(outputs, model) {
  const arrays = Object.fromEntries(Object.entries(outputs).map(([name, values]) => [name, Array.from(values)]));
  const [first] = model.outputs;
  const classes = first.shape.at(-1) ?? 1;
  const classifies = classes > 1 && classes === elements(first);
  return { outputs: arrays, ...(classifies && { top: topK(outputs[first.name], TOP, model.labels) }) };
}

/**
 * Answers one request. Mistakes of the sender are 4xx with `{ error: { code, message } }`, anything else is a 500.
 * @param {Request} request
 * @param {() => Promise<Model>} load gives the loaded model; called for every request, so it should remember
 * @returns {Promise<Response>}
 */
export async function handle(request, load) {
  try {
    const model = await load();
    if (request.method === "GET" || request.method === "HEAD") return json(describe(model));
    if (request.method !== "POST")
      return json({ error: { code: "METHOD", message: "use GET or POST" } }, 405, { allow: "GET, HEAD, POST" });
    const size = model.inputs.reduce((n, input) => n + elements(input), 0);
    const isJson = /^application\/json\b/.test(request.headers.get("content-type") ?? "");
    // 32 characters are enough for any number that JSON.stringify writes, with its comma and some white space.
    const body = await readBody(request, isJson ? 1024 + 32 * size : Math.max(1024, 4 * size));
    const inputs = isJson ? fromJson(body, model) : fromBytes(body, model);
    return json(answer(model.run(inputs), model));
  } catch (error) {
    if (error instanceof RequestError) return json({ error: { code: "REQUEST", message: error.message } }, error.status);
    if (error instanceof EdgepackError)
      return json({ error: { code: error.code, message: error.message } }, error.code === "INPUT_INVALID" ? 400 : 500);
    console.error(error);
    return json({ error: { code: "INTERNAL", message: "the model could not be run" } }, 500);
  }
}

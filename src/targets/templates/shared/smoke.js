// Asks a running server for answers and compares them, bit for bit, with what the same files compute in this process.
// Usage: smoke.js [URL]

import { load } from "{{code}}edgepack.js";
import { readFile } from "node:fs/promises";
import process from "node:process";

const url = process.argv[2] ?? "{{url}}";
const file = (name) => readFile(new URL(name, import.meta.url));
const model = await load(file("{{code}}model.bin"), { wasm: file("{{code}}simd.wasm") });

const arrays = { f32: Float32Array, i8: Int8Array, u8: Uint8Array, i32: Int32Array, bool: Uint8Array };
const inputs = Object.fromEntries(
  model.inputs.map(({ name, dtype, shape }) => {
    const count = shape.reduce((n, d) => n * d, 1);
    const steps = Array.from({ length: count }, (_, i) => (i * 37) % 101);
    return [name, arrays[dtype].from(steps, (x) => (dtype === "f32" ? x / 100 : dtype === "bool" ? x & 1 : x))];
  }),
);
const expected = model.run(inputs);

const ask = (body) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
const isUp = await fetch(url, { method: "HEAD" }).catch((error) => {
  console.error(`not ok: nothing answers at ${url} (${error.cause?.message ?? error.message}); start the server in another terminal first`);
});
if (!isUp) process.exit(1);
const problems = [];

const response = await ask(Object.fromEntries(Object.entries(inputs).map(([name, values]) => [name, Array.from(values)])));
const answer = await response.json();
if (response.status !== 200) problems.push(`status ${response.status}: ${JSON.stringify(answer)}`);
else
  for (const [name, values] of Object.entries(expected)) {
    const got = answer.outputs[name];
    const wrong = values.findIndex((value, i) => !Object.is(value, got?.[i]) && !(value === 0 && got?.[i] === 0));
    if (wrong >= 0) problems.push(`${name}[${wrong}] is ${got?.[wrong]}, expected ${values[wrong]}`);
  }

const refused = await ask({ "no such input": [1] });
if (refused.status !== 400) problems.push(`an unknown input was answered with status ${refused.status}, expected 400`);

for (const problem of problems) console.error(`not ok: ${problem}`);
console.log(problems.length ? `${url} fails` : `ok: ${url} answers as it should`);
process.exitCode = problems.length ? 1 : 0;

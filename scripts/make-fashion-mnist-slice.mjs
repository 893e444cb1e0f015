// Makes examples/fashion-mnist/slice and images from the four files of Fashion-MNIST:
//   node scripts/make-fashion-mnist-slice.mjs <folder of the four files>
// The test part is the first 1,000 test images; the training part 512 training images, as many of each class as can be, chosen by a fixed seed.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { encode } from "fast-png";

const TEST_COUNT = 1000;
const TRAIN_COUNT = 512;
const SEED = 1;
const SIDE = 28;
const PIXELS = SIDE * SIDE;
const IMAGES_BEGIN = 16;
const LABELS_BEGIN = 8;

const source = process.argv[2];
if (!source) {
  console.error("usage: node scripts/make-fashion-mnist-slice.mjs <folder of the four files of Fashion-MNIST>");
  process.exit(2);
}
const example = fileURLToPath(new URL("../examples/fashion-mnist/", import.meta.url));

const files = (part) => [`${part}-images-idx3-ubyte.gz`, `${part}-labels-idx1-ubyte.gz`];

function read(part) {
  const [images, labels] = files(part).map((name) => gunzipSync(readFileSync(join(source, name))));
  return { images: images.subarray(IMAGES_BEGIN), labels: labels.subarray(LABELS_BEGIN) };
}

function idx(type, dims, data) {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, type, dims.length]);
  dims.forEach((d, i) => {
    header.writeUInt32BE(d, 4 + 4 * i);
  });
  return gzipSync(Buffer.concat([header, data]), { level: 9 });
}

function write(part, { images, labels }, indices) {
  const [imagesName, labelsName] = files(part);
  const chosen = Buffer.concat(indices.map((i) => images.subarray(i * PIXELS, (i + 1) * PIXELS)));
  writeFileSync(join(example, "slice", imagesName), idx(8, [indices.length, SIDE, SIDE], chosen));
  writeFileSync(join(example, "slice", labelsName), idx(8, [indices.length], Buffer.from(indices.map((i) => labels[i]))));
}

/** mulberry32: numbers in 0 ≤ x < 1 from a seed. */
function mulberry32(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
  };
}

/** `count` indices, ascending, evenly over the classes. */
function balanced(labels, count) {
  const random = mulberry32(SEED);
  const classes = [...new Set(labels)].sort((a, b) => a - b);
  const chosen = classes.flatMap((label, k) => {
    const own = [...labels.keys()].filter((i) => labels[i] === label);
    const wanted = Math.floor(count / classes.length) + (k < count % classes.length ? 1 : 0);
    const picked = [];
    for (let i = 0; picked.length < wanted; i++) if (random() * (own.length - i) < wanted - picked.length) picked.push(own[i]);
    return picked;
  });
  return chosen.sort((a, b) => a - b);
}

const [train, test] = [read("train"), read("t10k")];
mkdirSync(join(example, "slice"), { recursive: true });
mkdirSync(join(example, "images"), { recursive: true });
write(
  "t10k",
  test,
  Array.from({ length: TEST_COUNT }, (_, i) => i),
);
write("train", train, balanced(train.labels, TRAIN_COUNT));

const names = readFileSync(join(example, "labels.txt"), "utf8").trim().split("\n");
for (const name of ["Ankle boot", "Bag", "Sneaker", "Trouser"]) {
  const at = test.labels.indexOf(names.indexOf(name));
  const data = Uint8Array.from(test.images.subarray(at * PIXELS, (at + 1) * PIXELS));
  const png = encode({ width: SIDE, height: SIDE, channels: 1, depth: 8, data });
  writeFileSync(join(example, "images", `${name.toLowerCase().replace(" ", "-")}.png`), png);
}

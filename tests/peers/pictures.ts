/** Pictures drawn at random: a shaded ground, overlapping shapes with sharp edges, texture in some of them, a soft light and grain over all. */

export interface PictureShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

type Paint = (x: number, y: number, channel: number) => number;

function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Channels first, values in −1..1; the same for the same seed. */
export function picture({ channels, height, width }: PictureShape, seed: number): Float32Array {
  const random = generator(seed);
  const between = (lo: number, hi: number): number => lo + (hi - lo) * random();
  const colour = (): number[] => {
    const light = between(-0.8, 0.8);
    return Array.from({ length: channels }, () => light + between(-0.35, 0.35));
  };
  const plain = (): Paint => {
    const [from, to] = [colour(), colour()];
    const slope = between(0, 1);
    return (x, y, c) => from[c] + (to[c] - from[c]) * (slope * x + (1 - slope) * y);
  };
  const striped = (): Paint => {
    const [a, b] = [plain(), plain()];
    const [fx, fy] = [between(-60, 60), between(-60, 60)];
    return (x, y, c) => (Math.sin(fx * x + fy * y) > 0 ? a : b)(x, y, c);
  };
  const ground = plain();
  const shapes = Array.from({ length: 6 + Math.floor(random() * 14) }, () => {
    const [cx, cy, rx, ry, turn] = [random(), random(), between(0.04, 0.35), between(0.04, 0.35), between(0, Math.PI)];
    const [cos, sin, round] = [Math.cos(turn), Math.sin(turn), random() < 0.5];
    const inside = (x: number, y: number): boolean => {
      const u = ((x - cx) * cos + (y - cy) * sin) / rx;
      const v = ((y - cy) * cos - (x - cx) * sin) / ry;
      return round ? u * u + v * v < 1 : Math.abs(u) < 1 && Math.abs(v) < 1;
    };
    return { inside, paint: random() < 0.3 ? striped() : plain() };
  });
  const [lx, ly, grain] = [between(-0.4, 0.4), between(-0.4, 0.4), between(0, 0.08)];
  const image = new Float32Array(channels * height * width);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [x, y] = [column / width, row / height];
      const { paint } = shapes.findLast(({ inside }) => inside(x, y)) ?? { paint: ground };
      const light = lx * (x - 0.5) + ly * (y - 0.5) + grain * (random() + random() - 1);
      for (let c = 0; c < channels; c++) {
        image[(c * height + row) * width + column] = Math.min(Math.max(paint(x, y, c) + light, -1), 1);
      }
    }
  }
  return image;
}

/** Lines of writing, dark on light, `lines` of them over the height: each letter a few straight strokes. Channels first, values in −1..1. */
export function writing({ channels, height, width }: PictureShape, lines: number, seed: number): Float32Array {
  const random = generator(seed);
  const paper = 0.55 + 0.4 * random();
  const image = new Float32Array(channels * height * width).fill(paper);
  const ink = paper - 0.9 - 0.5 * random();
  const dot = (cx: number, cy: number, r: number): void => {
    for (let y = Math.max(0, Math.floor(cy - r)); y <= Math.min(height - 1, cy + r); y++)
      for (let x = Math.max(0, Math.floor(cx - r)); x <= Math.min(width - 1, cx + r); x++)
        for (let c = 0; c < channels; c++) image[(c * height + y) * width + x] = ink;
  };
  const size = (0.62 * height) / lines;
  for (let line = 0; line < lines; line++) {
    const top = (height / lines) * (line + 0.19);
    for (let left = 0.3 * size; left + 0.6 * size < width; left += size * (random() < 0.15 ? 1.2 : 0.72)) {
      for (let stroke = 0; stroke < 2 + Math.floor(3 * random()); stroke++) {
        const at = (): [number, number] => [
          left + 0.5 * size * Math.round(2 * random()) * 0.5,
          top + size * Math.round(2 * random()) * 0.5,
        ];
        const [[x1, y1], [x2, y2]] = [at(), at()];
        for (let t = 0; t <= 1; t += 1 / size) dot(x1 + (x2 - x1) * t, y1 + (y2 - y1) * t, size / 22);
      }
    }
  }
  return image.map((v) => Math.min(Math.max(v + 0.04 * (random() - 0.5), -1), 1));
}

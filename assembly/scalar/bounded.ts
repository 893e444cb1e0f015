import { Elements } from "../lib/element";
import { Pick } from "../lib/pick";
import { Field } from "../lib/record";
import { Wide } from "../lib/wide";
import { CompressField, NonZeroField, UniqueField } from "../shared/indexing";
import { Ranking } from "./ranking";

/** Op `non_zero`. */
export function non_zero(r: usize): void {
  const element = Field.i32(r, NonZeroField.element);
  const rank = Field.i32(r, NonZeroField.rank);
  const n = Field.i32(r, NonZeroField.n);
  const a = Field.address(r, NonZeroField.a);
  const c = Field.address(r, NonZeroField.c);
  memory.fill(c, 0, (rank * n) << 2);
  let found = 0;
  for (let i = 0; i < n; i++) {
    if (Wide.load(a + (i << Elements.shift(element)), element) === 0) continue;
    let rest = i;
    for (let k = rank - 1; k >= 0; k--) {
      const d = Field.i32(r, NonZeroField.d0 + k);
      store<i32>(c + ((k * n + found) << 2), rest % d);
      rest /= d;
    }
    found++;
  }
  store<i32>(Field.address(r, NonZeroField.length), found);
}

/** Op `compress`. */
export function compress(r: usize): void {
  const n = Field.i32(r, CompressField.n);
  const count = Field.i32(r, CompressField.count);
  const bytes = Field.i32(r, CompressField.inner) * Field.i32(r, CompressField.size);
  const condition = Field.address(r, CompressField.condition);
  let a = Field.address(r, CompressField.a);
  let c = Field.address(r, CompressField.c);
  let found = 0;
  for (let o = Field.i32(r, CompressField.outer); o > 0; o--, a += n * bytes, c += count * bytes) {
    memory.fill(c, 0, count * bytes);
    found = 0;
    for (let j = 0; j < count; j++) if (load<u8>(condition + j)) Pick.copy(c + found++ * bytes, a + j * bytes, bytes);
  }
  store<i32>(Field.address(r, CompressField.length), found);
}

/** Op `unique`. */
export function unique(r: usize): void {
  const element = Field.i32(r, UniqueField.element);
  const sorted = Field.i32(r, UniqueField.sorted) !== 0;
  const outer = Field.i32(r, UniqueField.outer);
  const n = Field.i32(r, UniqueField.n);
  const inner = Field.i32(r, UniqueField.inner);
  const bytes = inner << Elements.shift(element);
  const a = Field.address(r, UniqueField.a);
  const c = Field.address(r, UniqueField.c);
  const indices = Field.address(r, UniqueField.indices);
  const inverse = Field.address(r, UniqueField.inverse);
  const counts = Field.address(r, UniqueField.counts);
  const ranked = Field.address(r, UniqueField.scratch);
  memory.fill(c, 0, outer * n * bytes);
  memory.fill(indices, 0, n << 2);
  memory.fill(counts, 0, n << 2);
  Ranking.of(element, true, a, n, inner, outer, inner);
  Ranking.best(ranked, n);
  // Equal slices stand together, the first of them first: `inverse` holds the first of each until its number is known.
  for (let j = 0, first = 0; j < n; j++) {
    const slice = load<i32>(ranked + (j << 2));
    if (j === 0 || !Ranking.same(first, slice)) first = slice;
    store<i32>(inverse + (slice << 2), first);
  }
  let found = 0;
  for (let j = 0; j < n; j++) {
    const slice = sorted ? load<i32>(ranked + (j << 2)) : j;
    const first = load<i32>(inverse + (slice << 2));
    const number = first === slice ? found++ : load<i32>(inverse + (first << 2));
    if (first === slice) {
      store<i32>(indices + (number << 2), slice);
      for (let o = 0; o < outer; o++) Pick.copy(c + (o * n + number) * bytes, a + (o * n + slice) * bytes, bytes);
    }
    store<i32>(inverse + (slice << 2), number);
    const count = counts + (number << 2);
    store<i32>(count, load<i32>(count) + 1);
  }
  store<i32>(Field.address(r, UniqueField.length), found);
}

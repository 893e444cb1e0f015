import { Elements } from "../lib/element";
import { Pick } from "../lib/pick";
import { Field } from "../lib/record";
import { TopKField } from "../shared/indexing";
import { Ranking } from "./ranking";

/** Op `top_k`. */
export function top_k(r: usize): void {
  const element = Field.i32(r, TopKField.element);
  const least = Field.i32(r, TopKField.least) !== 0;
  const n = Field.i32(r, TopKField.n);
  const inner = Field.i32(r, TopKField.inner);
  const k = Field.i32(r, TopKField.k);
  const scratch = Field.address(r, TopKField.scratch);
  const shift = Elements.shift(element);
  let a = Field.address(r, TopKField.a);
  let values = Field.address(r, TopKField.values);
  let indices = Field.address(r, TopKField.indices);
  for (let o = Field.i32(r, TopKField.outer); o > 0; o--) {
    for (let i = 0; i < inner; i++) {
      const from = a + (i << shift);
      Ranking.of(element, least, from, n, inner, 1, 1);
      Ranking.best(scratch, k);
      for (let j = 0; j < k; j++) {
        const at = j * inner + i;
        const index = load<i32>(scratch + (j << 2));
        store<i32>(indices + (at << 2), index);
        Pick.copy(values + (at << shift), from + ((index * inner) << shift), 1 << shift);
      }
    }
    a += (n * inner) << shift;
    values += (k * inner) << shift;
    indices += (k * inner) << 2;
  }
}

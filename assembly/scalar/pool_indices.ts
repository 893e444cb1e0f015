import { Field } from "../lib/record";
import { PoolIndicesField } from "../shared/sampling";

/** Op `pool_indices`: the first of equal maxima counts; a window without elements gives −∞ and the first place of its plane. */
export function pool_indices(r: usize): void {
  const plane = Field.i32(r, PoolIndicesField.in_d) * Field.i32(r, PoolIndicesField.in_h) * Field.i32(r, PoolIndicesField.in_w);
  const planes = Field.i32(r, PoolIndicesField.planes);
  const out_d = Field.i32(r, PoolIndicesField.out_d);
  const out_h = Field.i32(r, PoolIndicesField.out_h);
  const out_w = Field.i32(r, PoolIndicesField.out_w);
  let c = Field.address(r, PoolIndicesField.c);
  let indices = Field.address(r, PoolIndicesField.indices);
  for (let p = 0; p < planes; p++) {
    for (let z = 0; z < out_d; z++) {
      for (let y = 0; y < out_h; y++) {
        for (let x = 0; x < out_w; x++, c += 4, indices += 4) window(r, p * plane, z, y, x, c, indices);
      }
    }
  }
}

function window(r: usize, plane: i32, out_z: i32, out_y: i32, out_x: i32, c: usize, indices: usize): void {
  const in_d = Field.i32(r, PoolIndicesField.in_d);
  const in_h = Field.i32(r, PoolIndicesField.in_h);
  const in_w = Field.i32(r, PoolIndicesField.in_w);
  const front = out_z * Field.i32(r, PoolIndicesField.stride_d) - Field.i32(r, PoolIndicesField.pad_d);
  const top = out_y * Field.i32(r, PoolIndicesField.stride_h) - Field.i32(r, PoolIndicesField.pad_h);
  const left = out_x * Field.i32(r, PoolIndicesField.stride_w) - Field.i32(r, PoolIndicesField.pad_w);
  const a = Field.address(r, PoolIndicesField.a);
  const by_column = Field.i32(r, PoolIndicesField.by_column);
  let largest: f32 = -Infinity;
  let place = 0;
  for (let kz = 0; kz < Field.i32(r, PoolIndicesField.kernel_d); kz++) {
    const z = front + kz * Field.i32(r, PoolIndicesField.dilation_d);
    if (z < 0 || z >= in_d) continue;
    for (let ky = 0; ky < Field.i32(r, PoolIndicesField.kernel_h); ky++) {
      const y = top + ky * Field.i32(r, PoolIndicesField.dilation_h);
      if (y < 0 || y >= in_h) continue;
      for (let kx = 0; kx < Field.i32(r, PoolIndicesField.kernel_w); kx++) {
        const x = left + kx * Field.i32(r, PoolIndicesField.dilation_w);
        if (x < 0 || x >= in_w) continue;
        const at = (z * in_h + y) * in_w + x;
        const value = load<f32>(a + ((plane + at) << 2));
        if (value > largest) {
          largest = value;
          place = by_column ? z + (y + x * in_h) * in_d : at;
        }
      }
    }
  }
  store<f32>(c, largest);
  store<i32>(indices, plane + place);
}

import { Element } from "../shared/elementwise";
import { Elements } from "./element";

/** Elements of any type as f64, which holds all of them exactly. */
export class Wide {
  static load(p: usize, type: i32): f64 {
    return type === Element.f32 ? <f64>load<f32>(p) : <f64>Elements.load(p, type);
  }

  /** Integers wrap to their width. */
  static store(p: usize, type: i32, value: f64): void {
    if (type === Element.f32) store<f32>(p, <f32>value);
    else Elements.store(p, type, <i32>(<i64>value));
  }
}

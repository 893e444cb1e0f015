import { Field } from "../lib/record";
import { Element } from "../shared/elementwise";
import { NonMaxSuppressionField } from "../shared/indexing";
import { Ranking } from "./ranking";

/** Op `non_max_suppression`. */
export function non_max_suppression(r: usize): void {
  const classes = Field.i32(r, NonMaxSuppressionField.classes);
  const n = Field.i32(r, NonMaxSuppressionField.n);
  const bound = Field.i32(r, NonMaxSuppressionField.bound);
  const boxes = Field.address(r, NonMaxSuppressionField.boxes);
  const scores = Field.address(r, NonMaxSuppressionField.scores);
  const c = Field.address(r, NonMaxSuppressionField.c);
  memory.fill(c, 0, bound * 12);
  let found = 0;
  for (let b = 0; b < Field.i32(r, NonMaxSuppressionField.batch); b++) {
    for (let k = 0; k < classes; k++) {
      const chosen = choose(r, boxes + ((b * n) << 4), scores + (((b * classes + k) * n) << 2), c + found * 12, bound - found);
      for (let end = found + chosen; found < end; found++) {
        store<i32>(c + found * 12, b);
        store<i32>(c + found * 12, k, 4);
      }
    }
  }
  store<i32>(Field.address(r, NonMaxSuppressionField.length), found);
}

/** The boxes of one class that stay, as the last words of the rows at `c`; gives how many, at most `room`. */
function choose(r: usize, boxes: usize, scores: usize, c: usize, room: i32): i32 {
  const n = Field.i32(r, NonMaxSuppressionField.n);
  const center = Field.i32(r, NonMaxSuppressionField.center) !== 0;
  const score = Field.address(r, NonMaxSuppressionField.score);
  const limit = load<f32>(Field.address(r, NonMaxSuppressionField.iou));
  const most = min(room, load<i32>(Field.address(r, NonMaxSuppressionField.most)));
  const ranked = Field.address(r, NonMaxSuppressionField.scratch);
  let candidates = 0;
  for (let j = 0; j < n; j++) {
    if (score === 0 || load<f32>(scores + (j << 2)) > load<f32>(score)) store<i32>(ranked + (candidates++ << 2), j);
  }
  Ranking.of(Element.f32, false, scores, n, 1, 1, 1);
  Ranking.sort(ranked, candidates);
  let chosen = 0;
  for (let j = 0; j < candidates && chosen < most; j++) {
    const box = load<i32>(ranked + (j << 2));
    let free = true;
    for (let i = 0; free && i < chosen; i++) {
      free = !(iou(boxes + (load<i32>(c + i * 12, 8) << 4), boxes + (box << 4), center) > limit);
    }
    if (free) store<i32>(c + chosen++ * 12, box, 8);
  }
  return chosen;
}

/** Intersection over union; 0 for boxes without area. */
function iou(p: usize, q: usize, center: bool): f32 {
  const across = overlap(p, q, center);
  const along = overlap(p + 4, q + 4, center);
  const both = across * along;
  const all = extent(p, center) * extent(p + 4, center) + extent(q, center) * extent(q + 4, center) - both;
  return both > 0 && all > 0 ? both / all : 0;
}

function extent(p: usize, center: bool): f32 {
  return end(p, center) - start(p, center);
}

function overlap(p: usize, q: usize, center: bool): f32 {
  return max<f32>(0, min<f32>(end(p, center), end(q, center)) - max<f32>(start(p, center), start(q, center)));
}

function start(p: usize, center: bool): f32 {
  return center ? load<f32>(p) - load<f32>(p, 8) / 2 : min<f32>(load<f32>(p), load<f32>(p, 8));
}

function end(p: usize, center: bool): f32 {
  return center ? load<f32>(p) + load<f32>(p, 8) / 2 : max<f32>(load<f32>(p), load<f32>(p, 8));
}

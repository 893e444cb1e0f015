// The demo page, the same over http and from file://: a picture for models that know how to normalize one, numbers for the others.
// A classic script, because file:// has no modules; it sets the one global that the last script of a page calls.

/** @import { EdgepackError, InputInfo, Model, TypedArray, topK } from "./edgepack.js" */

/** @param {{ load(): Promise<Model>, topK: typeof topK, EdgepackError: typeof EdgepackError }} api */
globalThis.edgepackDemo = async ({ load, topK, EdgepackError }) => {
  const TOP = 5;
  const ARRAYS = { f32: Float32Array, i8: Int8Array, u8: Uint8Array, i32: Int32Array, bool: Uint8Array };

  /**
   * @template {HTMLElement} T
   * @param {string} id
   * @param {{ new (): T }} type
   */
  const find = (id, type) => {
    const element = document.getElementById(id);
    if (!(element instanceof type)) throw new Error(`the page has no ${id}`);
    return element;
  };

  const status = find("status", HTMLParagraphElement);
  const list = find("answer", HTMLOListElement);

  /** @param {readonly number[]} shape */
  const count = (shape) => shape.reduce((n, d) => n * d, 1);

  /**
   * Shares of the whole: scores that are shares already, or their softmax.
   * @param {TypedArray} scores
   */
  const shares = (scores) => {
    const values = Array.from(scores);
    const sum = values.reduce((a, b) => a + b, 0);
    if (Math.abs(sum - 1) < 1e-3 && values.every((x) => x >= 0)) return values;
    const top = Math.max(...values);
    const powers = values.map((x) => Math.exp(x - top));
    const total = powers.reduce((a, b) => a + b, 0);
    return powers.map((x) => x / total);
  };

  /** @param {{ text: string, value: string, share: number }[]} rows share is the length of the bar, 0 to 1 */
  const show = (rows) => {
    list.replaceChildren(
      ...rows.map(({ text, value, share }) => {
        const item = document.createElement("li");
        item.style.setProperty("--share", `${100 * share}%`);
        for (const part of [text, value]) item.append(Object.assign(document.createElement("span"), { textContent: part }));
        return item;
      }),
    );
  };

  /**
   * The best classes where the first output is one vector of scores, else the first values of every output.
   * @param {Model} model
   * @param {Record<string, TypedArray>} outputs
   */
  const showOutputs = (model, outputs) => {
    const [first] = model.outputs;
    const classes = first.shape.at(-1) ?? 1;
    if (classes > 1 && classes === count(first.shape)) {
      const best = topK(shares(outputs[first.name]), TOP, model.labels);
      show(
        best.map(({ index, label, score }) => ({ text: label ?? `class ${index}`, value: `${(100 * score).toFixed(1)} %`, share: score })),
      );
    } else {
      const values = Object.entries(outputs).map(([name, array]) => [
        name,
        Array.from(array.slice(0, 8), (x) => x.toPrecision(4)).join(", "),
      ]);
      show(values.map(([text, value]) => ({ text, value, share: 0 })));
    }
  };

  /**
   * @param {Model} model
   * @param {Record<string, TypedArray>} inputs
   */
  const run = (model, inputs) => {
    try {
      const start = performance.now();
      const outputs = model.run(inputs);
      status.textContent = `${(performance.now() - start).toFixed(2)} ms`;
      showOutputs(model, outputs);
    } catch (error) {
      if (!(error instanceof EdgepackError)) throw error;
      status.textContent = error.message;
      list.replaceChildren();
    }
  };

  /**
   * @param {Model} model
   * @param {InputInfo} input
   */
  const pictureDemo = (model, input) => {
    const [height, width] = input.preprocess?.layout === "nchw" ? input.shape.slice(2) : input.shape.slice(1);
    const side = 320;
    const draw = find("draw", HTMLCanvasElement);
    const seen = find("seen", HTMLCanvasElement);
    const invert = find("invert", HTMLInputElement);
    const file = find("file", HTMLInputElement);
    Object.assign(draw, { width: side, height: Math.round((side * height) / width) });
    Object.assign(seen, { width, height });
    const pen = /** @type {CanvasRenderingContext2D} */ (draw.getContext("2d"));
    const small = /** @type {CanvasRenderingContext2D} */ (seen.getContext("2d", { willReadFrequently: true }));

    const look = () => {
      small.filter = invert.checked ? "invert(1)" : "none";
      small.imageSmoothingQuality = "high";
      small.drawImage(draw, 0, 0, width, height);
      run(model, { [input.name]: small.getImageData(0, 0, width, height).data });
    };

    const clear = () => {
      pen.fillStyle = "#000";
      pen.fillRect(0, 0, draw.width, draw.height);
      look();
    };

    /** @param {PointerEvent} event */
    const stroke = (event) => {
      if (!event.buttons) return;
      const scale = draw.width / draw.clientWidth;
      const [x, y] = [event.offsetX * scale, event.offsetY * scale];
      if (event.type === "pointerdown") {
        draw.setPointerCapture(event.pointerId);
        pen.beginPath();
      }
      Object.assign(pen, { lineWidth: side / 14, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
      pen.lineTo(x, y);
      pen.stroke();
      look();
    };

    draw.addEventListener("pointerdown", stroke);
    draw.addEventListener("pointermove", stroke);
    find("clear", HTMLButtonElement).addEventListener("click", clear);
    invert.addEventListener("change", look);
    file.addEventListener("change", async () => {
      const [picked] = file.files ?? [];
      if (!picked) return;
      try {
        const picture = await createImageBitmap(picked);
        const scale = Math.min(draw.width / picture.width, draw.height / picture.height);
        const [w, h] = [picture.width * scale, picture.height * scale];
        pen.fillStyle = invert.checked ? "#fff" : "#000";
        pen.fillRect(0, 0, draw.width, draw.height);
        pen.drawImage(picture, (draw.width - w) / 2, (draw.height - h) / 2, w, h);
        look();
      } catch {
        status.textContent = `${picked.name} is no picture that this browser can read`;
      }
    });
    find("picture", HTMLElement).hidden = false;
    clear();
  };

  /** @param {Model} model */
  const valuesDemo = (model) => {
    const form = find("values", HTMLFormElement);
    const fields = model.inputs.map((input) => {
      const label = document.createElement("label");
      const text = Object.assign(document.createElement("textarea"), { rows: 4, spellcheck: false });
      text.value = Array.from({ length: count(input.shape) }, (_, i) => (input.dtype === "f32" ? ((i * 37) % 101) / 100 : i % 2)).join(" ");
      label.append(`${input.name}: ${input.dtype}, ${input.shape.join(" × ") || "one number"}`, text);
      form.append(label);
      return { input, text };
    });
    const read = () => {
      const values = fields.map(({ input, text }) => {
        const numbers = text.value
          .split(/[\s,]+/)
          .filter(Boolean)
          .map(Number);
        return [input.name, ARRAYS[input.dtype].from(numbers)];
      });
      run(model, Object.fromEntries(values));
    };
    form.append(Object.assign(document.createElement("button"), { textContent: "Run" }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      read();
    });
    form.hidden = false;
    read();
  };

  try {
    const model = await load();
    const [input] = model.inputs;
    if (model.inputs.length === 1 && input.preprocess && input.shape.length === 4 && input.shape[0] === 1) pictureDemo(model, input);
    else valuesDemo(model);
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error);
  }
};

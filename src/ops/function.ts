import type { Node } from "../graph/graph.ts";
import { type Tensor, type TensorType, typeOf } from "../tensor/index.ts";
import { type Decomposition, defineOp, type OpDef, type Subgraphs } from "./define.ts";
import { opOf } from "./index.ts";
import { makeNode } from "./node.ts";

interface FunctionDef extends Pick<OpDef, "domain" | "attrs" | "arity" | "tolerance" | "cases" | "macs" | "upgrade"> {
  /** Writes the operator in terms of others; what it adds must write every output that the node has. */
  body(parts: Decomposition): void;
}

/** An operator that is defined by others, as the functions of the ONNX standard are: its types, values and kernels are those of its body. */
export function defineFunction({ body, ...def }: FunctionDef): OpDef {
  return defineOp({
    ...def,
    decompose: body,
    infer: ({ node, inputs, constant }, subgraphs) => {
      const { types } = walk(
        node,
        body,
        inputs,
        node.inputs.map((_, i) => constant(i)),
        subgraphs,
      );
      return node.outputs.map((output) => types.get(output)!);
    },
    eval: ({ node, inputs }, subgraphs) => {
      const { values } = walk(node, body, inputs, inputs, subgraphs);
      return node.outputs.map((output) => values.get(output)!);
    },
  });
}

/** Runs a body over types, and over values as far as they follow from the constants among the inputs. */
function walk(
  node: Node,
  body: FunctionDef["body"],
  inputs: readonly (TensorType | undefined)[],
  constants: readonly (Tensor | undefined)[],
  subgraphs: Subgraphs,
): { types: ReadonlyMap<string, TensorType>; values: ReadonlyMap<string, Tensor> } {
  const types = new Map<string, TensorType>();
  const values = new Map<string, Tensor>();
  node.inputs.forEach((name, i) => {
    const [type, value] = [inputs[i], constants[i]];
    if (type) types.set(name, typeOf(type));
    if (value) values.set(name, value);
  });
  let parts = 0;
  body({
    node,
    type: (value) => types.get(value)!,
    constant: (value) => values.get(value),
    fresh: (base) => `${base}/${parts++}`,
    value: (tensor) => {
      const name = `${node.name}/${parts++}`;
      values.set(name, tensor);
      types.set(name, typeOf(tensor));
      return name;
    },
    add: (op, names, attrs, outputs = [`${node.name}/${parts++}`], quant) => {
      const made = makeNode({ op, name: outputs[0], inputs: names, outputs, attrs, quant });
      const def = opOf(op)!;
      const given = made.inputs.map((name) => (name === "" ? undefined : types.get(name)));
      const known = made.inputs.map((name) => (name === "" ? undefined : values.get(name)));
      const ctx = { node: made, inputs: given, constant: (i: number) => known[i] };
      const found = def.infer(ctx, subgraphs);
      const results =
        def.fold?.(ctx, subgraphs) ??
        (made.inputs.every((name, i) => name === "" || known[i]) ? def.eval({ node: made, inputs: known }, subgraphs) : undefined);
      outputs.forEach((output, i) => {
        types.set(output, found[i]);
        if (results) values.set(output, results[i]);
      });
      return outputs[0];
    },
  });
  return { types, values };
}

import { EdgepackError, load, topK } from "./index.js";

globalThis.edgepackDemo({ load, topK, EdgepackError });

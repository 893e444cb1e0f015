import { describe } from "vitest";
import { httpSuite } from "../http.ts";
import { startWorkerd } from "./workerd.ts";

describe("the package for Cloudflare Workers, in workerd", () => {
  httpSuite({ target: "cloudflare", model: "src/model.bin", start: startWorkerd });
});

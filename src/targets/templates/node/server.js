// Serves the model over HTTP: node server.js, with the port in PORT (8000).
import { createServer } from "node:http";
import process from "node:process";
import { Readable } from "node:stream";
import { handle } from "./handler.js";
import { load } from "./index.js";

const model = load();

const server = createServer(async (incoming, outgoing) => {
  const { method = "GET", headers } = incoming;
  const body = method === "GET" || method === "HEAD" ? undefined : /** @type {ReadableStream} */ (Readable.toWeb(incoming));
  const request = new Request("http://localhost/", {
    method,
    headers: { "content-type": headers["content-type"] ?? "" },
    ...(body && { body, duplex: "half" }),
  });
  const response = await handle(request, () => model);
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(Buffer.from(await response.arrayBuffer()));
});

server.listen(Number(process.env.PORT ?? 8000), () => console.log(`http://localhost:${/** @type {any} */ (server.address()).port}/`));

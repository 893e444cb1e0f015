#!/usr/bin/env node
import { runCli } from "./cli.ts";

// A reader that closes the pipe early (`edgepack inspect … | head`) has seen enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCli(process.argv.slice(2), process);

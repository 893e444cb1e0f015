globalThis.edgepackDemo(globalThis.edgepackModels["{{slug}}"]);

import { expect, it } from "vitest";
import { html } from "../../src/report/markup.ts";

it("what is put into a template is escaped, in text and in attributes", () => {
  expect(html`<p title="${'"><script>'}">${"<b>&'"}</p>`.text).toBe('<p title="&quot;&gt;&lt;script&gt;">&lt;b&gt;&amp;&#39;</p>');
});

it("what came out of a template is put in as it is, and lists part by part", () => {
  expect(html`<ul>${["<", ">"].map((text) => html`<li>${text}</li>`)}</ul>`.text).toBe("<ul><li>&lt;</li><li>&gt;</li></ul>");
});

it("nothing is put in for undefined and false, but 0 is", () => {
  expect(html`[${undefined}${false}${0}]`.text).toBe("[0]");
});

it("characters that cannot be seen show, so that no name passes for another", () => {
  expect(html`${"a\u202eb\u200bc\u0000\n"}`.text).toBe("a\ufffdb\ufffdc\ufffd\n");
});

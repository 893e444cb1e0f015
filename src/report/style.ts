/** The page's style: system fonts, one column on a phone, the reader's choice of dark or light. */
export const STYLE = `
:root { color-scheme: light dark; --back: #fff; --text: #1c1e21; --dim: #666d76; --line: #dfe3e8; --main: #2563eb; --other: #d97706; --soft: #93b4f5; --fill: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e6e8eb; --dim: #98a0aa; --line: #31363d; --main: #7aa5ff; --other: #f0a94a; --soft: #3b5a97; --fill: #22262b; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 70rem; padding: 1rem; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; } h3 { font-size: .95rem; margin: 1rem 0 .25rem; }
p { margin: .25rem 0; } .dim { color: var(--dim); }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .75rem; margin: 1rem 0; padding: 0; }
.facts div { background: var(--fill); border-radius: .5rem; padding: .6rem .8rem; } .facts dt { color: var(--dim); font-size: .85rem; } .facts dd { margin: 0; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: middle; } th { color: var(--dim); font-weight: 500; }
td.name { white-space: normal; min-width: 12rem; } .n { text-align: right; }
section > svg { max-width: 44rem; } svg { display: block; width: 100%; height: auto; } svg text { fill: var(--dim); font-size: 11px; } .axis { stroke: var(--line); }
.a { fill: var(--main); } .b { fill: var(--other); } .c { fill: var(--soft); } .d { fill: var(--dim); } .e { fill: var(--line); } .path { fill: none; stroke: var(--main); } .grid { stroke: var(--other); } .chosen { fill: var(--other); }
.bar { display: inline-block; width: 5rem; height: .6rem; background: var(--fill); border-radius: .3rem; overflow: hidden; margin-left: .5rem; } .bar i { display: block; height: 100%; background: var(--main); }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: .15rem; margin-right: .4rem; } .key svg { height: .7rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: 1rem; } .cards figure, .answers figure { margin: 0; } figcaption { font-size: .85rem; }
.map { width: 100%; aspect-ratio: 2; } .map, .answers img { image-rendering: pixelated; border: 1px solid var(--line); display: block; }
.answers { display: grid; grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); gap: .75rem; } .answers img { width: 4rem; }
pre { background: var(--fill); padding: .6rem; border-radius: .5rem; overflow-x: auto; font-size: .8rem; } ol { padding-left: 1.2rem; } li { margin-bottom: .75rem; }
`;

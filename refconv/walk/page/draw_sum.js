"use strict";
// The multiply-accumulate at hand: its index arithmetic with the numbers put in, the terms of the
// sum so far, and the same place in the seven loops.

function drawSum({ stages, now, separable, predicting, revealed }) {
  const stage = stages[now.stage];
  const { g } = stage;
  const names = namesOf(separable, now.stage);
  const at = numbersAt(stage, now);
  const axis = (letter, o, s, before, k, d, result, size) =>
    `<li><code>${letter} = o${letter}·s${letter} − ${letter === "h" ? "pt" : "pl"} + k${letter}·d${letter}</code>` +
    `<code>= ${o}·${s} − ${before} + ${k}·${d} = <b>${result}</b></code>` +
    `${result < 0 || result >= size ? ` <span class="outside">padding: not in 0 to ${size - 1}</span>` : ""}</li>`;
  byId("index").innerHTML = `<ul>
    <li><code>g = f // Fg</code><code>= ${now.f} // ${g.Fg} = <b>${now.group}</b></code></li>
    <li><code>c = g·Cg + cg</code><code>= ${now.group}·${g.Cg} + ${now.cg} = <b>${now.c}</b></code></li>
    ${axis("h", now.oh, g.sh, g.pt, now.kh, g.dh, now.h, g.H)}
    ${axis("w", now.ow, g.sw, g.pl, now.kw, g.dw, now.w, g.W)}
  </ul>
  <p class="product"><span class="input${now.onPad ? " pad" : ""}">${names.x}[${now.n}, ${now.c}, ${now.h}, ${now.w}] = <b>${at.x}</b></span>
    × <span class="weight">${names.weight}[${now.f}, ${now.cg}, ${now.kh}, ${now.kw}] = <b>${at.weight}</b></span>
    = <b>${at.x * at.weight}</b></p>`;
  const index = now.kh * g.KW + now.kw;
  const terms = at.terms.map((term, i) => {
    const name = classes("term", term.onPad && "pad", i === index && "now", i > index && "later");
    return `<span class="${name}">${term.x}·${bracketed(term.weight)}</span>`;
  });
  const before = now.cg
    ? `<span class="term">${predicting && !revealed.has("y") ? "?" : at.before} from channels before</span> + `
    : "";
  const room = 1.5 * Math.ceil(1 + (g.KH * g.KW) / 9); // longer numbers shall move nothing below
  byId("terms").innerHTML =
    `<p style="min-height: ${room}em"><span class="output">` +
    `${names.y}[${now.n}, ${now.f}, ${now.oh}, ${now.ow}]</span> = ${before}` +
    `${terms.join(" + ")}${now.cg < g.Cg - 1 ? " + …" : ""}</p>` +
    `<p>Sum so far: <b id="sum">${predicting && !revealed.has("y") ? "?" : at.sum}</b>, after ` +
    `${((now.done - 1) % g.K) + 1} of ${g.K} terms, ` +
    `${now.cg + 1} of ${g.Cg} input channels.</p>`;
  drawLoops(g, now, names);
}

const bracketed = (number) => (number < 0 ? `(${number})` : number);

function drawLoops(g, now, { x, weight, y }) {
  const loops = [
    ["n", "N", now.n, "output"],
    ["f", "F", now.f, "output"],
    ["oh", "OH", now.oh, "output"],
    ["ow", "OW", now.ow, "output"],
    ["cg", "Cg", now.cg, "input"],
    ["kh", "KH", now.kh, "weight"],
    ["kw", "KW", now.kw, "weight"],
  ];
  const lines = loops.map(
    ([index, size, value, role], depth) =>
      `${"  ".repeat(depth)}for <span class="${role}">${index}</span> in range(${size}):` +
      `  <i># <b class="${role}">${value}</b> of ${g[size]}</i>`,
  );
  const inner = "  ".repeat(loops.length);
  byId("loops").innerHTML = [
    ...lines,
    `${inner}<span class="output">${y}[n, f, oh, ow]</span> += \\`,
    `${inner}  <span class="input">${x}[n, c, h, w]</span> *`,
    `${inner}  <span class="weight">${weight}[f, cg, kh, kw]</span>`,
  ].join("\n");
}

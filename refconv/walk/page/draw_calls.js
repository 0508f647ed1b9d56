"use strict";
// The calls to copy, one card for each library.

let lastCalls = "";

function drawCalls({ stages }) {
  const calls = callsOf(stages.map(({ g }) => g));
  const key = calls.map(({ text }) => text).join();
  if (key === lastCalls) return;
  lastCalls = key;
  byId("calls").innerHTML = calls
    .map(
      ({ name }) => `
    <figure class="call" data-library="${name}">
      <figcaption>${name} <button type="button" aria-label="Copy the ${name} call">Copy</button></figcaption>
      <pre tabindex="0" aria-label="${name} call"></pre>
    </figure>`,
    )
    .join("");
  byId("calls")
    .querySelectorAll("pre")
    .forEach((pre, i) => {
      pre.textContent = calls[i].text;
    });
}

function buildCalls() {
  byId("calls").addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const call = button.closest("figure");
    const text = call.querySelector("pre");
    try {
      await navigator.clipboard.writeText(text.textContent);
      byId("copied").textContent = `Copied: ${call.dataset.library}.`;
    } catch (refused) {
      // some browsers let no page from disk write there
      getSelection().selectAllChildren(text);
      byId("copied").textContent = `Selected, to be copied by hand (${refused.message}).`;
    }
  });
}

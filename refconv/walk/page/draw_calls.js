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

const COPIED_FOR = 2500; // milliseconds

/** Say on the button what became of it, and aloud. */
function sayCopied(button, text, spoken) {
  button.textContent = text;
  byId("copied").textContent = spoken;
  setTimeout(() => {
    button.textContent = "Copy";
    byId("copied").textContent = "";
  }, COPIED_FOR);
}

function buildCalls() {
  byId("calls").addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const call = button.closest("figure");
    const text = call.querySelector("pre");
    try {
      await navigator.clipboard.writeText(text.textContent);
      sayCopied(button, "Copied", `Copied: ${call.dataset.library}.`);
    } catch (refused) {
      // some browsers let no page from disk write there
      getSelection().selectAllChildren(text);
      sayCopied(button, "Selected: copy it by hand", `Selected, to be copied: ${refused.message}.`);
    }
  });
}

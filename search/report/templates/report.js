"use strict";
// The page works without this script: it opens what a link leads to, marks the chosen point, copies commands, zooms
// the data flow, and unfolds everything for the printer.
(() => {
  const points = [...document.querySelectorAll("svg a")];

  function show() {
    const chosen = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!chosen || chosen.tagName !== "DETAILS") return;
    for (const other of chosen.parentElement.children) other.open = other === chosen;
    for (const point of points) {
      if (point.getAttribute("href") === location.hash) point.setAttribute("aria-current", "true");
      else point.removeAttribute("aria-current");
    }
    chosen.querySelector("summary").focus({ preventScroll: true });
    chosen.scrollIntoView({ block: "nearest" });
  }
  window.addEventListener("hashchange", show);
  show();

  for (const block of document.querySelectorAll(".commands pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy: ${block.getAttribute("aria-label")}`);
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block);
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    block.parentElement.previousElementSibling.append(button);
  }

  for (const drawing of document.querySelectorAll(".drawing:has(> svg.wide)")) {
    const svg = drawing.firstElementChild;
    const natural = svg.getBoundingClientRect().width;
    const tools = document.createElement("p");
    tools.className = "zoom";
    const width = () => svg.getBoundingClientRect().width;
    const widths = {
      Larger: () => 1.25 * width(), Smaller: () => width() / 1.25, Fit: () => drawing.clientWidth, Reset: () => natural,
    };
    for (const [label, wanted] of Object.entries(widths)) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = label;
      button.setAttribute("aria-label", `${label}: ${svg.getAttribute("aria-label")}`);
      button.addEventListener("click", () => {
        svg.setAttribute("width", wanted());
        svg.removeAttribute("height");
      });
      tools.append(button);
    }
    drawing.before(tools);
  }

  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details:not([open])")];
    for (const part of folded) part.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const part of folded) part.open = false;
  });
})();

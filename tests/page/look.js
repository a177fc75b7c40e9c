// Copyright (c) onefed contributors
// SPDX-License-Identifier: BSD-2-Clause
//
// Looks at a page as people do, and prints what it saw as JSON: node look.js MODULES CHROMIUM PAGE FOLDER VIEW…
const path = require("path");
const [modules, chromium, page, folder, ...wanted] = process.argv.slice(2);
const puppeteer = require(path.join(modules, "puppeteer-core"));

const VIEWS = [
  { name: "wide-light", width: 1280, scheme: "light" },
  { name: "wide-dark", width: 1280, scheme: "dark" },
  { name: "narrow-light", width: 390, scheme: "light" },
  { name: "narrow-dark", width: 390, scheme: "dark" },
];

async function look(browser, view) {
  const tab = await browser.newPage();
  const said = [];
  const asked = [];
  tab.on("console", (message) => said.push(message.text()));
  tab.on("pageerror", (error) => said.push(String(error)));
  tab.on("request", (request) => asked.push(request.url()));
  await tab.setViewport({ width: view.width, height: 800 });
  await tab.emulateMediaFeatures([{ name: "prefers-color-scheme", value: view.scheme }]);
  await tab.goto(`file://${page}`);
  await tab.screenshot({ path: path.join(folder, `status-${view.name}.png`), fullPage: true });
  const seen = await tab.evaluate(() => ({
    overflow: document.documentElement.scrollWidth - window.innerWidth,
    age: document.getElementById("age").textContent,
    stale: !document.getElementById("stale").hidden,
    beside: [...document.querySelectorAll(".slaves > div")].every((one) => {
      const [line, card] = [".trunk", ".card"].map((part) => one.querySelector(part).getBoundingClientRect());
      return line.right <= card.left + 1;
    }),
    background: getComputedStyle(document.body).backgroundColor,
  }));
  await tab.keyboard.press("Tab");
  const first = await tab.evaluate(() => document.activeElement.textContent);
  await tab.keyboard.press("Enter");
  const jumped = await tab.evaluate(() => document.activeElement.id);
  await tab.keyboard.press("Tab");
  const region = await tab.evaluate(() => document.activeElement.getAttribute("aria-labelledby"));
  await tab.setBypassCSP(true);
  await tab.reload();
  await tab.addScriptTag({ path: path.join(modules, "axe-core/axe.min.js") });
  const violations = await tab.evaluate(async () => {
    const result = await window.axe.run();
    return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`);
  });
  await tab.close();
  const others = asked.filter((url) => url.split("#")[0] !== `file://${page}`);
  return { ...seen, said, others, first, jumped, region, violations };
}

(async () => {
  const browser = await puppeteer.launch({ executablePath: chromium, args: ["--no-sandbox"] });
  try {
    const found = {};
    for (const view of VIEWS.filter((one) => wanted.includes(one.name))) found[view.name] = await look(browser, view);
    console.log(JSON.stringify(found));
  } finally {
    await browser.close();
  }
})();

// Redrive's pages, made livelier. Without this file they show and do the same.
//
// - Polling: the page is fetched again as a document and its [data-live] regions are exchanged node by node. Nothing is
//   ever parsed from a string, so the page runs under `require-trusted-types-for 'script'`.
// - It waits while the page is hidden, a row is selected, a question is open or a field has the focus.
// - Keys, selection and charts. Words come from the page (data-words-*), so that they are translated there.

const root = document.getElementById("redrive");
const KEY = "redrive.";
const all = (selector, from = root) => [...from.querySelectorAll(selector)];
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);

const remembered = (name, fallback) => {
  try { return localStorage.getItem(KEY + name) ?? fallback; } catch { return fallback; }
};
const remember = (name, value) => {
  try { localStorage.setItem(KEY + name, value); } catch { /* a browser without storage forgets */ }
};

// --- Charts -------------------------------------------------------------------------------------------------------

const charts = new Map();
const DOUGHNUT_TONES = ["info", "orange", "violet", "teal", "warn", "good", "bad", "quiet"];

// Custom properties may hold light-dark(); only a computed colour can be given to a canvas.
const probe = document.createElement("span");
probe.hidden = true;
function colour(property) {
  probe.style.color = `var(--redrive-${property})`;
  return getComputedStyle(probe).color;
}

function chartConfig(data, canvasIsWide) {
  const ring = data.kind === "doughnut";
  const rows = data.kind === "rows";
  const text = colour("fg");
  const line = colour("hair");
  const datasets = data.series.map((series) => ({
    label: series.name,
    data: series.values,
    backgroundColor: ring ? data.labels.map((_, i) => colour(`fill-${DOUGHNUT_TONES[i % 8]}`)) : colour(`fill-${series.tone}`),
    borderColor: colour("card"),
    borderWidth: ring ? 2 : 0,
  }));
  const scale = (extra) => ({
    stacked: !rows, beginAtZero: true, grid: { color: line }, border: { color: line },
    ticks: { color: text, precision: rows ? 1 : 0, maxRotation: 0, autoSkipPadding: 16, ...extra },
  });
  return {
    type: ring ? "doughnut" : "bar",
    data: { labels: data.labels, datasets },
    options: {
      indexAxis: rows ? "y" : "x",
      responsive: true,
      maintainAspectRatio: false,
      animation: matchMedia("(prefers-reduced-motion: reduce)").matches ? false : { duration: 300 },
      locale: document.documentElement.lang || undefined,
      scales: ring ? {} : { x: scale({}), y: scale({ autoSkip: !rows }) },
      plugins: {
        legend: { display: ring || data.series.length > 1, position: ring && canvasIsWide ? "right" : "bottom", labels: { color: text, boxWidth: 12 } },
      },
    },
  };
}

function drawCharts() {
  if (!window.Chart) return;
  for (const canvas of all("canvas[data-chart]")) {
    const source = document.getElementById(canvas.dataset.chart);
    if (!source) continue;
    const data = JSON.parse(source.textContent);
    const empty = !data.series.some((series) => series.values.some(Boolean));
    canvas.parentElement.hidden = empty;
    canvas.setAttribute("aria-label", data.summary);
    if (empty) continue;
    const config = chartConfig(data, root.clientWidth > 480);
    const chart = charts.get(canvas);
    if (!chart) {
      charts.set(canvas, new window.Chart(canvas, config));
    } else {
      chart.data = config.data;
      chart.options = config.options;
      chart.update("none");
    }
  }
}

// --- Polling ------------------------------------------------------------------------------------------------------

const age = root.querySelector("[data-age]");
const interval = root.querySelector("[data-refresh]");
let seen = Date.now();
let missed = 0;
let busy = false;

function isPaused() {
  const focused = document.activeElement;
  return document.hidden
    || root.querySelector("[data-select]:checked, .redrive-ask[open], dialog[open]") !== null
    || (focused?.matches("input:not([type=checkbox]), select:not([data-refresh]), textarea") && root.contains(focused));
}

function sayAge() {
  const seconds = Math.round((Date.now() - seen) / 1000);
  const span = seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  const stale = missed >= 3;
  age.toggleAttribute("data-stale", stale);
  age.textContent = fill(stale ? root.dataset.wordsStale : root.dataset.wordsAge, { span })
    + (isPaused() && Number(interval.value) ? ` · ${root.dataset.wordsPaused}` : "");
}

// A document request parses the answer in the browser itself: no script of it runs, no string becomes markup.
const fetchPage = () => new Promise((resolve, reject) => {
  const request = new XMLHttpRequest();
  request.open("GET", location.href);
  request.responseType = "document";
  request.timeout = 15000;
  request.onload = () => (request.status === 200 && request.responseXML?.getElementById("redrive") ? resolve(request.responseXML) : reject(request.status));
  request.onerror = request.ontimeout = reject;
  request.send();
});

// CSRF tokens are masked anew in every answer: they alone are no reason to exchange anything.
function withoutTokens(node) {
  const copy = node.cloneNode(true);
  all("[name=csrfmiddlewaretoken]", copy).forEach((field) => field.remove());
  return copy;
}

function exchange(region, fresh) {
  const next = document.importNode(fresh, true);
  for (const open of all("details[open][id]", region)) {
    next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  }
  if (withoutTokens(region).isEqualNode(withoutTokens(next))) return;
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? all("a, button, summary, [tabindex]", region).indexOf(focused) : -1;
  const scrolled = all(".redrive-scroll", region).map((box) => box.scrollLeft);
  region.replaceChildren(...next.childNodes);
  all(".redrive-scroll", region).forEach((box, i) => { box.scrollLeft = scrolled[i] ?? 0; });
  if (place >= 0) all("a, button, summary, [tabindex]", region)[place]?.focus({ preventScroll: true });
}

const announced = () => all("[data-announce]").map((node) => `${node.dataset.announce}: ${node.textContent.match(/[\d,.+]+/)?.[0] ?? ""}`).join(", ");

async function refresh() {
  if (busy) return;
  busy = true;
  try {
    const page = await fetchPage();
    if (isPaused()) return;
    const before = announced();
    for (const region of all("[data-live]")) {
      const fresh = page.getElementById(region.id);
      if (fresh) exchange(region, fresh);
    }
    const after = announced();
    if (after !== before) root.querySelector("[data-announcer]").textContent = after;
    drawCharts();
    seen = Date.now();
    missed = 0;
  } catch {
    missed += 1;
  } finally {
    busy = false;
    sayAge();
  }
}

let last = Date.now();
function tick() {
  const wait = Number(interval.value) * 1000;
  if (wait && !isPaused() && Date.now() - last >= wait) {
    last = Date.now();
    refresh();
  }
  sayAge();
}

// --- Rows: selection and keys -------------------------------------------------------------------------------------

const selectAll = root.querySelector("[data-select-all]");

function saySelected() {
  const boxes = all("[data-select]");
  const chosen = boxes.filter((box) => box.checked).length;
  const place = root.querySelector("[data-selected]");
  if (place) place.textContent = chosen ? fill(root.dataset.wordsSelected, { n: chosen }) : "";
  if (selectAll) {
    selectAll.checked = chosen > 0 && chosen === boxes.length;
    selectAll.indeterminate = chosen > 0 && chosen < boxes.length;
  }
}

function moveBy(step) {
  const rows = all("[data-row]");
  const at = rows.indexOf(document.activeElement?.closest("[data-row]"));
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)]?.focus();
}

const dialog = root.querySelector("dialog");
const useKeys = root.querySelector("[data-keys]");
const currentRow = () => document.activeElement?.closest("[data-row]");
const KEYS = {
  "/": () => root.querySelector("[data-search]")?.focus(),
  "j": () => moveBy(1),
  "k": () => moveBy(-1),
  "x": () => currentRow()?.querySelector("[data-select]")?.click(),
  "o": () => currentRow()?.querySelector("[data-open]")?.click(),
  "?": () => dialog.showModal(),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog.open || !useKeys.checked) return;
  if (event.target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]")) return;
  const act = KEYS[event.key];
  if (act) {
    event.preventDefault();
    act();
  }
}

// --- Start --------------------------------------------------------------------------------------------------------

function start() {
  root.append(probe);
  // A page without live regions answers to a form: it cannot be fetched again, and need not be.
  const isLive = root.querySelector("[data-live]") !== null;
  all(isLive ? "[data-needs-script], [data-needs-live]" : "[data-needs-script]").forEach((node) => { node.hidden = false; });
  interval.value = remembered("refresh", "60");
  if (!interval.value) interval.value = "60";
  useKeys.checked = remembered("keys", "on") === "on";
  interval.addEventListener("change", () => remember("refresh", interval.value));
  useKeys.addEventListener("change", () => remember("keys", useKeys.checked ? "on" : "off"));
  root.querySelector("[data-refresh-now]").addEventListener("click", refresh);
  root.querySelector("[data-help]").addEventListener("click", () => dialog.showModal());
  selectAll?.addEventListener("change", () => {
    all("[data-select]").forEach((box) => { box.checked = selectAll.checked; });
    saySelected();
  });
  root.addEventListener("change", (event) => { if (event.target.matches("[data-select]")) saySelected(); });
  document.addEventListener("keydown", onKey);
  addEventListener("beforeprint", () => all(".redrive-chart details").forEach((node) => { node.open = true; }));
  new MutationObserver(drawCharts).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawCharts);
  drawCharts();
  saySelected();
  if (isLive) {
    sayAge();
    setInterval(tick, 1000);
  }
}

if (root) start();

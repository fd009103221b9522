// All cameras follow one clock; it waits while one of them has no picture yet.
const el = (tag, name, text) => {
  const made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
const svg = (tag, attributes) => {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const short = (stream) => stream.replace(/^observation\.(images\.)?/, "");
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const plain = (value) =>
  value === null || value === undefined ? "–" : Number(value.toPrecision(3)).toLocaleString("en");

function camera(one, alone) {
  const box = el("div", alone ? "camera alone" : "camera");
  const still = (why) => {
    box.querySelectorAll("video, img, .why").forEach((old) => old.remove());
    if (one.poster) box.prepend(Object.assign(el("img"), { src: one.poster, alt: one.name }));
    box.append(el("div", "why", why));
  };
  box.append(el("div", "name", one.name));
  if (one.why) {
    still(one.why);
    return { box, video: null };
  }
  const video = Object.assign(el("video"), {
    src: one.url, muted: true, playsInline: true, preload: "auto", poster: one.poster || "",
  });
  const made = { box, video, start: one.start_s, end: one.end_s };
  video.addEventListener("error", () => {
    made.video = null;
    still("Your browser cannot play this file; its picture from the middle is shown.");
  });
  box.prepend(video);
  return made;
}

function lanes(data) {
  const rows = new Map();
  for (const flag of data.flags) {
    const key = `${flag.words}\n${flag.stream || ""}`;
    if (!rows.has(key)) rows.set(key, []);
    rows.get(key).push(flag);
  }
  return [...rows.values()].map((flags) => lane(
    `${flags[0].sign} ${flags[0].words}`, short(flags[0].stream || "episode"), flags, data.duration_s,
  ));
}

function lane(words, under, spans, duration) {
  const row = el("div", "row");
  const label = el("div", "label");
  label.append(el("b", "", words), el("span", "", under));
  const line = el("div", "lane");
  for (const one of spans) {
    const span = el("div", "span");
    span.style.left = `${(100 * one.start_s) / duration}%`;
    span.style.width = `${(100 * (one.end_s - one.start_s)) / duration}%`;
    if (one.colour) span.style.background = one.colour;
    span.title = one.message;
    line.append(span);
  }
  row.append(label, line);
  return row;
}

function axis(duration) {
  const row = el("div", "row");
  const line = el("div", "axis");
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const mark = el("i", "", `${(part * duration).toFixed(1)} s`);
    mark.style.left = `${100 * part}%`;
    line.append(mark);
  }
  row.append(el("div", "label"), line);
  return row;
}

function curve(one, times, data, stream, colour) {
  const row = el("div", "row curve");
  const label = el("div", "label");
  const now = el("span", "", "");
  label.append(el("b", "", one.words), now);
  const plot = el("div", "plot");
  plot.style.setProperty("--curve", colour);
  const canvas = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" });
  for (const flag of data.flags.filter((f) => !f.stream || f.stream === stream)) {
    const x = (1000 * flag.start_s) / data.duration_s;
    const width = Math.max((1000 * (flag.end_s - flag.start_s)) / data.duration_s, 2);
    canvas.append(svg("rect", { x, width, y: 0, height: 100, fill: flag.colour, opacity: width > 900 ? 0.1 : 0.22 }));
  }
  const span = one.high - one.low;
  let path = "";
  let pen = "M";
  one.values.forEach((value, at) => {
    if (value === null) { pen = "M"; return; }
    const y = span ? 95 - (90 * (value - one.low)) / span : 50;
    path += `${pen}${((1000 * times[at]) / data.duration_s).toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  });
  canvas.append(svg("path", { d: path }));
  plot.append(canvas);
  row.append(label, plot);
  const show = (t) => {
    let at = 0;
    while (at + 1 < times.length && times[at + 1] <= t) at += 1;
    now.textContent = `${plain(one.values[at])} ${one.unit} (${plain(one.low)} to ${plain(one.high)})`;
  };
  return { row, show };
}

const SPEEDS = [0.25, 0.5, 1, 2, 4];
const LEAST_LOOP_S = 0.5;

// One episode in ``root``; gives what its keys do and what others may ask of it.
function play_in(root, data) {
  const find = (name) => root.querySelector(name);
  const state = { t: 0, playing: false, rate: 1, last: 0, alive: true, loop: null, span: null };

  const cameras = data.cameras.map((one) => camera(one, data.cameras.length === 1));
  find(".cameras").replaceChildren(...cameras.map((one) => one.box));
  const tracks = find(".tracks");
  const head = find(".head");
  const ruler = axis(data.duration_s);
  tracks.replaceChildren(...lanes(data), ruler, head);

  let curves = [];
  const tabs = find(".tabs");
  const choose = (stream) => {
    tracks.querySelectorAll(".curve").forEach((old) => old.remove());
    const found = data.curves.find((one) => one.stream === stream);
    curves = found ? found.curves.map((one) => curve(one, found.times, data, stream, data.colour)) : [];
    head.before(...curves.map((one) => one.row));
    for (const tab of tabs.children) tab.setAttribute("aria-selected", tab.dataset.stream === stream);
    show();
  };
  tabs.replaceChildren(...data.curves.map((one) => {
    const tab = el("button", "", short(one.stream));
    tab.dataset.stream = one.stream;
    tab.setAttribute("role", "tab");
    tab.addEventListener("click", () => choose(one.stream));
    return tab;
  }));
  function next_curves() {
    const at = [...tabs.children].findIndex((tab) => tab.getAttribute("aria-selected") === "true");
    if (tabs.children.length) choose(tabs.children[(at + 1) % tabs.children.length].dataset.stream);
  }

  function show() {
    const label = parseFloat(getComputedStyle(tracks).getPropertyValue("--label"));
    const width = tracks.clientWidth - label;
    head.style.left = `${label + (width * state.t) / data.duration_s}px`;
    find(".clock").textContent = `${state.t.toFixed(2)} / ${data.duration_s.toFixed(2)} s`;
    find(".play").textContent = state.playing ? "❚❚" : "▶";
    find(".speed").value = String(state.rate);
    find(".loop").setAttribute("aria-pressed", Boolean(state.loop));
    for (const one of curves) one.show(state.t);
  }
  function place() {
    for (const one of cameras) if (one.video) {
      one.video.pause();
      one.video.currentTime = Math.min(one.start + state.t, one.end);
    }
    show();
  }
  function seek(t) {
    state.t = clamp(t, 0, data.duration_s);
    place();
  }
  function play(on) {
    if (on === state.playing) return;
    if (on && state.t >= data.duration_s - 0.01) state.t = 0;
    state.playing = on;
    state.last = performance.now();
    if (!on) place(); else requestAnimationFrame(tick);
  }
  function tick(now) {
    if (!state.alive || !state.playing) return;
    const passed = clamp((now - state.last) / 1000, 0, 0.25);
    state.last = now;
    const showing = cameras.filter((one) => one.video && one.start + state.t < one.end);
    if (!showing.some((one) => one.video.readyState < 3)) state.t += passed * state.rate;
    if (state.loop && state.t >= state.loop.end_s) {
      state.t = state.loop.start_s;
      for (const one of showing) one.video.currentTime = one.start + state.t;
    }
    for (const one of cameras) if (one.video && !showing.includes(one)) one.video.pause();
    for (const one of showing) {
      const ahead = one.video.currentTime - (one.start + state.t);
      if (Math.abs(ahead) > 0.3 && !one.video.seeking) one.video.currentTime = one.start + state.t;
      one.video.playbackRate = clamp(state.rate * (1 - clamp(ahead, -0.2, 0.2)), 0.1, 8);
      if (one.video.paused) one.video.play().catch(() => {});
    }
    if (state.t >= data.duration_s) { state.t = data.duration_s; play(false); return; }
    show();
    requestAnimationFrame(tick);
  }
  function step(by) {
    play(false);
    // The middle of a picture's showing, so that rounding never shows its neighbour.
    const at = Math.floor(state.t * data.rate_hz + 1e-6) + by;
    seek((at + 0.5) / data.rate_hz);
  }
  function jump(way) {
    const flags = [...data.flags].sort((a, b) => a.start_s - b.start_s);
    const found = way > 0
      ? flags.find((flag) => flag.start_s > state.t + 0.02) ?? flags[0]
      : flags.filter((flag) => flag.start_s < state.t - 0.02).pop() ?? flags[flags.length - 1];
    if (!found) return;
    state.span = found;
    if (state.loop) state.loop = wide(found);
    const was = state.playing;
    play(false);
    seek(found.start_s);
    play(was);
  }
  // A span of one picture would not be seen going round.
  function wide(span) {
    const lacks = Math.max(LEAST_LOOP_S - (span.end_s - span.start_s), 0) / 2;
    return {
      start_s: Math.max(span.start_s - lacks, 0),
      end_s: Math.min(span.end_s + lacks, data.duration_s),
    };
  }
  function loop(span) {
    if (state.loop && !span) { state.loop = null; show(); return; }
    const here = data.flags.filter((flag) => flag.start_s <= state.t && state.t <= flag.end_s);
    const around = span ?? here.find((flag) => flag === state.span) ?? here[0] ?? state.span ?? data.flags[0];
    if (!around) return;
    state.loop = wide(around);
    if (state.t < state.loop.start_s || state.t > state.loop.end_s) seek(state.loop.start_s);
    play(true);
    show();
  }
  function rate(value) {
    state.rate = value;
    show();
  }
  function faster(by) {
    rate(SPEEDS[clamp(SPEEDS.indexOf(state.rate) + by, 0, SPEEDS.length - 1)]);
  }
  // Spans that a person marked, and where one was begun.
  function marks(spans, begun) {
    tracks.querySelectorAll(".mine").forEach((old) => old.remove());
    const all = begun === null ? spans : [...spans, { start_s: begun, end_s: begun, message: "marked in" }];
    if (!all.length) return;
    const row = lane("✎ marked", begun === null ? `${spans.length} by you` : `in at ${begun.toFixed(2)} s`, all, data.duration_s);
    row.classList.add("mine");
    ruler.before(row);
  }
  const does = {
    " ": () => play(!state.playing), n: () => jump(1), p: () => jump(-1),
    ArrowRight: (shift) => (shift ? seek(state.t + 1) : step(1)),
    ArrowLeft: (shift) => (shift ? seek(state.t - 1) : step(-1)),
    l: () => loop(), "-": () => faster(-1), "+": () => faster(1), "=": () => faster(1),
    c: next_curves,
  };
  function point(event) {
    const box = tracks.getBoundingClientRect();
    const label = parseFloat(getComputedStyle(tracks).getPropertyValue("--label"));
    const x = event.clientX - box.left - label;
    if (x >= 0) seek((x / (box.width - label)) * data.duration_s);
  }
  find(".play").onclick = () => play(!state.playing);
  find(".step").onclick = () => step(1);
  find(".back").onclick = () => step(-1);
  find(".flag").onclick = () => jump(1);
  find(".flag").disabled = !data.flags.length;
  find(".loop").onclick = () => loop();
  find(".speed").onchange = (event) => rate(Number(event.target.value));
  tracks.onpointerdown = point;
  tracks.onpointermove = (event) => { if (event.buttons & 1) point(event); };
  const sized = new ResizeObserver(show);
  sized.observe(tracks);
  choose(data.chosen || (data.curves[0] && data.curves[0].stream));
  seek(data.at_s || 0);
  function leave() {
    state.alive = false;
    sized.disconnect();
    for (const one of cameras) if (one.video) { one.video.pause(); one.video.removeAttribute("src"); one.video.load(); }
  }
  return { state, does, seek, play, rate, marks, loop, leave };
}

// The player alone, on an episode's page: its keys work while it has the focus.
function player(component) {
  const { data, parentElement } = component;
  const root = parentElement.querySelector(".player");
  const key = JSON.stringify([data.episode, data.flags, data.dark]);
  // Drawn again with the same episode: keep the position, the speed and what has been loaded.
  if (root.dataset.key === key) return root.leave;
  if (root.leave) root.leave();
  root.dataset.key = key;
  const playing = play_in(root, data);
  root.onkeydown = (event) => {
    if (["INPUT", "TEXTAREA", "SELECT"].includes(event.target.tagName)) return;
    const does = playing.does[event.key];
    if (!does || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    does(event.shiftKey);
  };
  root.leave = () => {
    playing.leave();
    root.dataset.key = "";
    root.leave = null;
  };
  return root.leave;
}

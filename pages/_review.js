// A reviewer's desk: the clip on the screen, the one loaded ahead, and every key.
const KEYS = [
  ["a", "accept"], ["r", "reject"], ["t", "retake: reject, and have it done over"],
  ["1 … 9", "choose the reason; 0 is any other, with a note"], ["Enter, or the same key again", "take the reason marked: the check's own name; without a flag none is"],
  ["w", "write a note; Enter or Esc leaves it and keeps it"], ["u", "take the last decision back, within 15 minutes"],
  ["j", "next: keep this clip for later"], ["k", "back to the clip kept for later"],
  ["g", "give this clip back to the queue"],
  ["i", "mark in"], ["o", "mark out: adds a span, and asks for its reason"],
  ["Backspace", "take the last mark away"], ["space", "play, pause"],
  ["← →", "one picture"], ["⇧← ⇧→", "one second"], ["n p", "next, previous flag"],
  ["l", "go round in the flag; again, on from there"], ["- +", "slower, faster: ¼ to 4 times"],
  ["c", "curves of the next stream"], ["Esc", "close what is open"], ["?", "these keys"],
];
const STAY_MS = 120_000;
// Nobody judges a picture in less. A key that is pressed once too often would otherwise decide on the
// clip that has just come, a blind check as well as any.
const LOOK_MS = 700;
const HINT_MS = 2500;
const SAID = { accepted: "✓ Accepted", rejected: "✕ Rejected", retake: "↻ Retake" };

const is_text = (node) =>
  node && (node.isContentEditable || node.tagName === "TEXTAREA" || node.tagName === "SELECT" ||
    (node.tagName === "INPUT" && !["checkbox", "radio", "button", "range"].includes(node.type)));

// The key as printed on a Latin keyboard, also while another alphabet is switched on.
function plain_key(event) {
  if (event.key.length > 1 || /^[ -~]$/.test(event.key)) {
    return event.key.length === 1 ? event.key.toLowerCase() : event.key;
  }
  return /^Key[A-Z]$/.test(event.code) ? event.code[3].toLowerCase() : event.key;
}

function left_words(seconds) {
  const past = seconds < 0;
  const s = Math.abs(seconds);
  const words = s < 3600 ? `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`
    : s < 172800 ? `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min` : `${Math.floor(s / 86400)} days`;
  return past ? `overdue by ${words}` : `due in ${words}`;
}

function desk(root) {
  const find = (name) => root.querySelector(name);
  const player_html = find("template").innerHTML;
  const stages = new Map();
  const drafts = new Map();
  let ring = [], pending = [], on = null, panel = null, data = null, send = () => {};
  let turn = 0, told = 0, number = 0, active = true, timer = 0, due_at = null;
  let pressed = null, spent = null, hinting = 0, last = null;
  const tag = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 8)}`;

  const draft = (clip) => {
    if (!drafts.has(clip.episode)) drafts.set(clip.episode, { marks: [], begun: null, note: "" });
    return drafts.get(clip.episode);
  };
  const player_of = (clip) => stages.get(clip.claim)?.player;

  function say(text, episode = null) {
    find(".message").replaceChildren(...[text || "", episode === null ? "" : linked(episode)].filter(Boolean));
    find(".message").classList.toggle("told", Boolean(text));
  }
  // Of every clip alike: nothing here tells a blind look from a plain one.
  function linked(episode) {
    const link = el("a", "", `Episode ${episode}`);
    link.href = `episode?id=${episode}`;
    link.target = "_blank";
    return link;
  }
  // A word on a key that was not taken, which moves nothing and goes by itself.
  function hint(text) {
    const soft = find(".soft");
    soft.textContent = text;
    soft.classList.add("told");
    clearTimeout(hinting);
    hinting = setTimeout(() => { soft.classList.remove("told"); soft.textContent = ""; }, HINT_MS);
  }
  const is_seen = () => performance.now() - Number(root.dataset.shown_ms) >= LOOK_MS;
  function act(does, more = {}) {
    number += 1;
    pending.push({ id: `${tag}-${number}`, do: does, ...more });
    root.dataset.pending = String(pending.length);
    send("acts", pending.slice());
  }

  function build(clip) {
    const node = el("div", "stage ahead");
    node.innerHTML = player_html;
    find(".stages").append(node);
    stages.set(clip.claim, { node, look: JSON.stringify([clip.flags, clip.dark]), player: play_in(node.querySelector(".player"), clip) });
  }
  function drop(claim) {
    const stage = stages.get(claim);
    stage.player.leave();
    stage.node.remove();
    stages.delete(claim);
  }

  // Put the first of the ring on the screen, as fast and as playing as the one before it.
  function show() {
    const clip = ring[0] || null;
    find(".work").hidden = !clip;
    find(".idle").hidden = Boolean(clip) || pending.length > 0;
    if (on && (!clip || clip.claim !== on.claim)) {
      const before = player_of(on);
      const was = before && { playing: before.state.playing, rate: before.state.rate };
      if (before) before.play(false);
      stages.get(on.claim)?.node.classList.add("ahead");
      on = null;
      close();
      if (clip && was) {
        player_of(clip).rate(was.rate);
        player_of(clip).play(was.playing);
      }
    }
    if (!clip) { find(".appeal").hidden = true; return; }
    const fresh = !on;
    on = clip;
    stages.get(clip.claim).node.classList.remove("ahead");
    if (fresh) {
      root.dataset.shown_ms = String(performance.now());
      keep_note(draft(clip).note);
    }
    root.dataset.claim = String(clip.claim);
    root.dataset.episode = String(clip.episode);
    describe(clip);
    marked();
  }

  function list(under, title, lines) {
    const box = find(under);
    box.replaceChildren();
    if (!lines.length) return;
    const ul = el("ul");
    ul.append(...lines.map((line) => el("li", "", line)));
    box.append(el("h3", "", title), ul);
  }
  function describe(clip) {
    find(".what").replaceChildren(el("b", "", clip.title), el("span", "", clip.under));
    const flags = clip.flags.slice(0, 8).map((flag) => {
      const one = el("div", "one");
      one.style.setProperty("--flag", flag.colour);
      one.append(`${flag.sign} ${flag.message}`, el("small", "", `${flag.words} · ${short(flag.stream || "episode")} · ${flag.start_s.toFixed(2)} to ${flag.end_s.toFixed(2)} s`));
      one.onclick = () => player_of(clip).seek(flag.start_s);
      return one;
    });
    if (clip.flags.length > 8) flags.push(el("small", "", `and ${clip.flags.length - 8} more, on the timeline`));
    find(".found").replaceChildren(el("h3", "", clip.flags.length ? "Flags" : "No flag: look for what checks do not see"), ...flags);
    list(".causes", "Likely cause, from where else it occurs", clip.causes);
    list(".past", "History", clip.past);
    find(".facts").textContent = clip.facts;
    const appeal = find(".appeal");
    appeal.hidden = !clip.appeal;
    due_at = clip.appeal ? Date.now() + 1000 * clip.appeal.left_s : null;
    if (clip.appeal) {
      appeal.replaceChildren(el("span", "due"), el("b", "", "Appeal: "), clip.appeal.reason, el("div", "", clip.appeal.under));
      tick();
    }
  }
  function tick() {
    if (due_at !== null && find(".due")) find(".due").textContent = left_words((due_at - Date.now()) / 1000);
  }
  function marked() {
    const mine = draft(on);
    player_of(on).marks(mine.marks.map((mark) => ({ ...mark, message: mark.reason })), mine.begun);
  }

  // Reasons -----------------------------------------------------------------------------------
  function open(kind, same) {
    const own = draft(on).marks.map((mark) => mark.reason);
    const offered = kind === "accepted" ? on.reasons.accepted : on.reasons.rejected;
    const first = kind === "accepted" ? [] : offered.filter((one) => own.includes(one.reason));
    const items = [...first, ...offered.filter((one) => !first.includes(one))];
    // without a flag or a mark nothing is the likely reason: one has to be chosen
    panel = { kind, same, items, at: first.length || items[0]?.usual ? 0 : -1 };
    const asks = { accepted: "Accept, although it was flagged. Why?", rejected: "Reject. Why?", retake: "Have it done over. Why?", mark: "What is there in the span?" };
    find(".hint").textContent = "number, or ↑ ↓ and Enter · Esc goes back";
    unfold(asks[kind], kind !== "mark");
  }
  function write() {
    panel = { kind: "note", same: null, items: [], at: -1 };
    find(".hint").textContent = "Enter or Esc leaves it; it is kept and goes with your decision";
    unfold("A note on this clip", true);
    find(".note").focus();
  }
  function unfold(ask, may_note) {
    find(".ask").textContent = ask;
    find(".note").value = draft(on).note;
    find(".note").placeholder = "";
    find(".noting").hidden = !may_note;
    find(".panel").hidden = false;
    draw_reasons();
    if (matchMedia("(max-width: 900px)").matches) find(".panel").scrollIntoView({ block: "nearest" });
  }
  function draw_reasons() {
    find(".reasons").replaceChildren(...panel.items.map((one, at) => {
      const line = el("li", at === panel.at ? "at" : "");
      const digit = digit_of(one, at);
      line.append(el("kbd", digit ? "" : "none", digit), el("b", "", one.words), el("span", "", one.means));
      line.onclick = () => pick(at);
      return line;
    }));
    const box = find(".reasons");
    const line = box.querySelector(".at");
    if (line) box.scrollTop = clamp(box.scrollTop, line.offsetTop - box.offsetTop + line.offsetHeight - box.clientHeight, line.offsetTop - box.offsetTop);
  }
  // The others by their place; "other" is 0 on every clip.
  const digit_of = (one, at) => (one.reason === "other" ? "0" : at < 9 ? String(at + 1) : "");
  function close() {
    panel = null;
    find(".panel").hidden = true;
    find(".note").blur();
  }
  function keep_note(text) {
    draft(on).note = text;
    find(".kept").textContent = text.trim() ? `✎ ${text.trim()}` : "";
  }
  function pick(at) {
    const one = panel.items[at];
    if (!one) { hint("Choose a reason by its number."); return; }
    panel.at = at;
    if (panel.kind === "mark") {
      const mine = draft(on);
      mine.marks.push({ start_s: mine.out[0], end_s: mine.out[1], reason: one.reason });
      mine.begun = null;
      close();
      marked();
      say(`Marked ${one.words}, ${mine.out[0].toFixed(2)} to ${mine.out[1].toFixed(2)} s. Backspace takes it away.`);
      return;
    }
    if (one.reason === "other" && !find(".note").value.trim()) {
      draw_reasons();
      find(".note").placeholder = "Say what it is, then Enter";
      find(".note").focus();
      return;
    }
    decide(panel.kind, one);
  }
  function decide(decision, one) {
    if (!is_seen()) { too_early(); return; }
    spent = pressed;
    const mine = draft(on);
    mine.note = mine.note.trim();
    last = [`${SAID[decision]}${one ? `: ${one.words}` : ""}. u takes it back. `, on.episode];
    say(...last);
    act("decide", {
      claim: on.claim, decision, reason: one ? one.reason : null, note: mine.note || null, marks: mine.marks,
    });
    ring = ring.slice(1);
    show();
    if (!ring.length) say(`${SAID[decision]}. Taking the next clip …`);
  }
  const too_early = () => hint("This clip has only just come: look at it, then press again.");

  // Keys --------------------------------------------------------------------------------------
  const verdicts = { a: "accepted", r: "rejected", t: "retake" };
  function begin(key) {
    const kind = verdicts[key];
    if (key === spent && !is_seen()) too_early();
    else if (kind === "accepted" && !on.reasons.accepted.length) decide(kind, null);
    else open(kind, key);
  }
  function later(way) {
    if (way < 0 && !on.can_go_back && ring.length < 2) { say("No clip was kept for later. u takes the last decision back."); return; }
    act(way > 0 ? "later" : "back", { claim: on.claim });
    if (ring.length > 1) ring = way > 0 ? [...ring.slice(1), ring[0]] : [ring[ring.length - 1], ...ring.slice(0, -1)];
    say("");
    show();
  }
  const does = {
    a: () => begin("a"), r: () => begin("r"), t: () => begin("t"),
    j: () => later(1), k: () => later(-1),
    g: () => { act("give", { claim: on.claim }); ring = ring.slice(1); say("Given back to the queue."); show(); },
    i: () => { draft(on).begun = player_of(on).state.t; marked(); },
    o: () => {
      const mine = draft(on);
      const now = player_of(on).state.t;
      const from = mine.begun ?? 0;
      mine.out = [Math.min(from, now), Math.max(from, now)];
      player_of(on).play(false);
      open("mark", "o");
    },
    Backspace: () => { const mine = draft(on); if (mine.begun === null) mine.marks.pop(); mine.begun = null; marked(); },
    w: write,
  };
  const always = {
    u: () => { act("undo"); say("Taking the last decision back …"); },
    "?": () => { find(".help").hidden = !find(".help").hidden; },
    Escape: () => { find(".help").hidden = true; close(); },
  };
  const in_panel = (key) => {
    if (/^[0-9]$/.test(key)) return () => pick(panel.items.findIndex((one, at) => digit_of(one, at) === key));
    if (key === "Enter" || key === panel.same) return () => pick(panel.at);
    if (key === "ArrowDown" || key === "ArrowUp") {
      return () => { panel.at = clamp(panel.at + (key === "ArrowDown" ? 1 : -1), 0, panel.items.length - 1); draw_reasons(); };
    }
    if (key === "w" && panel.kind !== "mark") return () => find(".note").focus();
    if (verdicts[key] && panel.kind !== "mark") return () => begin(key);
    return null;
  };
  function meaning(key) {
    if (!find(".help").hidden) return key === "?" || key === "Escape" ? always.Escape : null;
    if (panel && in_panel(key)) return in_panel(key);
    if (always[key]) return always[key];
    if (!on) return key === "j" || key === "Enter" ? () => act("take") : null;
    if (panel && panel.kind !== "note" && does[key]) return null;
    return does[key] || player_of(on)?.does[key] || null;
  }
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    active = true;
    const at = event.composedPath()[0];
    if (at === find(".note")) {
      // The typing stays here: the page around has keys of its own.
      event.stopImmediatePropagation();
      if (event.key === "Enter" && panel.kind !== "note") { event.preventDefault(); pressed = "Enter"; pick(panel.at); }
      else if (["Enter", "Escape"].includes(event.key)) close();
      return;
    }
    if (is_text(at)) return;
    if (["BUTTON", "A"].includes(at.tagName) && ["Enter", " "].includes(event.key)) return;
    const key = plain_key(event);
    const done = meaning(key);
    if (!done) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    pressed = key;
    if (!event.repeat || event.key.startsWith("Arrow")) done(event.shiftKey);
  }
  function click(event) {
    const button = event.composedPath().find((node) => node.dataset && node.dataset.key);
    if (event.detail > 0) event.composedPath().find((node) => node.tagName === "BUTTON")?.blur();
    if (button) {
      pressed = button.dataset.key;
      meaning(pressed)?.();
    }
  }

  // What the server says ----------------------------------------------------------------------
  function take(given, sender) {
    data = given;
    send = sender;
    pending = pending.filter((one) => !data.done.includes(one.id));
    const leaving = new Set(pending.filter((one) => ["decide", "give"].includes(one.do)).map((one) => one.claim));
    const held = data.clips.filter((clip) => !leaving.has(clip.claim));
    if (pending.length && data.turn === turn) {
      const order = ring.map((clip) => clip.claim);
      const place = (clip) => (order.includes(clip.claim) ? order.indexOf(clip.claim) : order.length);
      held.sort((one, other) => place(one) - place(other));
    }
    turn = data.turn;
    ring = held;
    for (const clip of ring) {
      const look = JSON.stringify([clip.flags, clip.dark]);
      if (stages.has(clip.claim) && stages.get(clip.claim).look !== look) drop(clip.claim);
      if (!stages.has(clip.claim)) build(clip);
    }
    show();
    for (const claim of [...stages.keys()]) {
      if (!ring.some((clip) => clip.claim === claim)) drop(claim);
    }
    find(".sitting").textContent = data.sitting;
    find(".idle p").textContent = data.idle;
    if (data.message && data.message.id !== told) {
      told = data.message.id;
      say(data.message.text);
    } else if (ring.length && find(".message").textContent.endsWith("…")) say(...(last || [""]));
    root.dataset.pending = String(pending.length);
  }
  function stay() {
    if (active && ring.length) act("stay");
    active = false;
  }
  find(".help").append(el("h3", "", "Keys"), el("div"));
  find(".help div").append(...KEYS.map(([key, words]) => {
    const line = el("p");
    line.append(el("kbd", "", key), words);
    return line;
  }));
  window.addEventListener("keydown", press, true);
  root.addEventListener("click", click);
  find(".note").addEventListener("input", () => keep_note(find(".note").value));
  root.addEventListener("pointermove", () => { active = true; });
  timer = setInterval(tick, 1000);
  const staying = setInterval(stay, STAY_MS);
  // Nobody looks at a page that lies behind another.
  const looked_at = () => { if (!document.hidden && on) root.dataset.shown_ms = String(performance.now()); };
  document.addEventListener("visibilitychange", looked_at);
  function leave() {
    window.removeEventListener("keydown", press, true);
    root.removeEventListener("click", click);
    clearInterval(timer);
    clearInterval(staying);
    document.removeEventListener("visibilitychange", looked_at);
    clearTimeout(hinting);
    for (const claim of [...stages.keys()]) drop(claim);
    root.desk = null;
  }
  return { take, leave };
}

function review(component) {
  const root = component.parentElement.querySelector(".review");
  if (!root.desk) root.desk = desk(root);
  root.desk.take(component.data, component.setTriggerValue);
  return root.desk.leave;
}

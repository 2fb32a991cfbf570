"use strict";
/* Buttons, keys and pointers; the film; strips and curves that tell and lead; the table of times. */
(() => {
  const { facts, timings, clock, video, view } = Report;
  const by = (id) => document.getElementById(id);
  const pad = (value, length) => String(value).padStart(length, "0");
  function timeCode(seconds) {
    const millis = Math.round(seconds * 1000);
    const hours = Math.floor(millis / 3600000);
    const front = hours ? `${hours}:` : "";
    return `${front}${pad(Math.floor(millis / 60000) % 60, 2)}:${pad(Math.floor(millis / 1000) % 60, 2)}.${pad(millis % 1000, 3)}`;
  }

  /* ---- transport ---- */
  by("play").addEventListener("click", Report.toggle);
  by("scrub").addEventListener("input", (event) => { if (clock.playing) Report.pause(); Report.seekFrame(Number(event.target.value)); });
  by("speed").addEventListener("change", (event) => Report.setSpeed(Number(event.target.value)));
  by("loop").addEventListener("change", (event) => { clock.loop = event.target.checked; });
  by("follow").addEventListener("change", (event) => view.follow(event.target.value));
  by("trails").addEventListener("change", (event) => view.trails(event.target.value));
  if (by("sound") && video) by("sound").addEventListener("change", (event) => { video.muted = !event.target.checked; });
  for (const button of document.querySelectorAll("[data-view]")) button.addEventListener("click", () => view.set(button.dataset.view));
  const watch = by("watch");
  if (!watch.requestFullscreen) by("full").hidden = true;
  by("full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : watch.requestFullscreen()));
  document.addEventListener("fullscreenchange", () => watch.classList.toggle("stage-full", Boolean(document.fullscreenElement)));

  /* ---- the film, or the film strip in its place ---- */
  const shots = Array.from(document.querySelectorAll(".filmstrip button"));
  const shotFrames = shots.map((shot) => Number(shot.dataset.frame) - facts.start);
  const flipbook = by("flipbook");
  function withoutFilm() {
    clock.filmHere = false;
    if (video) video.hidden = true;
    flipbook.hidden = shots.length === 0;
    by("film-note").hidden = false;
    Report.tell();
  }
  if (video) {
    video.controls = false;
    // Seeking also takes the poster away, so that film and figures show the same frame.
    const filmIsHere = () => { clock.filmHere = true; Report.placeFilm(); };
    video.addEventListener("loadedmetadata", filmIsHere);
    video.addEventListener("error", withoutFilm);
    video.addEventListener("click", Report.toggle);
    if (video.readyState >= 1) filmIsHere();
    if (video.error) withoutFilm();
  } else {
    withoutFilm();
  }
  shots.forEach((shot, k) => shot.addEventListener("click", () => { if (clock.playing) Report.pause(); Report.seekFrame(shotFrames[k]); }));

  /* ---- everything that follows the clock ---- */
  const cursors = Array.from(document.querySelectorAll(".lanes"), (lanes) => [lanes, lanes.querySelector(".cursor")]);
  let shown = -1;
  let wasPlaying = null;
  Report.onTick(() => {
    const frame = Report.frameNow();
    by("clock").textContent = timeCode(facts.startSeconds + clock.time);
    if (clock.playing !== wasPlaying) {
      wasPlaying = clock.playing;
      by("play").classList.toggle("playing", clock.playing);
      by("play").setAttribute("aria-label", clock.playing ? "Pause" : "Play");
    }
    if (frame === shown) return;
    shown = frame;
    by("scrub").value = String(frame);
    by("scrub").setAttribute("aria-valuetext", `frame ${facts.start + frame}, ${timeCode(facts.startSeconds + clock.time)}`);
    by("frame-number").textContent = `frame ${facts.start + frame}`;
    for (const [, cursor] of cursors) cursor.style.left = `calc(var(--names) + (100% - var(--names)) * ${(frame + 0.5) / facts.count})`;
    let nearest = -1;
    shotFrames.forEach((own, k) => { if (nearest < 0 || Math.abs(own - frame) < Math.abs(shotFrames[nearest] - frame)) nearest = k; });
    shots.forEach((shot, k) => shot.classList.toggle("now", k === nearest));
    if (nearest >= 0 && !flipbook.hidden) flipbook.src = shots[nearest].querySelector("img").src;
  });

  /* ---- strips and curves: what is it, and take me there ---- */
  const tip = by("tip");
  const words = { done: "there", bridged: "filled in", missing: "missing", absent: "not in the picture" };
  function frameUnder(event, drawing) {
    const box = drawing.getBoundingClientRect();
    return Math.max(0, Math.min(facts.count - 1, Math.floor(((event.clientX - box.left) / box.width) * facts.count)));
  }
  function runAt(row, frame) {
    return facts.rows[row].runs.find(([start, stop]) => start <= frame && frame < stop);
  }
  // A thin red cell is drawn wider than its frame: look a little to both sides of the pointer.
  function tellingRun(row, frame, drawing) {
    const here = runAt(row, frame);
    const reach = Math.ceil((3 / drawing.getBoundingClientRect().width) * facts.count);
    for (const state of ["missing", "bridged"]) {
      if (here[2] === state) return [frame, here];
      for (let off = 1; off <= reach; off += 1) {
        for (const other of [frame - off, frame + off]) {
          const run = other >= 0 && other < facts.count ? runAt(row, other) : null;
          if (run && run[2] === state) return [other, run];
        }
      }
    }
    return [frame, here];
  }
  function showTip(event, text) {
    tip.textContent = text;
    tip.hidden = false;
    const width = tip.offsetWidth;
    tip.style.left = `${Math.max(8, Math.min(window.innerWidth - width - 8, event.clientX - width / 2))}px`;
    tip.style.top = `${event.clientY - tip.offsetHeight - 14}px`;
  }
  for (const drawing of document.querySelectorAll(".strip, .graph")) {
    const row = drawing.parentElement.dataset.row;
    drawing.addEventListener("pointermove", (event) => {
      let frame = frameUnder(event, drawing);
      let told = "";
      if (row !== undefined) {
        const [at, run] = tellingRun(Number(row), frame, drawing);
        frame = at;
        const why = facts.reasons[run[3]];
        told = `: ${words[run[2]]}${why && why !== words[run[2]] ? `, ${why}` : ""}`;
      }
      showTip(event, `frame ${facts.start + frame}, ${timeCode(facts.startSeconds + Report.timeOf(frame))}${told}`);
    });
    drawing.addEventListener("pointerleave", () => { tip.hidden = true; });
    drawing.addEventListener("click", (event) => {
      if (clock.playing) Report.pause();
      const frame = frameUnder(event, drawing);
      Report.seekFrame(row === undefined ? frame : tellingRun(Number(row), frame, drawing)[0]);
    });
  }

  /* ---- pointers and keys in the turning view ---- */
  const canvas = by("ink-layer");
  const pointers = new Map();
  let spread = 0;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    canvas.classList.add("turning");
    spread = 0;
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const [dx, dy] = [event.clientX - before[0], event.clientY - before[1]];
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (pointers.size === 2) {
      const [one, other] = Array.from(pointers.values());
      const now = Math.hypot(one[0] - other[0], one[1] - other[1]);
      if (spread > 0 && now > 0) view.zoom(spread / now);
      spread = now;
      view.move(-dx / 2, dy / 2);
    } else if (event.shiftKey || event.buttons === 2 || event.buttons === 4) {
      view.move(-dx, dy);
    } else {
      view.turn(-dx * 0.008, dy * 0.006);
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      spread = 0;
      if (pointers.size === 0) canvas.classList.remove("turning");
    });
  }
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  // The wheel scrolls the page unless the view was clicked first: nobody gets stuck here.
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;
    event.preventDefault();
    view.zoom(Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.004));
  }, { passive: false });
  const keys = {
    ArrowLeft: (shift) => (shift ? view.move(-30, 0) : view.turn(-0.12, 0)),
    ArrowRight: (shift) => (shift ? view.move(30, 0) : view.turn(0.12, 0)),
    ArrowUp: (shift) => (shift ? view.move(0, 30) : view.turn(0, 0.08)),
    ArrowDown: (shift) => (shift ? view.move(0, -30) : view.turn(0, -0.08)),
    "+": () => view.zoom(0.88), "=": () => view.zoom(0.88), "-": () => view.zoom(1 / 0.88),
    Home: () => view.set("home"), " ": Report.toggle, ",": () => Report.step(-1), ".": () => Report.step(1),
  };
  canvas.addEventListener("keydown", (event) => {
    const action = keys[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action(event.shiftKey);
  });

  /* ---- times: the only part of the page that differs between two runs ---- */
  const seconds = (value) => (value < 60 ? `${value.toFixed(1)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`);
  const body = by("timings-table").tBodies[0];
  for (const stage of [...timings.stages, timings.total]) {
    const row = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = stage.stage;
    row.append(head);
    const share = stage.cpu > 0 ? `${Math.round((100 * stage.model) / stage.cpu)} %` : "";
    const rate = stage.wall >= 0.05 ? (stage.frames / stage.wall).toFixed(1) : "";
    for (const text of [seconds(stage.wall), seconds(stage.cpu), stage.model > 0 ? share : "", rate]) {
      const cell = row.insertCell();
      cell.className = "num";
      cell.textContent = text;
    }
  }

  Report.tell();
})();

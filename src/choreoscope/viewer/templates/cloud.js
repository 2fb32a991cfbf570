"use strict";
/* The lifted film: points splatted by hand into a picture with a depth buffer, gently swinging. */
(() => {
  const canvas = document.getElementById("cloud-canvas");
  const data = JSON.parse(document.getElementById("cloud-data").textContent);
  const context = canvas.getContext("2d", { alpha: false });
  const buttons = Array.from(document.querySelectorAll("[data-moment]"));
  const MOMENT_SECONDS = 1.8;
  const SWING = 0.75;
  const SWING_SECONDS = 15;
  const FOCAL = 1.5;

  function bytes(text) {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) out[i] = raw.charCodeAt(i);
    return out.buffer;
  }
  function unpack(layer) {
    const places = new Uint32Array(bytes(layer.places));
    const short = new Uint16Array(bytes(layer.colours));
    const sizes = Float32Array.from(new Uint8Array(bytes(layer.sizes)), (v) => 1e-4 * 2 ** (v / 16));
    const points = new Float32Array(places.length * 3);
    const colours = new Uint32Array(places.length);
    for (let i = 0; i < places.length; i += 1) {
      const p = places[i];
      points[i * 3] = data.low[0] + (p & 2047) * data.step[0];
      points[i * 3 + 1] = data.low[1] + ((p >>> 11) & 1023) * data.step[1];
      points[i * 3 + 2] = data.low[2] + (p >>> 21) * data.step[2];
      const c = short[i];
      const red = ((c >> 11) * 255) / 31, green = (((c >> 5) & 63) * 255) / 63, blue = ((c & 31) * 255) / 31;
      colours[i] = (255 << 24) | (blue << 16) | (green << 8) | red;
    }
    return { points, sizes, colours };
  }
  const moments = data.moments.map(unpack);
  const scenery = data.scene && unpack(data.scene);

  const [cx, cy, cz] = data.centre;
  const away = [data.eye[0] - cx, data.eye[1] - cy, data.eye[2] - cz];
  const home = {
    yaw: Math.atan2(away[0], away[2]),
    pitch: Math.max(-0.2, Math.min(0.6, Math.atan2(away[1], Math.hypot(away[0], away[2])) + 0.06)),
    distance: Math.max(1.2, 3.1 * data.reach),
  };
  const view = { ...home };
  let shown = 0;
  let together = false;
  let held = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let began = null;
  let chosen = false;
  let picture = null, depth = null, words = null;

  function paper() {
    const style = getComputedStyle(document.documentElement);
    return style.getPropertyValue("--stage").trim();
  }
  function packed(colour) {
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0];
  }
  let ground = packed(paper());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { ground = packed(paper()); request(); });

  function fit() {
    const scale = Math.min(devicePixelRatio || 1, 1.5);
    const width = Math.max(2, Math.round(canvas.clientWidth * scale));
    const height = Math.max(2, Math.round(canvas.clientHeight * scale));
    if (picture && canvas.width === width && canvas.height === height) return;
    canvas.width = width;
    canvas.height = height;
    picture = context.createImageData(width, height);
    words = new Uint32Array(picture.data.buffer);
    depth = new Float32Array(width * height);
  }

  function splat({ points, sizes, colours }, pose, fade) {
    const { width, height } = canvas;
    const focal = FOCAL * height;
    const [paperRed, paperGreen, paperBlue] = ground;
    for (let i = 0, at = 0; at < points.length; i += 1, at += 3) {
      const x = points[at] - cx, y = points[at + 1] - cy, z = points[at + 2] - cz;
      const side = pose.c * x - pose.s * z;
      const into = pose.s * x + pose.c * z;
      const far = view.distance - (pose.sp * y + pose.cp * into);
      if (far < 0.1) continue;
      const up = pose.cp * y - pose.sp * into;
      const px = width / 2 + (focal * side) / far;
      const py = height / 2 - (focal * up) / far;
      const half = Math.max(0.5, Math.min(14, (focal * sizes[i] * 0.72) / far));
      const left = Math.max(0, Math.round(px - half)), right = Math.min(width, Math.round(px + half));
      const top = Math.max(0, Math.round(py - half)), bottom = Math.min(height, Math.round(py + half));
      if (left >= right || top >= bottom) continue;
      let colour = colours[i];
      if (fade > 0) {
        const r = (colour & 255) * (1 - fade) + paperRed * fade;
        const g = ((colour >> 8) & 255) * (1 - fade) + paperGreen * fade;
        const b = ((colour >> 16) & 255) * (1 - fade) + paperBlue * fade;
        colour = (255 << 24) | (b << 16) | (g << 8) | r;
      }
      const round = half > 1.5 ? half * half : Infinity;
      for (let v = top; v < bottom; v += 1) {
        const dv = v + 0.5 - py;
        for (let u = left; u < right; u += 1) {
          const du = u + 0.5 - px;
          if (du * du + dv * dv > round) continue;
          const cell = v * width + u;
          if (depth[cell] > far) { depth[cell] = far; words[cell] = colour; }
        }
      }
    }
  }

  function draw() {
    fit();
    words.fill(ground[3]);
    depth.fill(Infinity);
    const pose = { s: Math.sin(view.yaw), c: Math.cos(view.yaw), sp: Math.sin(view.pitch), cp: Math.cos(view.pitch) };
    if (scenery) splat(scenery, pose, together ? 0.35 : 0);
    if (together) {
      const last = Math.max(moments.length - 1, 1);
      moments.forEach((moment, at) => splat(moment, pose, 0.6 * (1 - at / last)));
    } else {
      splat(moments[shown], pose, 0);
    }
    context.putImageData(picture, 0, 0);
  }

  function mark() {
    for (const button of buttons) {
      const own = button.dataset.moment;
      button.setAttribute("aria-pressed", String(together ? own === "all" : own === String(shown)));
    }
  }

  let asked = 0;
  let visible = true;
  function request() {
    if (!asked && visible) asked = requestAnimationFrame(step);
  }
  function step(now) {
    asked = 0;
    if (began === null) began = now;
    const seconds = (now - began) / 1000;
    if (!held) view.yaw = home.yaw + SWING * Math.sin((2 * Math.PI * seconds) / SWING_SECONDS);
    if (!held && !chosen && !together) {
      const next = Math.floor(seconds / MOMENT_SECONDS) % moments.length;
      if (next !== shown) { shown = next; mark(); }
    }
    draw();
    if (!held) request();
  }

  for (const button of buttons) {
    button.addEventListener("click", () => {
      together = button.dataset.moment === "all";
      if (!together) shown = Number(button.dataset.moment);
      chosen = true;
      mark();
      request();
    });
  }
  let last = null;
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    last = [event.clientX, event.clientY];
    held = true;
    canvas.classList.add("turning");
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last) return;
    view.yaw -= (event.clientX - last[0]) * 0.008;
    view.pitch = Math.max(-0.3, Math.min(1.5, view.pitch + (event.clientY - last[1]) * 0.006));
    last = [event.clientX, event.clientY];
    request();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, () => { last = null; canvas.classList.remove("turning"); });
  }
  canvas.addEventListener("keydown", (event) => {
    const turns = { ArrowLeft: [-0.08, 0], ArrowRight: [0.08, 0], ArrowUp: [0, 0.06], ArrowDown: [0, -0.06] };
    const zooms = { "+": 0.9, "=": 0.9, "-": 1 / 0.9 };
    if (turns[event.key]) {
      held = true;
      view.yaw += turns[event.key][0];
      view.pitch = Math.max(-0.3, Math.min(1.5, view.pitch + turns[event.key][1]));
    } else if (zooms[event.key]) {
      view.distance *= zooms[event.key];
    } else if (event.key === "Home") {
      Object.assign(view, home);
      held = matchMedia("(prefers-reduced-motion: reduce)").matches;
    } else {
      return;
    }
    event.preventDefault();
    request();
  });
  new IntersectionObserver((entries) => {
    visible = entries[entries.length - 1].isIntersecting;
    request();
  }).observe(canvas);
  new ResizeObserver(request).observe(canvas);
  mark();
  request();
})();

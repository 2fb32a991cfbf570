"use strict";
/* The view that turns: floor, shadows, camera, trails, names; the figures are drawn by Figures. */
(() => {
  const NEAR = 0.05;
  const FAR = 400;
  const { people, camera, clock, scene, stride } = Report;
  const space = document.getElementById("space");
  const layers = ["floor-layer", "people-layer", "ink-layer"].map((id) => document.getElementById(id));
  const [floorCanvas, peopleCanvas, inkCanvas] = layers;
  const floor = floorCanvas.getContext("2d");
  const ink = inkCanvas.getContext("2d");
  const shade = document.createElement("canvas");
  const shadeContext = shade.getContext("2d");
  let drawFigures = Figures.withWebGL(peopleCanvas);
  peopleCanvas.addEventListener("webglcontextlost", () => { drawFigures = null; peopleCanvas.hidden = true; request(); });
  const drawStrokes = Figures.withStrokes(floor);

  /* ---- lens: a pinhole in OpenCV axes, the same for drawing by hand and for WebGL ---- */
  const lens = {
    pose: new Float32Array(12), focal: 1, cx: 0, cy: 0, width: 1, height: 1,
    project(p) {
      const m = this.pose;
      const z = m[8] * p[0] + m[9] * p[1] + m[10] * p[2] + m[11];
      if (z < NEAR) return null;
      const x = m[0] * p[0] + m[1] * p[1] + m[2] * p[2] + m[3];
      const y = m[4] * p[0] + m[5] * p[1] + m[6] * p[2] + m[7];
      return [this.cx + (this.focal * x) / z, this.cy + (this.focal * y) / z, z];
    },
    eye() {
      const m = this.pose;
      return [0, 1, 2].map((k) => -(m[k] * m[3] + m[4 + k] * m[7] + m[8 + k] * m[11]));
    },
    clipFromWorld() {
      const { pose: m, focal, cx, cy, width, height } = this;
      const sx = (2 * focal) / width;
      const sy = (-2 * focal) / height;
      const ox = (2 * cx) / width - 1;
      const oy = 1 - (2 * cy) / height;
      const depth = (FAR + NEAR) / (FAR - NEAR);
      const out = new Float32Array(16);
      for (let c = 0; c < 4; c += 1) {
        out[c * 4] = sx * m[c] + ox * m[8 + c];
        out[c * 4 + 1] = sy * m[4 + c] + oy * m[8 + c];
        out[c * 4 + 2] = depth * m[8 + c];
        out[c * 4 + 3] = m[8 + c];
      }
      out[14] -= (2 * FAR * NEAR) / (FAR - NEAR);
      return out;
    },
  };

  /* ---- point of view ---- */
  const home = () => {
    const away = camera ? yawOfCamera() : 0;
    return { mode: "home", yaw: away + 0.5, pitch: 0.26, distance: Math.max(scene.floor.reach * 1.3 + 2.4, scene.floor.top * 1.9 + 1), target: [scene.floor.x, scene.floor.top / 2, scene.floor.z] };
  };
  function yawOfCamera() {
    const ahead = [camera.poses[8], camera.poses[10]];
    return Math.atan2(-ahead[0], -ahead[1]);
  }
  let view = home();
  let follow = "";
  let trails = "floor";

  function setOrbit() {
    const { yaw, pitch, distance, target } = view;
    const back = [Math.sin(yaw) * Math.cos(pitch), Math.sin(pitch), Math.cos(yaw) * Math.cos(pitch)];
    const right = [Math.cos(yaw), 0, -Math.sin(yaw)];
    const down = [back[1] * right[2] - back[2] * right[1], back[2] * right[0] - back[0] * right[2], back[0] * right[1] - back[1] * right[0]].map((v) => -v);
    const eye = target.map((v, k) => v + back[k] * distance);
    const rows = [right, down, back.map((v) => -v)];
    rows.forEach((row, r) => {
      for (let k = 0; k < 3; k += 1) lens.pose[r * 4 + k] = row[k];
      lens.pose[r * 4 + 3] = -(row[0] * eye[0] + row[1] * eye[1] + row[2] * eye[2]);
    });
    lens.focal = Math.min(lens.height, lens.width * 0.8) * 1.45;
    lens.cx = lens.width / 2;
    lens.cy = lens.height / 2;
  }
  function setFilm(kept) {
    const row = camera.count > 1 ? Math.min(camera.count - 1, Math.round(kept)) : 0;
    lens.pose.set(camera.poses.subarray(row * 12, row * 12 + 12));
    const scale = Math.min(lens.width / camera.width, lens.height / camera.height);
    lens.focal = camera.focal * scale;
    lens.cx = lens.width / 2 + (camera.centre[0] - camera.width / 2) * scale;
    lens.cy = lens.height / 2 + (camera.centre[1] - camera.height / 2) * scale;
  }

  /* ---- where everybody is ---- */
  function poseOf(person, kept) {
    const place = kept - person.first;
    if (person.count === 0 || place < 0 || place > person.count - 1) return null;
    const low = Math.floor(place);
    const high = Math.min(low + 1, person.count - 1);
    const share = place - low;
    const width = person.size * 3;
    const out = new Float32Array(width);
    for (let i = 0; i < width; i += 1) {
      const from = person.points[low * width + i];
      out[i] = from + (person.points[high * width + i] - from) * share;
    }
    return { points: out, seen: person.seen[Math.round(place)], low, high, share };
  }
  const spotOf = (points, index) => points.subarray(index * 3, index * 3 + 3);
  const rgbOf = (hex) => [1, 3, 5].map((k) => parseInt(hex.slice(k, k + 2), 16));
  const mixed = (one, other, share) => one.map((v, k) => v + (other[k] - v) * share);
  let tokens = {};
  function readTokens() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["stage", "grid", "grid-strong", "ink", "muted", "shadow"]) {
      tokens[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }
  function coloursOf(person, pose) {
    let base = rgbOf(person.colour);
    if (pose.seen === 0) base = mixed(base, rgbOf(tokens.stage), 0.62);
    return [base, mixed(base, [0, 0, 0], 0.3)];
  }
  function surfaceOf(person, pose) {
    const [colour, dark] = coloursOf(person, pose);
    const places = Figures.bend(person.body, pose.points, pose.low, pose.high, pose.share);
    const { skin } = person.body;
    return { skin, places, normals: Figures.normalsOf(places, skin.faces), colour, dark };
  }
  function capsulesOf(person, pose) {
    const { ends, radii, sides } = person.figure;
    const [base, dark] = coloursOf(person, pose);
    return ends.map(([from, to], k) => ({
      a: spotOf(pose.points, from), b: spotOf(pose.points, to), radii: radii[k], colour: sides[k] === 2 ? dark : base,
    }));
  }

  /* ---- the floor ---- */
  function segment(context, p, q) {
    const a = lens.project(p);
    const b = lens.project(q);
    if (!a || !b) return;
    context.moveTo(a[0], a[1]);
    context.lineTo(b[0], b[1]);
  }
  function drawGrid() {
    const { x, z, reach } = scene.floor;
    const size = Math.ceil(reach) + 2;
    const step = size > 24 ? 5 : 1;
    const [mx, mz] = [Math.round(x), Math.round(z)];
    const levels = [0.16, 0.36, 0.62, 0.85, 1];
    const bins = new Map();
    for (let i = -size; i <= size; i += step) {
      for (let k = -size; k < size; k += step) {
        const lines = [[[mx + i, 0, mz + k], [mx + i, 0, mz + k + step], mx + i], [[mx + k, 0, mz + i], [mx + k + step, 0, mz + i], mz + i]];
        const away = Math.hypot(i, k + step / 2) / size;
        if (away > 1) continue;
        const level = levels[Math.min(4, Math.floor((1 - away) * 8))];
        for (const [p, q, number] of lines) {
          const key = `${number % (step * 5) === 0 ? "grid-strong" : "grid"} ${level}`;
          if (!bins.has(key)) bins.set(key, []);
          bins.get(key).push([p, q]);
        }
      }
    }
    for (const [key, lines] of bins) {
      const [name, level] = key.split(" ");
      floor.globalAlpha = Number(level);
      floor.strokeStyle = tokens[name];
      floor.lineWidth = 1;
      floor.beginPath();
      for (const [p, q] of lines) segment(floor, p, q);
      floor.stroke();
    }
    floor.globalAlpha = 1;
  }
  function drawShadows(capsules) {
    // A third of the size, drawn large again: soft edges without a blur filter.
    const scale = 1 / 3;
    shadeContext.setTransform(scale, 0, 0, scale, 0, 0);
    shadeContext.clearRect(0, 0, lens.width, lens.height);
    shadeContext.lineCap = "round";
    shadeContext.strokeStyle = "#000";
    for (const { a, b, radii } of capsules) {
      const p = lens.project([a[0] + a[1] * 0.22, 0, a[2] - a[1] * 0.1]);
      const q = lens.project([b[0] + b[1] * 0.22, 0, b[2] - b[1] * 0.1]);
      if (!p || !q) continue;
      shadeContext.lineWidth = Math.max(1, (lens.focal * (radii[0] + radii[1])) / p[2]);
      shadeContext.beginPath();
      shadeContext.moveTo(p[0], p[1]);
      shadeContext.lineTo(q[0] + 0.01, q[1]);
      shadeContext.stroke();
    }
    floor.globalAlpha = Number(tokens.shadow);
    floor.drawImage(shade, 0, 0, shade.width, shade.height, 0, 0, lens.width, lens.height);
    floor.globalAlpha = 1;
  }
  function drawCamera(kept) {
    if (!camera || view.mode === "film") return;
    const row = camera.count > 1 ? Math.min(camera.count - 1, Math.round(kept)) : 0;
    const m = camera.poses.subarray(row * 12, row * 12 + 12);
    const back = (v) => [0, 1, 2].map((k) => m[k] * (v[0] - m[3]) + m[4 + k] * (v[1] - m[7]) + m[8 + k] * (v[2] - m[11]));
    const deep = 0.55;
    const corner = (u, v) => back([((u - camera.centre[0]) / camera.focal) * deep, ((v - camera.centre[1]) / camera.focal) * deep, deep]);
    const tip = back([0, 0, 0]);
    const rim = [corner(0, 0), corner(camera.width, 0), corner(camera.width, camera.height), corner(0, camera.height)];
    floor.strokeStyle = tokens.muted;
    floor.lineWidth = 1.2;
    floor.beginPath();
    rim.forEach((p, k) => { segment(floor, tip, p); segment(floor, p, rim[(k + 1) % 4]); });
    floor.stroke();
    floor.globalAlpha = 0.5;
    floor.setLineDash([2, 4]);
    floor.beginPath();
    segment(floor, tip, [tip[0], 0, tip[2]]);
    floor.stroke();
    floor.setLineDash([]);
    floor.globalAlpha = 1;
  }

  /* ---- trails and names ---- */
  function polyline(context, person, index, from, to, onFloor) {
    context.beginPath();
    let before = null;
    const jump = Math.max(1, Math.floor((to - from) / 400));
    for (let row = from; row <= to; row += jump) {
      const at = (row * person.size + index) * 3;
      const spot = lens.project([person.points[at], onFloor ? 0 : person.points[at + 1], person.points[at + 2]]);
      if (spot && before) context.lineTo(spot[0], spot[1]);
      else if (spot) context.moveTo(spot[0], spot[1]);
      before = spot;
    }
    context.stroke();
  }
  function drawTrails(kept) {
    for (const person of people) {
      if (person.count === 0 || trails === "none") continue;
      const now = Math.floor(Math.min(person.count - 1, kept - person.first));
      if (trails === "floor") {
        floor.strokeStyle = person.colour;
        floor.lineWidth = 1.5;
        floor.globalAlpha = 0.28;
        polyline(floor, person, 0, 0, person.count - 1, true);
        floor.globalAlpha = 0.9;
        floor.lineWidth = 2;
        if (now > 0) polyline(floor, person, 0, 0, now, true);
        floor.globalAlpha = 1;
        continue;
      }
      const long = Math.max(2, Math.round((1.2 * Report.facts.rate) / stride));
      ink.strokeStyle = person.colour;
      ink.lineCap = "round";
      for (const joint of now > 0 ? person.figure.trails : []) {
        for (let part = 0; part < 4; part += 1) {
          const from = Math.max(0, now - Math.round((long * (4 - part)) / 4));
          const to = Math.max(0, now - Math.round((long * (3 - part)) / 4));
          ink.globalAlpha = 0.2 + 0.2 * part;
          ink.lineWidth = 1 + 0.5 * part;
          if (to > from) polyline(ink, person, joint, from, to, false);
        }
      }
      ink.globalAlpha = 1;
    }
  }
  function drawName(person, pose) {
    let top = null;
    for (let i = 0; i < person.size; i += 1) {
      const spot = lens.project(spotOf(pose.points, i));
      if (spot && (!top || spot[1] < top[1])) top = spot;
    }
    if (!top) return;
    const words = pose.seen === 0 ? `${person.id} (filled in)` : person.id;
    const y = Math.max(14, top[1] - (lens.focal * 0.16) / top[2] - 8);
    ink.font = "600 12px system-ui, sans-serif";
    ink.textAlign = "center";
    ink.lineJoin = "round";
    ink.lineWidth = 4;
    ink.strokeStyle = tokens.stage;
    ink.strokeText(words, top[0], y);
    ink.fillStyle = tokens.ink;
    ink.fillText(words, top[0], y);
    const half = ink.measureText(words).width / 2;
    ink.fillStyle = person.colour;
    ink.fillRect(top[0] - half, y + 4, half * 2, 2.5);
  }

  /* ---- one picture ---- */
  function fit() {
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const { clientWidth: width, clientHeight: height } = space;
    if (!width || !height) return false;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (floorCanvas.width !== w || floorCanvas.height !== h) {
      for (const layer of layers) { layer.width = w; layer.height = h; }
      shade.width = Math.ceil(width / 3);
      shade.height = Math.ceil(height / 3);
    }
    lens.width = width;
    lens.height = height;
    for (const context of [floor, ink]) {
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, width, height);
    }
    return true;
  }
  let kept = 0;
  let asked = false;
  function draw() {
    asked = false;
    if (!fit()) return;
    const poses = people.map((person) => poseOf(person, kept));
    const followed = people.findIndex((person) => person.id === follow);
    if (followed >= 0 && poses[followed] && view.mode !== "film") {
      view.target = Array.from(spotOf(poses[followed].points, 0));
    }
    if (view.mode === "film" && camera) setFilm(kept);
    else setOrbit();
    const shown = people.map((person, k) => ({ person, pose: poses[k] })).filter(({ pose }) => pose);
    const capsules = shown.flatMap(({ person, pose }) => capsulesOf(person, pose));
    drawGrid();
    drawShadows(capsules);
    drawCamera(kept);
    drawTrails(kept);
    if (drawFigures) {
      const plain = shown.filter(({ person }) => !person.body);
      const surfaces = shown.filter(({ person }) => person.body);
      drawFigures(
        plain.flatMap(({ person, pose }) => capsulesOf(person, pose)),
        surfaces.map(({ person, pose }) => surfaceOf(person, pose)),
        lens,
      );
    } else {
      drawStrokes(capsules, lens);
    }
    people.forEach((person, k) => { if (poses[k]) drawName(person, poses[k]); });
  }
  function request() {
    if (asked) return;
    asked = true;
    requestAnimationFrame(draw);
  }

  Report.onTick((_, now) => { kept = clock.playing ? now : Math.round(now * stride + 1e-3) / stride; request(); });
  Report.view = {
    draw: request,
    follow: (id) => { follow = id; if (view.mode === "film" && id) view = home(); mark(); request(); },
    trails: (kind) => { trails = kind; request(); },
    set: (mode) => {
      const before = view;
      view = home();
      view.mode = mode;
      view.target[1] = mode === "above" ? 0 : view.target[1];
      if (mode === "front") { view.yaw -= 0.5; view.pitch = 0.06; }
      if (mode === "side") { view.yaw += Math.PI / 2 - 0.5; view.pitch = 0.06; }
      if (mode === "above") { view.yaw -= 0.5; view.pitch = 1.5; }
      if (mode !== "home" && mode !== "film" && before.mode !== "film") view.distance = before.distance;
      mark();
      request();
    },
    turn: (yaw, pitch) => {
      leaveFilm();
      view.yaw += yaw;
      view.pitch = Math.max(0.02, Math.min(1.53, view.pitch + pitch));
      request();
    },
    move: (right, up) => {
      leaveFilm();
      const scale = view.distance / lens.focal;
      view.target[0] += Math.cos(view.yaw) * right * scale;
      view.target[2] -= Math.sin(view.yaw) * right * scale;
      view.target[1] = Math.max(-1, Math.min(6, view.target[1] + up * scale));
      request();
    },
    zoom: (factor) => { leaveFilm(); view.distance = Math.max(0.6, Math.min(150, view.distance * factor)); request(); },
  };
  function leaveFilm() {
    if (view.mode === "film") view = home();
    view.mode = "free";
    mark();
  }
  function mark() {
    for (const button of document.querySelectorAll("[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view.mode || (view.mode === "free" && button.dataset.view === "home")));
    }
  }
  readTokens();
  mark();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { readTokens(); request(); });
  new ResizeObserver(request).observe(space);
  request();
})();

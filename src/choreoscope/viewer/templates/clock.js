"use strict";
/* The page's facts, unpacked, and the one clock that film, figures, strips and curves follow. */
const Report = (() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const facts = read("facts");
  const scene = read("scene");
  const timings = read("timings");

  function bytes(text) {
    const raw = atob(text);
    const out = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i += 1) out[i] = raw.charCodeAt(i);
    return out.buffer;
  }

  // Points of every person: root plus offset, as `scene_data.unpack_person` does in Python.
  function unpack(person) {
    const root = new Float32Array(bytes(person.root));
    const local = new Int16Array(bytes(person.local));
    const width = person.points * 3;
    const points = new Float32Array(local.length);
    for (let i = 0; i < local.length; i += 1) {
      const row = Math.floor(i / width);
      points[i] = root[row * 3 + (i % 3)] + local[i] * person.step;
    }
    return {
      id: person.id,
      colour: person.colour,
      figure: scene.figures[person.figure],
      first: person.first,
      count: person.count,
      size: person.points,
      points,
      seen: new Uint8Array(bytes(person.seen)),
      body: person.body ? unpackBody(person.body) : null,
    };
  }
  // A body: rest vertices, joints at rest, turns of the joints; what all of a model share once.
  const skins = (scene.skins || []).map((skin) => ({
    faces: new Uint16Array(bytes(skin.faces)),
    joints: new Uint8Array(bytes(skin.joints)),
    weights: new Uint8Array(bytes(skin.weights)),
    right: new Uint8Array(bytes(skin.right)),
  }));
  function unpackBody(body) {
    return {
      skin: skins[body.skin],
      vertices: Float32Array.from(new Int16Array(bytes(body.vertices)), (v) => v * body.step),
      rest: new Float32Array(bytes(body.rest)),
      turns: new Int16Array(bytes(body.turns)),
    };
  }

  const times = new Float32Array(bytes(scene.frames.times));
  const stride = scene.frames.stride;
  const count = scene.frames.count;
  const people = scene.people.map(unpack);
  const camera = scene.camera && { ...scene.camera, poses: new Float32Array(bytes(scene.camera.poses)) };

  // Kept frame, as a number with a fraction, at a time; and back.
  function keptAt(time) {
    let low = 0;
    let high = times.length - 1;
    if (time <= times[0]) return 0;
    if (time >= times[high]) return high;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time) low = middle;
      else high = middle;
    }
    return low + (time - times[low]) / (times[high] - times[low]);
  }
  function timeOf(frame) {
    const kept = Math.min(frame / stride, times.length - 1);
    const low = Math.floor(kept);
    const high = Math.min(low + 1, times.length - 1);
    return times[low] + (times[high] - times[low]) * (kept - low);
  }

  const video = document.getElementById("video");
  const listeners = [];
  const clock = { time: 0, playing: false, speed: 1, loop: false, filmHere: false };
  const end = facts.seconds;

  function filmRuns() {
    return clock.filmHere && video && !video.paused && !video.ended;
  }
  function frameNow() {
    // A hair is added because a film may report a frame's start a rounding error too early.
    return Math.min(count - 1, Math.floor(keptAt(clock.time + 1e-3) * stride + 1e-3));
  }
  function tell() {
    const kept = keptAt(clock.time);
    for (const listener of listeners) listener(clock, kept);
  }
  // A millisecond into the frame: exactly on its edge a player may show the one before.
  function placeFilm() {
    if (clock.filmHere) video.currentTime = clock.time + 1e-3;
  }
  function seek(time) {
    clock.time = Math.max(0, Math.min(end, time));
    placeFilm();
    tell();
  }
  function pause() {
    clock.playing = false;
    if (clock.filmHere) video.pause();
    tell();
  }
  function play() {
    if (clock.time >= timeOf(count - 1)) seek(0);
    clock.playing = true;
    if (clock.filmHere) {
      video.playbackRate = clock.speed;
      video.play().catch(() => { clock.filmHere = false; });
    }
    last = performance.now();
    tell();
    requestAnimationFrame(tick);
  }
  let last = 0;
  function tick(now) {
    if (!clock.playing) return;
    const passed = Math.min(0.25, (now - last) / 1000);
    last = now;
    clock.time = filmRuns() ? video.currentTime : clock.time + passed * clock.speed;
    if (clock.time >= end || (clock.filmHere && video.ended)) {
      if (clock.loop) {
        seek(0);
        if (clock.filmHere) video.play().catch(() => { clock.filmHere = false; });
      } else {
        clock.time = timeOf(count - 1);
        pause();
        return;
      }
    }
    tell();
    requestAnimationFrame(tick);
  }
  function setSpeed(speed) {
    clock.speed = speed;
    if (video) video.playbackRate = speed;
  }

  return {
    facts, scene, timings, people, camera, clock, video, stride, count,
    seek, play, pause, placeFilm, setSpeed, timeOf, frameNow, tell,
    toggle: () => (clock.playing ? pause() : play()),
    step: (frames) => { pause(); seek(timeOf(Math.max(0, frameNow() + frames))); },
    seekFrame: (frame) => seek(timeOf(Math.max(0, Math.min(count - 1, frame)))),
    onTick: (listener) => listeners.push(listener),
  };
})();

"use strict";
/* Draws people: bodies and capsules with WebGL where there is one, else capsules as strokes. */
const Figures = (() => {
  const RINGS = 5;
  const SIDES = 14;

  // A capsule of length and radius one: which end, and the direction away from the axis.
  function capsuleMesh() {
    const rows = [];
    for (let i = -RINGS; i <= RINGS; i += 1) {
      const lift = (i / RINGS) * (Math.PI / 2);
      if (i === 0) rows.push([0, 0], [1, 0]);
      else rows.push([i < 0 ? 0 : 1, lift]);
    }
    const data = [];
    const corner = ([end, lift], k) => {
      const turn = (k / SIDES) * 2 * Math.PI;
      data.push(end, Math.cos(lift) * Math.cos(turn), Math.cos(lift) * Math.sin(turn), Math.sin(lift));
    };
    for (let r = 0; r + 1 < rows.length; r += 1) {
      for (let k = 0; k < SIDES; k += 1) {
        corner(rows[r], k); corner(rows[r + 1], k); corner(rows[r + 1], k + 1);
        corner(rows[r], k); corner(rows[r + 1], k + 1); corner(rows[r], k + 1);
      }
    }
    return new Float32Array(data);
  }

  const VERTEX = `
    attribute vec4 mesh;
    uniform vec3 a, b;
    uniform vec2 radii;
    uniform mat4 clipFromWorld;
    uniform vec3 colour;
    varying vec3 normal;
    varying vec3 place;
    varying vec3 tint;
    void main() {
      tint = colour;
      vec3 along = b - a;
      float size = length(along);
      vec3 w = size > 1e-6 ? along / size : vec3(0.0, 1.0, 0.0);
      vec3 u = normalize(cross(w, abs(w.y) < 0.9 ? vec3(0.0, 1.0, 0.0) : vec3(1.0, 0.0, 0.0)));
      normal = mesh.y * u + mesh.z * cross(w, u) + mesh.w * w;
      place = mix(a, b, mesh.x) + normal * mix(radii.x, radii.y, mesh.x);
      gl_Position = clipFromWorld * vec4(place, 1.0);
    }`;
  const BODY_VERTEX = `
    attribute vec3 spot, outward;
    attribute float right;
    uniform mat4 clipFromWorld;
    uniform vec3 colour, dark;
    varying vec3 normal;
    varying vec3 place;
    varying vec3 tint;
    void main() {
      tint = mix(colour, dark, right);
      normal = outward;
      place = spot;
      gl_Position = clipFromWorld * vec4(place, 1.0);
    }`;
  const FRAGMENT = `
    precision mediump float;
    uniform vec3 eye;
    varying vec3 normal;
    varying vec3 place;
    varying vec3 tint;
    void main() {
      vec3 n = normalize(normal);
      vec3 v = normalize(eye - place);
      float key = max(0.0, dot(n, normalize(v + vec3(-0.5, 0.9, 0.2))));
      float sky = 0.5 + 0.5 * n.y;
      float rim = pow(1.0 - max(0.0, dot(n, v)), 3.0);
      vec3 base = tint * tint;
      vec3 lit = base * (0.30 + 0.28 * sky + 0.62 * key * key) + vec3(0.05) * rim;
      gl_FragColor = vec4(sqrt(lit), 1.0);
    }`;

  function compile(gl, kind, text) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    return gl.getShaderParameter(shader, gl.COMPILE_STATUS) ? shader : null;
  }

  function link(gl, vertexText) {
    const vertex = compile(gl, gl.VERTEX_SHADER, vertexText);
    const fragment = compile(gl, gl.FRAGMENT_SHADER, FRAGMENT);
    if (!vertex || !fragment) return null;
    const program = gl.createProgram();
    gl.attachShader(program, vertex);
    gl.attachShader(program, fragment);
    gl.linkProgram(program);
    return gl.getProgramParameter(program, gl.LINK_STATUS) ? program : null;
  }
  function filled(gl, target, data, usage) {
    const buffer = gl.createBuffer();
    gl.bindBuffer(target, buffer);
    gl.bufferData(target, data, usage);
    return buffer;
  }
  const shares = (rgb) => rgb.map((v) => v / 255);

  function capsuleDrawer(gl) {
    const program = link(gl, VERTEX);
    if (!program) return null;
    const mesh = capsuleMesh();
    const buffer = filled(gl, gl.ARRAY_BUFFER, mesh, gl.STATIC_DRAW);
    const slot = gl.getAttribLocation(program, "mesh");
    const at = (name) => gl.getUniformLocation(program, name);
    const spot = { a: at("a"), b: at("b"), radii: at("radii"), clip: at("clipFromWorld"), colour: at("colour"), eye: at("eye") };
    return (capsules, lens) => {
      gl.useProgram(program);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(slot);
      gl.vertexAttribPointer(slot, 4, gl.FLOAT, false, 0, 0);
      gl.uniformMatrix4fv(spot.clip, false, lens.clipFromWorld());
      gl.uniform3fv(spot.eye, lens.eye());
      for (const capsule of capsules) {
        gl.uniform3fv(spot.a, capsule.a);
        gl.uniform3fv(spot.b, capsule.b);
        gl.uniform2f(spot.radii, capsule.radii[0], capsule.radii[1]);
        gl.uniform3fv(spot.colour, shares(capsule.colour));
        gl.drawArrays(gl.TRIANGLES, 0, mesh.length / 4);
      }
      gl.disableVertexAttribArray(slot);
    };
  }

  function surfaceDrawer(gl) {
    const program = link(gl, BODY_VERTEX);
    if (!program) return null;
    const at = (name) => gl.getUniformLocation(program, name);
    const spot = { clip: at("clipFromWorld"), colour: at("colour"), dark: at("dark"), eye: at("eye") };
    const slots = ["spot", "outward", "right"].map((name) => gl.getAttribLocation(program, name));
    const moving = [gl.createBuffer(), gl.createBuffer()];
    const kept = new Map();
    const skinBuffers = (skin) => {
      if (!kept.has(skin)) {
        kept.set(skin, {
          faces: filled(gl, gl.ELEMENT_ARRAY_BUFFER, skin.faces, gl.STATIC_DRAW),
          right: filled(gl, gl.ARRAY_BUFFER, skin.right, gl.STATIC_DRAW),
        });
      }
      return kept.get(skin);
    };
    return (surfaces, lens) => {
      gl.useProgram(program);
      slots.forEach((slot) => gl.enableVertexAttribArray(slot));
      gl.uniformMatrix4fv(spot.clip, false, lens.clipFromWorld());
      gl.uniform3fv(spot.eye, lens.eye());
      for (const { skin, places, normals, colour, dark } of surfaces) {
        const own = skinBuffers(skin);
        [places, normals].forEach((data, k) => {
          gl.bindBuffer(gl.ARRAY_BUFFER, moving[k]);
          gl.bufferData(gl.ARRAY_BUFFER, data, gl.DYNAMIC_DRAW);
          gl.vertexAttribPointer(slots[k], 3, gl.FLOAT, false, 0, 0);
        });
        gl.bindBuffer(gl.ARRAY_BUFFER, own.right);
        gl.vertexAttribPointer(slots[2], 1, gl.UNSIGNED_BYTE, true, 0, 0);
        gl.uniform3fv(spot.colour, shares(colour));
        gl.uniform3fv(spot.dark, shares(dark));
        gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, own.faces);
        gl.drawElements(gl.TRIANGLES, skin.faces.length, gl.UNSIGNED_SHORT, 0);
      }
      slots.forEach((slot) => gl.disableVertexAttribArray(slot));
    };
  }

  function withWebGL(canvas) {
    const gl = canvas.getContext("webgl", { alpha: true, antialias: true, premultipliedAlpha: true });
    const drawCapsules = gl && capsuleDrawer(gl);
    const drawSurfaces = gl && surfaceDrawer(gl);
    if (!drawCapsules || !drawSurfaces) return null;
    gl.enable(gl.DEPTH_TEST);
    return (capsules, surfaces, lens) => {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      drawCapsules(capsules, lens);
      drawSurfaces(surfaces, lens);
    };
  }

  // World-from-rest of every joint, twelve numbers each, between two rows of turns.
  function jointMatrices(body, points, low, high, share) {
    const count = body.rest.length / 3;
    const out = new Float32Array(count * 12);
    for (let j = 0; j < count; j += 1) {
      const q = [0, 1, 2, 3].map((k) => {
        const from = body.turns[(low * count + j) * 4 + k];
        return from + (body.turns[(high * count + j) * 4 + k] - from) * share;
      });
      const size = Math.hypot(...q) || 1;
      const [w, x, y, z] = q.map((v) => v / size);
      const m = [
        1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w),
        2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
        2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y),
      ];
      for (let r = 0; r < 3; r += 1) {
        let shift = points[j * 3 + r];
        for (let c = 0; c < 3; c += 1) {
          out[j * 12 + r * 4 + c] = m[r * 3 + c];
          shift -= m[r * 3 + c] * body.rest[j * 3 + c];
        }
        out[j * 12 + r * 4 + 3] = shift;
      }
    }
    return out;
  }

  // Linear blend skinning, as `scene_bodies.bent` does in Python.
  function bend(body, points, low, high, share) {
    const { joints, weights } = body.skin;
    const matrices = jointMatrices(body, points, low, high, share);
    const rest = body.vertices;
    const places = new Float32Array(rest.length);
    for (let v = 0; v * 3 < rest.length; v += 1) {
      for (let k = 0; k < 4; k += 1) {
        const weight = weights[v * 4 + k] / 255;
        if (weight === 0) continue;
        const m = joints[v * 4 + k] * 12;
        for (let r = 0; r < 3; r += 1) {
          const row = m + r * 4;
          places[v * 3 + r] += weight * (matrices[row] * rest[v * 3] + matrices[row + 1] * rest[v * 3 + 1] + matrices[row + 2] * rest[v * 3 + 2] + matrices[row + 3]);
        }
      }
    }
    return places;
  }

  // Sum of the faces' areas round each vertex; the fragment shader makes them unit.
  function normalsOf(places, faces) {
    const normals = new Float32Array(places.length);
    for (let f = 0; f < faces.length; f += 3) {
      const [a, b, c] = [faces[f] * 3, faces[f + 1] * 3, faces[f + 2] * 3];
      const ux = places[b] - places[a], uy = places[b + 1] - places[a + 1], uz = places[b + 2] - places[a + 2];
      const vx = places[c] - places[a], vy = places[c + 1] - places[a + 1], vz = places[c + 2] - places[a + 2];
      const area = [uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx];
      for (const at of [a, b, c]) for (let k = 0; k < 3; k += 1) normals[at + k] += area[k] * 1e4;
    }
    return normals;
  }

  // Without WebGL: far capsules first, each a dark stroke with a lighter one inside.
  function withStrokes(context) {
    const css = (rgb, gain) => `rgb(${rgb.map((v) => Math.round(Math.min(255, v * gain))).join(" ")})`;
    return (capsules, lens) => {
      const drawn = [];
      for (const capsule of capsules) {
        const a = lens.project(capsule.a);
        const b = lens.project(capsule.b);
        if (a && b) drawn.push({ a, b, capsule, depth: a[2] + b[2] });
      }
      drawn.sort((one, other) => other.depth - one.depth);
      context.lineCap = "round";
      for (const { a, b, capsule } of drawn) {
        const size = lens.focal * (capsule.radii[0] / a[2] + capsule.radii[1] / b[2]);
        const lean = size * 0.09;
        for (const [share, gain, lift] of [[1, 0.72, 0], [0.84, 0.95, 0.5], [0.42, 1.12, 2]]) {
          context.lineWidth = Math.max(1, size * share);
          context.strokeStyle = css(capsule.colour, gain);
          context.beginPath();
          context.moveTo(a[0] - lean * lift, a[1] - lean * lift);
          context.lineTo(b[0] - lean * lift + 0.01, b[1] - lean * lift);
          context.stroke();
        }
      }
    };
  }

  return { withWebGL, withStrokes, bend, normalsOf };
})();

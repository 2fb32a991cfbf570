"use strict";
/* Draws the people's capsules: with WebGL where there is one, else as plain strokes. */
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
    varying vec3 normal;
    varying vec3 place;
    void main() {
      vec3 along = b - a;
      float size = length(along);
      vec3 w = size > 1e-6 ? along / size : vec3(0.0, 1.0, 0.0);
      vec3 u = normalize(cross(w, abs(w.y) < 0.9 ? vec3(0.0, 1.0, 0.0) : vec3(1.0, 0.0, 0.0)));
      normal = mesh.y * u + mesh.z * cross(w, u) + mesh.w * w;
      place = mix(a, b, mesh.x) + normal * mix(radii.x, radii.y, mesh.x);
      gl_Position = clipFromWorld * vec4(place, 1.0);
    }`;
  const FRAGMENT = `
    precision mediump float;
    uniform vec3 colour, eye;
    varying vec3 normal;
    varying vec3 place;
    void main() {
      vec3 n = normalize(normal);
      vec3 v = normalize(eye - place);
      float key = max(0.0, dot(n, normalize(v + vec3(-0.5, 0.9, 0.2))));
      float sky = 0.5 + 0.5 * n.y;
      float rim = pow(1.0 - max(0.0, dot(n, v)), 3.0);
      vec3 base = colour * colour;
      vec3 lit = base * (0.30 + 0.28 * sky + 0.62 * key * key) + vec3(0.05) * rim;
      gl_FragColor = vec4(sqrt(lit), 1.0);
    }`;

  function compile(gl, kind, text) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    return gl.getShaderParameter(shader, gl.COMPILE_STATUS) ? shader : null;
  }

  function withWebGL(canvas) {
    const gl = canvas.getContext("webgl", { alpha: true, antialias: true, premultipliedAlpha: true });
    if (!gl) return null;
    const vertex = compile(gl, gl.VERTEX_SHADER, VERTEX);
    const fragment = compile(gl, gl.FRAGMENT_SHADER, FRAGMENT);
    const program = gl.createProgram();
    if (!vertex || !fragment) return null;
    gl.attachShader(program, vertex);
    gl.attachShader(program, fragment);
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return null;
    gl.useProgram(program);
    const mesh = capsuleMesh();
    gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
    gl.bufferData(gl.ARRAY_BUFFER, mesh, gl.STATIC_DRAW);
    const slot = gl.getAttribLocation(program, "mesh");
    gl.enableVertexAttribArray(slot);
    gl.vertexAttribPointer(slot, 4, gl.FLOAT, false, 0, 0);
    gl.enable(gl.DEPTH_TEST);
    const at = (name) => gl.getUniformLocation(program, name);
    const spot = { a: at("a"), b: at("b"), radii: at("radii"), clip: at("clipFromWorld"), colour: at("colour"), eye: at("eye") };
    const corners = mesh.length / 4;
    return (capsules, lens) => {
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.clearColor(0, 0, 0, 0);
      gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
      gl.uniformMatrix4fv(spot.clip, false, lens.clipFromWorld());
      gl.uniform3fv(spot.eye, lens.eye());
      for (const capsule of capsules) {
        gl.uniform3fv(spot.a, capsule.a);
        gl.uniform3fv(spot.b, capsule.b);
        gl.uniform2f(spot.radii, capsule.radii[0], capsule.radii[1]);
        gl.uniform3f(spot.colour, capsule.colour[0] / 255, capsule.colour[1] / 255, capsule.colour[2] / 255);
        gl.drawArrays(gl.TRIANGLES, 0, corners);
      }
    };
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

  return { withWebGL, withStrokes };
})();

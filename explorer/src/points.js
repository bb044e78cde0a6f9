// Draws the points: WebGL2, or a canvas of two dimensions where there is none.

const VERTEX = `#version 300 es
in float x; in float y; in uint colour; in uint state;
uniform vec4 view; uniform float size; uniform int pass; uniform float faint;
uniform sampler2D palette;
out vec4 tint;
void main() {
  bool chosen = (state & 2u) != 0u;
  bool drawn = (state & 5u) == 5u && !isnan(y) && (pass == 0 || (pass == 2) == chosen);
  vec2 place = (vec2(x, y) - view.xy) / view.zw * 2.0 - 1.0;
  gl_Position = drawn ? vec4(place, 0.0, 1.0) : vec4(2.0, 2.0, 0.0, 1.0);
  gl_PointSize = size * (pass == 2 ? 1.3 : 1.0);
  tint = texelFetch(palette, ivec2(int(colour), 0), 0);
  tint.a = pass == 1 ? faint : 0.85;
}`;
const FRAGMENT = `#version 300 es
precision highp float;
in vec4 tint; uniform float size; out vec4 result;
void main() {
  if (size > 3.0 && distance(gl_PointCoord, vec2(0.5)) > 0.5) discard;
  result = vec4(tint.rgb * tint.a, tint.a);
}`;

const PATIENCE = 1000; // milliseconds that a lost context has to come back

export function makePoints(canvas) {
  const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
  return gl ? new GlPoints(canvas, gl) : new FlatPoints(canvas);
}

class GlPoints {
  constructor(canvas, gl) {
    this.canvas = canvas;
    this.gl = gl;
    this.n = 0;
    this.kept = new Map(); // what was uploaded, for a context that is lost and restored
    canvas.addEventListener("webglcontextlost", (event) => {
      event.preventDefault();
      this.waiting = setTimeout(() => this.onLost?.(), PATIENCE);
    });
    canvas.addEventListener("webglcontextrestored", () => {
      clearTimeout(this.waiting);
      this.prepare();
      for (const [name, values] of this.kept) this.upload(name, values);
      this.redraw?.();
    });
    this.prepare();
  }

  prepare() {
    const { gl } = this;
    const program = gl.createProgram();
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "WebGL2");
    this.program = program;
    this.at = (name) => gl.getUniformLocation(program, name);
    this.buffers = new Map();
    this.texture = gl.createTexture();
    gl.bindVertexArray(gl.createVertexArray());
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // x and y: Float32Array; colour and state: Uint8Array; palette: 256 colours
  upload(name, values) {
    const { gl } = this;
    this.kept.set(name, values);
    if (name === "palette") {
      gl.bindTexture(gl.TEXTURE_2D, this.texture);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, values);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
      return;
    }
    this.n = values.length;
    const isNew = !this.buffers.has(name);
    if (isNew) this.buffers.set(name, gl.createBuffer());
    gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers.get(name));
    gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
    if (!isNew) return;
    const place = gl.getAttribLocation(this.program, name);
    gl.enableVertexAttribArray(place);
    if (name === "x" || name === "y") gl.vertexAttribPointer(place, 1, gl.FLOAT, false, 0, 0);
    else gl.vertexAttribIPointer(place, 1, gl.UNSIGNED_BYTE, 0, 0);
  }

  draw(view, size, anyChosen) {
    const { gl, canvas } = this;
    gl.viewport(0, 0, canvas.width, canvas.height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    gl.useProgram(this.program);
    gl.uniform4f(this.at("view"), view.x0, view.y0, view.x1 - view.x0, view.y1 - view.y0);
    gl.uniform1f(this.at("size"), size);
    gl.uniform1f(this.at("faint"), 0.2);
    for (const pass of anyChosen ? [1, 2] : [0]) {
      gl.uniform1i(this.at("pass"), pass);
      gl.drawArrays(gl.POINTS, 0, this.n);
    }
  }

  // Browsers have few contexts, and count those of canvases that are gone until memory is cleared.
  close() {
    this.onLost = null;
    this.gl.getExtension("WEBGL_lose_context")?.loseContext();
  }
}

export class FlatPoints {
  constructor(canvas, kept = new Map()) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.kept = kept;
  }

  upload(name, values) {
    this.kept.set(name, values);
  }

  close() {}

  draw(view, size, anyChosen) {
    const { canvas, context } = this;
    const [x, y, colour, state, palette] = ["x", "y", "colour", "state", "palette"].map((name) => this.kept.get(name));
    context.clearRect(0, 0, canvas.width, canvas.height);
    const across = canvas.width / (view.x1 - view.x0), up = canvas.height / (view.y1 - view.y0);
    for (const pass of anyChosen ? [1, 2] : [0]) {
      context.globalAlpha = pass === 1 ? 0.2 : 0.85;
      for (let i = 0; i < x.length; i++) {
        if ((state[i] & 5) !== 5 || (pass !== 0 && (pass === 2) !== ((state[i] & 2) !== 0))) continue;
        const at = 4 * colour[i];
        context.fillStyle = `rgb(${palette[at]},${palette[at + 1]},${palette[at + 2]})`;
        context.fillRect((x[i] - view.x0) * across - size / 2, canvas.height - (y[i] - view.y0) * up - size / 2, size, size);
      }
    }
  }
}

// Particles carried from noise to a mixture of Gaussians by the exact marginal velocity. No dependency.
"use strict";

const fmDemo = (() => {
  // The two paths: alpha, sigma^2, and the products alpha' , sigma sigma' (finite also where sigma = 0).
  const B0 = 0.1, B1 = 20; // the usual variance-preserving diffusion: beta grows linearly backwards in t
  const schedules = {
    straight: (t, s) => {
      const sigma = 1 - (1 - s) * t;
      return { alpha: t, alphaDot: 1, sigma2: sigma * sigma, sigmaSigmaDot: -(1 - s) * sigma };
    },
    diffusion: (t) => {
      const r = 1 - t, alpha = Math.exp(-0.25 * r * r * (B1 - B0) - 0.5 * r * B0);
      const alphaDot = alpha * (0.5 * r * (B1 - B0) + 0.5 * B0);
      return { alpha, alphaDot, sigma2: 1 - alpha * alpha, sigmaSigmaDot: -alpha * alphaDot };
    },
  };

  // u_t(x) = sum_k r_k [alpha' m_k + (alpha alpha' s_k^2 + sigma sigma') / C_k (x - alpha m_k)]
  function velocity(points, t, mixture, path, sigmaMin, out) {
    const { alpha, alphaDot, sigma2, sigmaSigmaDot } = schedules[path](t, sigmaMin);
    const K = mixture.length, log = new Float64Array(K);
    const parts = mixture.map(({ m, s, w }) => {
      const c = sigma2 + alpha * alpha * s * s;
      return { m, c, pull: (alpha * alphaDot * s * s + sigmaSigmaDot) / c, base: Math.log(w) - Math.log(c) };
    });
    for (let i = 0; i < points.length; i += 2) {
      let top = -Infinity;
      for (let k = 0; k < K; k++) {
        const p = parts[k], dx = points[i] - alpha * p.m[0], dy = points[i + 1] - alpha * p.m[1];
        log[k] = p.base - (dx * dx + dy * dy) / (2 * p.c);
        if (log[k] > top) top = log[k];
      }
      let total = 0, u = 0, v = 0;
      for (let k = 0; k < K; k++) {
        const p = parts[k], r = Math.exp(log[k] - top);
        total += r;
        u += r * (alphaDot * p.m[0] + p.pull * (points[i] - alpha * p.m[0]));
        v += r * (alphaDot * p.m[1] + p.pull * (points[i + 1] - alpha * p.m[1]));
      }
      out[i] = u / total;
      out[i + 1] = v / total;
    }
    return out;
  }

  const moved = (x, h, k) => x.map((value, i) => value + h * k[i]);
  const stages = { euler: 1, midpoint: 2, rk4: 4 };
  const steps = {
    euler: (f, x, t, h) => moved(x, h, f(x, t)),
    midpoint: (f, x, t, h) => moved(x, h, f(moved(x, h / 2, f(x, t)), t + h / 2)),
    rk4: (f, x, t, h) => { // the 3/8 rule, as in the course
      const k1 = f(x, t), k2 = f(moved(x, h / 3, k1), t + h / 3);
      const k3 = f(x.map((v, i) => v + h * (k2[i] - k1[i] / 3)), t + (2 * h) / 3);
      const k4 = f(x.map((v, i) => v + h * (k1[i] - k2[i] + k3[i])), t + h);
      return x.map((v, i) => v + (h / 8) * (k1[i] + 3 * k2[i] + 3 * k3[i] + k4[i]));
    },
  };

  function solve(x0, mixture, { path, sigmaMin, solver, n }) {
    const f = (x, t) => velocity(x, t, mixture, path, sigmaMin, new Float64Array(x.length));
    const states = [x0];
    for (let k = 0; k < n; k++) states.push(steps[solver](f, states[k], k / n, 1 / n));
    return states;
  }

  function generator(seed) { // mulberry32, then Box and Muller
    const uniform = () => {
      seed = (seed + 0x6d2b79f5) | 0;
      let z = Math.imul(seed ^ (seed >>> 15), 1 | seed);
      z = (z + Math.imul(z ^ (z >>> 7), 61 | z)) ^ z;
      return ((z ^ (z >>> 14)) >>> 0) / 4294967296;
    };
    return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  }

  function noise(n, seed) {
    const normal = generator(seed);
    return Float64Array.from({ length: 2 * n }, normal);
  }

  function samples(mixture, n, seed) { // fixed counts of each component
    const normal = generator(seed), x = [];
    mixture.forEach(({ m, s, w }, k) => {
      const count = k === mixture.length - 1 ? n - x.length / 2 : Math.round(n * w);
      for (let i = 0; i < count; i++) x.push(m[0] + s * normal(), m[1] + s * normal());
    });
    return Float64Array.from(x);
  }

  function slicedWasserstein(a, b, directions = 32) {
    const project = (x, c, s) => Float64Array.from({ length: x.length / 2 }, (_, i) => c * x[2 * i] + s * x[2 * i + 1]).sort();
    let sum = 0;
    for (let d = 0; d < directions; d++) {
      const angle = (Math.PI * (d + 0.5)) / directions, c = Math.cos(angle), s = Math.sin(angle);
      const p = project(a, c, s), q = project(b, c, s);
      for (let i = 0; i < p.length; i++) sum += (p[i] - q[i]) ** 2;
    }
    return Math.sqrt(sum / directions / (a.length / 2));
  }

  const circle = Array.from({ length: 8 }, (_, k) => ({ m: [1 + 3 * Math.cos((k * Math.PI) / 4), 3 * Math.sin((k * Math.PI) / 4)], s: 0.25, w: 1 / 8 }));
  const dataSets = {
    two: [{ m: [0, 0], s: 1, w: 0.5 }, { m: [3, 2], s: 0.5, w: 0.5 }],
    three: [{ m: [-1.5, 1.5], s: 0.4, w: 1 / 3 }, { m: [3, 2], s: 0.6, w: 1 / 3 }, { m: [1.5, -2], s: 0.5, w: 1 / 3 }],
    eight: circle,
  };
  return { velocity, solve, samples, noise, slicedWasserstein, dataSets, schedules, stages };
})();

(() => {
  const find = (id) => document.getElementById(`fm-${id}`);
  const canvas = find("canvas");
  if (!canvas) return;
  const N = 2000, VIEW = { x: -3.6, y: -3.8, width: 9.2, height: 8.2 };
  // fmtutorial.get_angle_colors at 24 angles: a cyclic map that colour-blind readers can follow
  const COLOURS = ["#c8b1af", "#d1a996", "#dca07a", "#d1935c", "#c78840", "#ae7b24", "#956e08", "#7f6204", "#665500", "#584a09", "#4b4011", "#493a22", "#473534", "#49364a", "#4b3862", "#4a447a", "#485095", "#4463ac", "#4175c3", "#4c87ce", "#599ada", "#78a5d6", "#94afd3", "#afb0c0"];
  const x0 = fmDemo.noise(N, 1);
  const colour = Array.from({ length: N }, (_, i) => COLOURS[Math.floor(((Math.atan2(x0[2 * i + 1], x0[2 * i]) / (2 * Math.PI) + 1) % 1) * COLOURS.length)]);
  const byColour = COLOURS.map((c) => colour.flatMap((d, i) => (d === c ? [i] : [])));
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let mixture, states, truth, floor, chosen = 0, dragging = false, playing = false, started = 0;

  const settings = () => ({ path: find("path").value, sigmaMin: 10 ** +find("s").value, solver: find("solver").value, n: +find("n").value });

  function load() {
    mixture = structuredClone(fmDemo.dataSets[find("data").value]);
    renew();
  }

  function renew() { // the data have changed
    truth = fmDemo.samples(mixture, N, 2);
    floor = fmDemo.slicedWasserstein(fmDemo.samples(mixture, N, 3), truth);
    compute();
  }

  function compute() { // a setting has changed
    states = fmDemo.solve(x0, mixture, settings());
    describe();
    draw();
  }

  function describe() {
    const { path, sigmaMin, solver, n } = settings();
    const error = fmDemo.slicedWasserstein(states[n], truth), nfe = n * fmDemo.stages[solver];
    find("s").disabled = path === "diffusion";
    for (const [id, text] of [["n", n], ["s", sigmaMin.toPrecision(2)]]) document.querySelector(`output[for=fm-${id}]`).textContent = text;
    find("said").textContent =
      `${nfe} evaluations of the velocity. Distance of the end points to the truth (sliced W2): ${error.toFixed(3)}; ` +
      `two sets of true samples are ${floor.toFixed(3)} apart.`;
    canvas.dataset.error = error;
  }

  function fit() {
    const ratio = window.devicePixelRatio || 1, width = Math.min(canvas.parentElement.clientWidth, 720);
    canvas.style.width = `${width}px`;
    canvas.style.height = `${(width * VIEW.height) / VIEW.width}px`;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round((canvas.width * VIEW.height) / VIEW.width);
    draw();
  }

  const toScreen = (x, y) => [((x - VIEW.x) / VIEW.width) * canvas.width, (1 - (y - VIEW.y) / VIEW.height) * canvas.height];

  function density(context, t) { // p_t on a coarse grid, as grey
    const W = 64, H = 57, { alpha, sigma2 } = fmDemo.schedules[find("path").value](t, 10 ** +find("s").value);
    const image = new ImageData(W, H), values = new Float64Array(W * H);
    for (let j = 0; j < H; j++) for (let i = 0; i < W; i++) {
      const x = VIEW.x + ((i + 0.5) / W) * VIEW.width, y = VIEW.y + (1 - (j + 0.5) / H) * VIEW.height;
      for (const { m, s, w } of mixture) {
        const c = sigma2 + alpha * alpha * s * s;
        values[j * W + i] += (w / c) * Math.exp(-((x - alpha * m[0]) ** 2 + (y - alpha * m[1]) ** 2) / (2 * c));
      }
    }
    const top = Math.max(...values);
    values.forEach((v, k) => image.data.set([128, 128, 128, 150 * Math.sqrt(v / top)], 4 * k));
    const small = new OffscreenCanvas(W, H);
    small.getContext("2d").putImageData(image, 0, 0);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
  }

  function draw() {
    if (!states) return;
    const context = canvas.getContext("2d"), t = +find("t").value, n = states.length - 1;
    const k = Math.min(Math.floor(t * n), n - 1), part = t * n - k, a = states[k], b = states[k + 1];
    const size = Math.max(2, canvas.width / 300), ink = getComputedStyle(canvas).color;
    context.clearRect(0, 0, canvas.width, canvas.height);
    density(context, t);
    COLOURS.forEach((c, which) => {
      context.fillStyle = c;
      for (const i of byColour[which]) {
        const [x, y] = toScreen(a[2 * i] + part * (b[2 * i] - a[2 * i]), a[2 * i + 1] + part * (b[2 * i + 1] - a[2 * i + 1]));
        context.fillRect(x - size / 2, y - size / 2, size, size);
      }
    });
    context.strokeStyle = context.fillStyle = ink;
    context.lineWidth = size / 2;
    context.font = `${6 * size}px sans-serif`;
    mixture.forEach(({ m }, j) => { // the centres that can be dragged, with their numbers
      const [x, y] = toScreen(...m);
      context.beginPath();
      context.arc(x, y, (j === chosen ? 4 : 3) * size, 0, 2 * Math.PI);
      context.stroke();
      context.fillText(String(j + 1), x + 5 * size, y - 4 * size);
    });
    document.querySelector("output[for=fm-t]").textContent = t.toFixed(2);
  }

  function frame(now) {
    if (!playing) return;
    const t = (now - started) / 4000;
    find("t").value = Math.min(t, 1);
    draw();
    if (t >= 1) stop();
    else requestAnimationFrame(frame);
  }

  function stop() {
    playing = false;
    find("play").textContent = "Play";
  }

  function play() {
    if (playing) return stop();
    if (still.matches) { // no motion: show the end at once
      find("t").value = +find("t").value < 1 ? 1 : 0;
      return draw();
    }
    playing = true;
    find("play").textContent = "Pause";
    const from = +find("t").value >= 1 ? 0 : +find("t").value;
    started = performance.now() - 4000 * from;
    requestAnimationFrame(frame);
  }

  function place(event) { // a pointer's place in the coordinates of x
    const box = canvas.getBoundingClientRect();
    return [VIEW.x + ((event.clientX - box.left) / box.width) * VIEW.width, VIEW.y + (1 - (event.clientY - box.top) / box.height) * VIEW.height];
  }

  function nearest(event) { // the centre within reach of a finger or pointer, or -1
    const [x, y] = place(event), far = mixture.map(({ m }) => Math.hypot(m[0] - x, m[1] - y));
    return Math.min(...far) > 0.7 ? -1 : far.indexOf(Math.min(...far));
  }

  // A finger on a centre drags it; anywhere else it scrolls the page.
  canvas.addEventListener("touchstart", (event) => { if (nearest(event.touches[0]) >= 0) event.preventDefault(); }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    if (nearest(event) < 0) return;
    chosen = nearest(event);
    dragging = true;
    canvas.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dragging) return;
    mixture[chosen].m = place(event);
    renew();
  });
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => { dragging = false; });
  canvas.addEventListener("keydown", (event) => {
    const move = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] }[event.key];
    const number = Number(event.key);
    if (number >= 1 && number <= mixture.length) { chosen = number - 1; draw(); }
    if (!move) return;
    event.preventDefault();
    mixture[chosen].m = mixture[chosen].m.map((v, i) => v + move[i]);
    renew();
  });
  find("play").addEventListener("click", play);
  find("t").addEventListener("input", () => { stop(); draw(); });
  for (const id of ["n", "s", "solver", "path"]) find(id).addEventListener("input", compute);
  find("data").addEventListener("input", () => { chosen = 0; load(); });
  new MutationObserver(draw).observe(document.documentElement, { attributes: true });
  new ResizeObserver(fit).observe(canvas.parentElement);
  load();
  fit();
})();

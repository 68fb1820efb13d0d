'use strict';

const $ = id => document.getElementById(id);
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/* ---- drawing: strokes are lists of points from 0 to 1, so that any size can be drawn of them ---- */

const pad = $('pad');
const penWidth = 0.075;
let strokes = [];
let current = null;

function paint(canvas, lines, ink, paper) {
  const context = canvas.getContext('2d');
  const size = canvas.width;
  context.clearRect(0, 0, size, size);
  if (paper) {
    context.fillStyle = paper;
    context.fillRect(0, 0, size, size);
  }
  context.strokeStyle = context.fillStyle = ink;
  context.lineWidth = penWidth * size;
  context.lineCap = context.lineJoin = 'round';
  for (const points of lines) {
    context.beginPath();
    context.moveTo(points[0][0] * size, points[0][1] * size);
    for (let i = 1; i < points.length; i++) {
      const [x, y] = points[i];
      const [nextX, nextY] = points[i + 1] || points[i];
      context.quadraticCurveTo(x * size, y * size, (x + nextX) / 2 * size, (y + nextY) / 2 * size);
    }
    if (points.length === 1) {
      context.lineTo(points[0][0] * size + 0.1, points[0][1] * size);
    }
    context.stroke();
  }
}

function repaint() {
  paint(pad, strokes, css('--ink'));
  pad.parentElement.classList.toggle('used', strokes.length > 0);
  $('clear').disabled = strokes.length === 0;
}

function fitPad() {
  const size = Math.round(pad.clientWidth * Math.min(window.devicePixelRatio || 1, 3));
  if (size > 0 && pad.width !== size) {
    pad.width = pad.height = size;
  }
  repaint();
}

function pointOf(event) {
  const box = pad.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

pad.addEventListener('pointerdown', event => {
  if (event.button !== 0 || current) {
    return;
  }
  pad.setPointerCapture(event.pointerId);
  current = { pointer: event.pointerId, points: [pointOf(event)] };
  strokes.push(current.points);
  repaint();
  changed();
});

pad.addEventListener('pointermove', event => {
  if (!current || current.pointer !== event.pointerId) {
    return;
  }
  const events = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
  for (const step of events.length ? events : [event]) {
    current.points.push(pointOf(step));
  }
  repaint();
  changed();
});

for (const type of ['pointerup', 'pointercancel', 'lostpointercapture']) {
  pad.addEventListener(type, event => {
    if (current && current.pointer === event.pointerId) {
      current = null;
      changed();
    }
  });
}

function clear() {
  strokes = [];
  current = null;
  repaint();
  showNothing('Nothing drawn yet', 'The answer comes as you draw.');
}

$('clear').addEventListener('click', () => { clear(); pad.focus({ preventScroll: true }); });

/* What the keys 0 to 9 draw. */
const written = [
  ['50,15 30,25 24,50 31,76 50,86 69,76 76,50 69,25 50,15'],
  ['44,26 54,15 54,86'],
  ['28,32 36,18 54,14 70,24 68,42 50,62 27,85 50,84 76,85'],
  ['28,22 48,14 68,22 68,38 46,48 68,57 71,74 52,86 28,79'],
  ['58,14 28,60 78,60', '62,40 61,87'],
  ['70,16 35,16 31,47 52,42 71,54 71,74 52,86 29,79'],
  ['62,14 40,32 29,60 36,82 54,86 70,74 66,57 48,53 32,66'],
  ['26,18 50,17 75,18 60,45 46,86'],
  ['50,49 32,36 38,18 58,14 68,28 54,46 34,62 34,80 52,87 68,77 66,60 50,49'],
  ['68,36 54,46 36,41 31,26 44,14 62,18 68,36 64,62 52,87'],
].map(lines => lines.map(line => line.split(' ').map(pair => pair.split(',').map(n => n / 100))));

pad.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  if (event.key >= '0' && event.key <= '9') {
    strokes = written[Number(event.key)].slice(); // drawing goes on with a copy
    repaint();
    changed();
  } else if (['Escape', 'Delete', 'Backspace'].includes(event.key)) {
    clear();
  }
});

function imageOf(lines) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = 160;
  paint(canvas, lines, '#000', '#fff');
  return new Promise(resolve => canvas.toBlob(resolve, 'image/png'));
}

/* ---- recognising: one request at a time; what is drawn meanwhile is asked next ---- */

const pauseMillis = 40;
let asking = false;
let askAgain = false;

function changed() {
  askAgain = true;
  if (!asking) {
    asking = true;
    setTimeout(ask, pauseMillis);
  }
}

async function ask() {
  askAgain = false;
  const drawn = strokes;
  try {
    if (drawn.length) {
      const answer = await send(await imageOf(drawn));
      if (strokes === drawn || !askAgain) {
        show(answer);
      }
    }
  } catch (problem) {
    showNothing(problem.message, 'The drawing stays; the next stroke asks again.', true);
  }
  if (strokes.length === 0) {
    clear();
  }
  if (askAgain) {
    setTimeout(ask, pauseMillis);
  } else {
    asking = false;
  }
}

const send = image => post('/digits', image, 'image/png');

async function post(path, content, type) {
  let response;
  try {
    response = await fetch(path, { method: 'POST', body: content, headers: { 'Content-Type': type } });
  } catch (e) {
    throw new Error('The server does not answer');
  }
  let body = {};
  try {
    body = await response.json();
  } catch (e) {
    throw new Error('The answer was cut off');
  }
  if (!response.ok) {
    throw new Error(body.error || `The server answered ${response.status}`);
  }
  return body;
}

const bars = Array.from({ length: 10 }, (_, digit) => {
  const row = document.createElement('li');
  row.innerHTML = `<b>${digit}</b><span class="bar"><i></i></span><span class="value">0 %</span>`;
  $('bars').append(row);
  return row;
});

function showBar(row, probability, isBest) {
  row.querySelector('i').style.setProperty('--share', probability.toFixed(4));
  row.querySelector('.value').textContent = percent(probability);
  row.classList.toggle('best', isBest);
}

function show(answer) {
  $('digit').textContent = answer.digit;
  $('digit').classList.remove('none');
  $('confidence').textContent = `${percent(answer.confidence)} sure`;
  $('confidence').classList.remove('bad');
  const others = answer.batchSize - 1;
  $('path').textContent = `waited ${millis(answer.queueMillis)} ms, handled in ${millis(answer.handleMillis)} ms, `
    + (others ? `in a batch with ${others} other${others > 1 ? 's' : ''}` : 'alone in its batch');
  answer.probabilities.forEach((p, digit) => showBar(bars[digit], p, digit === answer.digit));
}

function showNothing(title, detail, bad) {
  $('digit').textContent = '?';
  $('digit').classList.add('none');
  $('confidence').textContent = title;
  $('confidence').classList.toggle('bad', Boolean(bad));
  $('path').textContent = detail;
  bars.forEach(row => showBar(row, 0, false));
}

function percent(share) {
  const value = 100 * share;
  return value > 99.9 && value < 100 ? '99.9 %' : `${value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

function millis(value) {
  return value < 10 ? value.toFixed(2) : value.toFixed(value < 100 ? 1 : 0);
}

/* ---- the flow at work ---- */

const rates = new Array(120).fill(0);
const sizeLabels = [];

function showStats(stats) {
  rates.push(stats.requestsPerSecond);
  rates.shift();
  $('rate').textContent = Math.round(stats.requestsPerSecond).toLocaleString('en');
  drawRates();
  for (const name of ['p50', 'p90', 'p99']) {
    $(name).textContent = stats.requestsPerSecond ? millis(stats.latencyMillis[name]) : '\u2013';
  }
  showOutcomes(stats.outcomes);
  const last = stats.steps[stats.steps.length - 1];
  if (last) {
    showSizes(last);
  }
  showSteps(stats.steps);
  showWorkers(stats.steps.find(step => step.workers.length));
}

function drawRates() {
  const top = Math.max(10, ...rates) * 1.08;
  const points = rates.map((rate, i) => `${(240 * i / (rates.length - 1)).toFixed(1)},${(47 - 46 * rate / top).toFixed(1)}`);
  const line = `M${points.join('L')}`;
  $('rate-chart').querySelector('.line').setAttribute('d', line);
  $('rate-chart').querySelector('.area').setAttribute('d', `${line}L240,48L0,48Z`);
}

function showOutcomes(outcomes) {
  const names = { failed: 'failed', timedOut: 'timed out', cancelled: 'cancelled', rejected: 'refused' };
  const bad = Object.keys(names).filter(name => outcomes[name]).map(name => `${outcomes[name]} ${names[name]}`);
  $('outcomes').textContent = bad.join(', ') || 'nothing failed';
}

function showSizes(step) {
  const sizes = step.batchSizes.slice();
  while (sizes.length < 6) {
    const from = sizes.length ? 2 ** (sizes.length - 1) + 1 : 1;
    sizes.push({ from, to: 2 ** sizes.length, batches: 0 });
  }
  const list = $('sizes');
  fitRows(list, sizes.length, () => {
    const row = document.createElement('li');
    row.innerHTML = '<span class="column"><i></i></span><span class="label"></span>';
    list.append(row);
  });
  sizeLabels.length = Math.min(sizeLabels.length, sizes.length);
  const most = Math.max(1, ...sizes.map(size => size.batches));
  sizes.forEach((size, i) => {
    const row = list.children[i];
    const label = size.from === size.to ? `${size.to}` : `${size.from}\u2013${size.to}`;
    row.querySelector('i').style.setProperty('--share', (size.batches / most).toFixed(4));
    if (sizeLabels[i] !== label) {
      row.querySelector('.label').textContent = sizeLabels[i] = label;
    }
    row.title = `${size.batches} batches of ${label}`;
  });
  $('mean').textContent = step.meanBatchSize ? `mean ${step.meanBatchSize.toFixed(1)}` : '';
}

function showSteps(steps) {
  const list = $('steps');
  fitRows(list, steps.length, () => {
    const row = document.createElement('li');
    row.innerHTML = '<h3><b></b><span></span></h3><dl>'
      + '<dt>wait</dt><dd></dd><dd></dd><dt>handle</dt><dd></dd><dd></dd></dl>';
    list.append(row);
  });
  steps.forEach((step, i) => {
    const row = list.children[i];
    row.querySelector('b').textContent = step.name;
    row.querySelector('span').textContent =
      `${Math.round(step.itemsPerSecond).toLocaleString('en')}/s in ${Math.round(step.batchesPerSecond).toLocaleString('en')} batches`;
    const cells = row.querySelectorAll('dd');
    [step.queueMillis.p50, step.queueMillis.p99, step.handleMillis.p50, step.handleMillis.p99]
      .forEach((value, cell) => {
        const text = step.itemsPerSecond ? `${millis(value)} ms` : '\u2013';
        cells[cell].innerHTML = `<small>${cell % 2 ? 'p99' : 'p50'}</small> ${text}`;
      });
  });
}

/* Rows are kept, so that a button that has the focus does not lose it. */
function fitRows(list, count, add) {
  while (list.children.length < count) {
    add();
  }
  while (list.children.length > count) {
    list.lastElementChild.remove();
  }
}

function showWorkers(step) {
  $('workers').hidden = !step;
  if (!step) {
    return;
  }
  $('workers-step').textContent = step.name;
  const body = $('workers').querySelector('tbody');
  fitRows(body, step.workers.length, () => {
    const row = body.insertRow();
    row.innerHTML = '<th scope="row"></th><td></td><td></td><td></td><td></td><td><button type="button">Kill</button></td>';
    row.querySelector('button').addEventListener('click', () => kill(row));
  });
  step.workers.forEach((worker, i) => showWorker(body.children[i], worker));
}

function showWorker(row, worker) {
  const mebibytes = worker.residentBytes / 2 ** 20;
  const texts = [worker.name, worker.state, worker.pid || '\u2013',
    mebibytes ? `${mebibytes.toFixed(0)} MiB` : '\u2013', worker.restarts];
  texts.forEach((text, i) => { row.cells[i].textContent = text; });
  row.cells[1].classList.toggle('away', !worker.pid);
  const button = row.querySelector('button');
  button.disabled = !worker.pid;
  button.setAttribute('aria-label', `Kill ${worker.name}`);
}

async function kill(row) {
  const state = $('kill-state');
  try {
    const answer = await post(`/workers/kill?worker=${encodeURIComponent(row.cells[0].textContent)}`, '', 'application/json');
    state.textContent = `killed process ${answer.pid}`;
    state.classList.remove('bad');
  } catch (problem) {
    state.textContent = problem.message;
    state.classList.add('bad');
  }
}

function connection(text, kind) {
  $('connection').textContent = text;
  $('connection').className = `badge ${kind}`;
}

let events;

function listen() {
  events?.close();
  events = new EventSource('/stats/stream');
  events.onmessage = event => {
    connection('connected', 'good');
    showStats(JSON.parse(event.data));
  };
  events.onerror = () => {
    connection('connection lost, trying again', 'bad');
    if (events.readyState === EventSource.CLOSED) {
      setTimeout(listen, 2000);
    }
  };
}

addEventListener('pagehide', () => events.close());
/* A browser that goes back may show the page as it left it. */
addEventListener('pageshow', event => {
  if (event.persisted) {
    connection('connecting', '');
    listen();
  }
});

/* ---- send 1000, or keep sending ---- */

/* A browser opens six connections at most, so each request brings several images. */
const loadCount = 1000;
const loadParallel = 5;
const imagesPerRequest = 20;
const keepPauseMillis = 50;
let keeping = false;

const pause = millis => new Promise(resolve => setTimeout(resolve, millis));

async function base64Of(lines) {
  const bytes = new Uint8Array(await (await imageOf(lines)).arrayBuffer());
  return btoa(Array.from(bytes, byte => String.fromCharCode(byte)).join(''));
}

/* Sends a number of images, or any number as long as it is told to keep sending. */
async function load(count) {
  const state = $('load-state');
  state.classList.remove('bad');
  const images = await Promise.all((strokes.length ? [strokes, ...written] : written).map(base64Of));
  let sent = 0, done = 0, failed = 0, reason = '', largest = 0;
  const begun = performance.now();
  async function worker() {
    while (count ? sent < count : keeping) {
      const first = sent;
      sent = Math.min(count || Infinity, first + imagesPerRequest);
      const some = Array.from({ length: sent - first }, (_, i) => images[(first + i) % images.length]);
      try {
        for (const answer of await post('/digits/many', JSON.stringify(some), 'application/json')) {
          if (answer.error) {
            failed++;
            reason = answer.error;
          } else {
            done++;
            largest = Math.max(largest, answer.batchSize);
          }
        }
      } catch (problem) {
        failed += some.length;
        reason = problem.message;
      }
      $('load-progress').value = done + failed;
      state.textContent = `${done.toLocaleString('en')} done${failed ? `, ${failed} failed` : ''}`;
      if (!count) {
        await pause(keepPauseMillis);
      }
    }
  }
  await Promise.all(Array.from({ length: loadParallel }, worker));
  const seconds = (performance.now() - begun) / 1000;
  state.textContent = failed
    ? `${done} done, ${failed} failed: ${reason}`
    : `${done.toLocaleString('en')} in ${seconds.toFixed(2)} s, batches of up to ${largest}`;
  state.classList.toggle('bad', failed > 0);
}

async function sendMany() {
  $('load').disabled = $('keep').disabled = true;
  $('load').parentElement.classList.add('busy');
  await load(loadCount);
  $('load').parentElement.classList.remove('busy');
  $('load').disabled = $('keep').disabled = false;
}

async function keepSending() {
  const button = $('keep');
  button.disabled = keeping;
  keeping = !keeping;
  if (keeping) {
    button.setAttribute('aria-pressed', 'true');
    $('load').disabled = true;
    await load();
    button.setAttribute('aria-pressed', 'false');
    $('load').disabled = button.disabled = false;
  }
}

$('load').addEventListener('click', sendMany);
$('keep').addEventListener('click', keepSending);

/* ---- start ---- */

new ResizeObserver(fitPad).observe(pad);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', repaint);
showNothing('Nothing drawn yet', 'The answer comes as you draw.');
listen();

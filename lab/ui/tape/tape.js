// The player: a slider through the moments of a training. The value is described in lab/ui/tape_view.py.

const root = element.querySelector('.lab-tape');
const slider = root.querySelector('input[type=range]');
const moments = root.querySelector('.lab-strips');
let value = null;
let charts = [];

function fit() {
  if (!value || !value.moments.length) return;
  const ratio = window.devicePixelRatio || 1;
  const whole = Math.floor(moments.clientWidth * ratio / value.width);  // screen pixels a pixel
  const wide = whole >= 2 ? whole * value.width / ratio : moments.clientWidth;
  moments.style.setProperty('--strip', wide + 'px');
  moments.classList.toggle('lab-whole', whole >= 2);
}

function show(index) {
  const moment = value.moments[index];
  slider.value = index;
  slider.setAttribute('aria-valuetext', moment.text);
  setText(root.querySelector('.lab-when'), moment.text);
  const image = root.querySelector('[data-strip=moment] img');
  image.src = value.strips[moment.step].url;
  image.alt = 'Held-out crops, restored. ' + moment.text;
  for (const chart of charts) chart.show(moment);
  for (const button of root.querySelectorAll('[data-step]')) {
    const next = index + Number(button.dataset.step);
    button.disabled = next < 0 || next >= value.moments.length;
  }
}

function draw() {
  value = props.value;
  if (!value) return;
  root.dataset.method = value.method;
  const why = root.querySelector('.lab-tape-why');
  why.hidden = Boolean(value.moments.length);
  setText(why, value.why);
  root.querySelector('.lab-tape-body').hidden = !value.moments.length;
  if (!value.moments.length) return;
  setText(root.querySelector('.lab-tape-about'), value.about);
  root.querySelector('.lab-texts').replaceChildren(...value.texts.map(([head, text]) => {
    const node = make('p');
    node.append(make('b', '', head + '. '), make('span', '', text));
    return node;
  }));
  const lastStep = Math.max(...value.moments.map((moment) => moment.step));
  charts = value.charts.map((chart) => makeChart(chart, lastStep));
  root.querySelector('.lab-charts').replaceChildren(...charts.map((chart) => chart.node));
  for (const name of ['sharp', 'given']) {
    const figure = root.querySelector(`[data-strip=${name}]`);
    figure.hidden = !value.strips[name];
    if (value.strips[name]) figure.querySelector('img').src = value.strips[name].url;
    figure.querySelector('img').alt = figure.querySelector('figcaption').textContent;
  }
  slider.max = value.moments.length - 1;
  for (const step of Object.keys(value.strips)) new Image().src = value.strips[step].url;  // so that the slider never waits
  fit();
  show(value.moments.length - 1);
}

slider.addEventListener('input', () => show(Number(slider.value)));
for (const button of root.querySelectorAll('[data-step]')) {
  button.addEventListener('click', () => show(Number(slider.value) + Number(button.dataset.step)));
}
new ResizeObserver(fit).observe(moments);
watch('value', draw);
draw();

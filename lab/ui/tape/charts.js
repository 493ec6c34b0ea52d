// Line plots as SVG, in the page's own colours, with a mark at the moment that the slider shows.

const SVG = 'http://www.w3.org/2000/svg';
const CHART = { w: 320, h: 168, left: 46, right: 10, top: 8, bottom: 24 };

function svg(tag, attributes, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

function spanOf(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = (high - low) * 0.06 || Math.abs(high) * 0.05 || 0.5;
  return [low - room, high + room];
}

// Round numbers, three to five of them, that lie in a span.
function roundTicks([low, high]) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((n) => n * power).find((n) => n >= rough);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step) ticks.push(tick);
  return { ticks, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9) + (step / power === 2.5 ? 1 : 0)) };
}

function stepTicks(last) {
  const ticks = [1];
  while (ticks[ticks.length - 1] * 10 <= last) ticks.push(ticks[ticks.length - 1] * 10);
  return ticks;
}

function shortNumber(n) {
  return n >= 1e6 ? n / 1e6 + 'M' : n >= 1e3 ? n / 1e3 + 'k' : String(n);
}

function frame(picture, yTicks, yOf, digits) {
  for (const tick of yTicks) {
    const y = yOf(tick);
    picture.append(svg('line', { x1: CHART.left, x2: CHART.w - CHART.right, y1: y, y2: y, class: 'lab-grid' }));
    picture.append(svg('text', { x: CHART.left - 5, y: y + 3.5, 'text-anchor': 'end' }, tick.toFixed(digits)));
  }
}

function path(points) {
  return points.map(([x, y], i) => (i ? 'L' : 'M') + x.toFixed(1) + ' ' + y.toFixed(1)).join('');
}

// Figures over steps; steps on a scale of powers, since most changes early. Returns the node and what moves its mark.
function stepChart(chart, lastStep) {
  const picture = svg('svg', { viewBox: `0 0 ${CHART.w} ${CHART.h}`, role: 'img', 'aria-label': chart.label });
  const span = spanOf(chart.series.flatMap((line) => line.points.map((point) => point[1])));
  const wide = CHART.w - CHART.left - CHART.right;
  const high = CHART.h - CHART.top - CHART.bottom;
  const xOf = (step) => CHART.left + wide * Math.log(step) / Math.max(Math.log(lastStep), 1e-9);
  const yOf = (value) => CHART.top + high * (span[1] - value) / (span[1] - span[0]);
  const { ticks, digits } = roundTicks(span);
  frame(picture, ticks, yOf, digits);
  for (const step of stepTicks(lastStep)) {
    picture.append(svg('text', { x: xOf(step), y: CHART.h - 8, 'text-anchor': 'middle' }, shortNumber(step)));
  }
  const mark = svg('line', { y1: CHART.top, y2: CHART.top + high, class: 'lab-now' });
  picture.append(mark);
  chart.series.forEach((line, i) => {
    const points = line.points.map(([step, value]) => [xOf(step), yOf(value)]);
    picture.append(svg('path', { d: path(points), class: `lab-series lab-series-${i}` }));
    if (points.length < 40) {
      for (const [x, y] of points) picture.append(svg('circle', { cx: x, cy: y, r: 1.8, class: `lab-dot-${i}` }));
    }
  });
  return {
    node: picture,
    show(moment) { for (const end of ['x1', 'x2']) mark.setAttribute(end, xOf(moment.step)); },
  };
}

// The way of the held-out crops in the plane of PSNR and sharpness, one point a moment.
function wayChart(chart) {
  const picture = svg('svg', { viewBox: `0 0 ${CHART.w} ${CHART.h}`, role: 'img', 'aria-label': chart.label });
  const xs = spanOf(chart.points.map((point) => point.psnr));
  const ys = spanOf([...chart.points.map((point) => point.sharpness), 1]);
  const wide = CHART.w - CHART.left - CHART.right;
  const high = CHART.h - CHART.top - CHART.bottom;
  const xOf = (value) => CHART.left + wide * (value - xs[0]) / (xs[1] - xs[0]);
  const yOf = (value) => CHART.top + high * (ys[1] - value) / (ys[1] - ys[0]);
  const across = roundTicks(xs);
  const up = roundTicks(ys);
  frame(picture, up.ticks, yOf, up.digits);
  for (const tick of across.ticks) {
    picture.append(svg('text', { x: xOf(tick), y: CHART.h - 8, 'text-anchor': 'middle' }, tick.toFixed(across.digits)));
  }
  picture.append(svg('line', { x1: CHART.left, x2: CHART.w - CHART.right, y1: yOf(1), y2: yOf(1), class: 'lab-original' }));
  const points = chart.points.map((point) => [xOf(point.psnr), yOf(point.sharpness)]);
  picture.append(svg('path', { d: path(points), class: 'lab-series lab-series-0' }));
  for (const [x, y] of points) picture.append(svg('circle', { cx: x, cy: y, r: 2.4, class: 'lab-dot-0' }));
  const mark = svg('circle', { r: 6, class: 'lab-here' });
  picture.append(mark);
  return {
    node: picture,
    show(moment) {
      const seen = moment.psnr !== null && moment.sharpness !== null;
      mark.setAttribute('visibility', seen ? 'visible' : 'hidden');
      if (seen) { mark.setAttribute('cx', xOf(moment.psnr)); mark.setAttribute('cy', yOf(moment.sharpness)); }
    },
  };
}

function makeChart(chart, lastStep) {
  const node = make('figure', 'lab-chart');
  node.dataset.chart = chart.key;
  const caption = make('figcaption');
  caption.append(make('b', '', chart.title));
  const drawn = chart.kind === 'way' ? wayChart(chart) : stepChart(chart, lastStep);
  if (chart.kind !== 'way' && chart.series.length > 1) {
    chart.series.forEach((line, i) => {
      const entry = make('span', 'lab-entry', line.name);
      entry.prepend(make('i', `lab-key lab-key-${i}`));
      caption.append(entry);
    });
  }
  node.append(caption, drawn.node, make('span', 'lab-axis', chart.axis));
  return { node, show: drawn.show };
}

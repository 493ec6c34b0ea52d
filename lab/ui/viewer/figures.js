// The table of figures, rebuilt from the value whenever something changed.

const ARROWS = { higher: '\u2191', lower: '\u2193' };
const BETTER = { higher: 'higher is better', lower: 'lower is better' };

function headCell(text, title) {
  const cell = make('th', '', text);
  cell.scope = 'col';
  if (title) cell.title = title;
  return cell;
}

function nameCell(pane) {
  const cell = make('th');
  cell.scope = 'row';
  const dot = make('i', 'lab-dot');
  dot.style.background = pane.color || 'transparent';
  cell.append(dot, make('span', '', pane.full_name));
  cell.title = pane.about;
  return cell;
}

function figureCell(figure) {
  const cell = make('td', 'lab-number');
  const rank = figure ? figure.rank : 0;
  cell.append(make(rank === 1 ? 'b' : 'span', rank === 1 ? 'lab-best' : rank === 2 ? 'lab-second' : '', figure ? figure.text : ''));
  if (rank) cell.dataset.rank = rank;
  const title = figure ? figure.why || figure.variant : '';
  if (title) cell.title = title;
  if (figure && figure.why) cell.append(make('span', 'lab-unseen', figure.why));
  return cell;
}

function checkpointCell(pane) {
  const cell = make('td', 'lab-checkpoint');
  if (pane.checkpoint) {
    cell.append(make('span', '', pane.checkpoint), make('code', '', pane.sha));
    if (pane.stage) cell.append(make('span', 'lab-stage', pane.stage));
    if (pane.differs) cell.append(make('span', 'lab-stage', 'Unlike the paper: ' + pane.differs));
  }
  return cell;
}

function domainText(pane) {
  if (pane.in_domain === null || pane.in_domain === undefined) return '';
  return pane.in_domain ? 'yes' : 'no';
}

function row(pane, metrics, convention) {
  const line = make('tr');
  line.dataset.method = pane.key;
  line.dataset.state = pane.state;
  line.append(nameCell(pane));
  if (pane.state !== 'done') {
    const cell = make('td', 'lab-open', stateText(pane));
    cell.colSpan = metrics.length + 4;
    line.append(cell);
    return line;
  }
  for (const metric of metrics) {
    const cell = figureCell((pane.figures[convention] || {})[metric.key]);
    cell.dataset.metric = metric.key;
    line.append(cell);
  }
  const seconds = make('td', 'lab-number', pane.seconds);
  if (pane.device) seconds.title = 'on ' + pane.device;
  line.append(seconds, make('td', 'lab-in-domain', domainText(pane)), checkpointCell(pane), make('td', 'lab-given', pane.given));
  return line;
}

function makeFigures(section, onConvention) {
  const table = section.querySelector('table');
  const note = section.querySelector('.lab-note');
  const choices = section.querySelector('.lab-conventions');

  function showConventions(conventions, chosen) {
    if (choices.children.length !== conventions.length) {
      choices.replaceChildren(...conventions.map((convention) => {
        const button = make('button', '', convention.name);
        button.type = 'button';
        button.dataset.convention = convention.key;
        button.title = convention.about;
        button.addEventListener('click', () => onConvention(convention.key));
        return button;
      }));
    }
    press(choices.children, [...choices.children].find((button) => button.dataset.convention === chosen));
  }

  return {
    show(value, convention) {
      showConventions(value.conventions, convention);
      table.dataset.convention = convention;
      const head = make('tr');
      head.append(headCell('Method'));
      for (const metric of value.metrics) {
        const unit = metric.unit ? ', ' + metric.unit : '';
        const cell = headCell(metric.name + ' ' + ARROWS[metric.better], metric.about + ' (' + BETTER[metric.better] + unit + ')');
        cell.append(make('span', 'lab-unseen', ' ' + BETTER[metric.better]));
        cell.classList.add('lab-number');
        head.append(cell);
      }
      const device = (value.panes.find((pane) => pane.device) || {}).device;
      const seconds = headCell('Seconds', device ? 'on ' + device : '');
      seconds.classList.add('lab-number');
      head.append(seconds, headCell('In its domain', 'Whether its training covered this input'), headCell('Checkpoint'), headCell('Given'));
      const top = make('thead');
      top.append(head);
      const body = make('tbody');
      body.append(...value.panes.filter((pane) => pane.key !== 'reference').map((pane) => row(pane, value.metrics, convention)));
      table.replaceChildren(top, body);
      const about = (value.conventions.find((one) => one.key === convention) || {}).about || '';
      const none = value.has_reference ? '' : ' Without a sharp reference there is nothing to measure against.';
      setText(note, about + '.' + none);
    },
  };
}

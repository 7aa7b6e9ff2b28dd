// Makes the page's formulas, plots and step-through figures live; without it everything is already there, at rest.
'use strict';
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  if (window.katex) {
    for (const element of all('[data-tex]')) {
      const options = { displayMode: element.classList.contains('display'), throwOnError: true, strict: 'ignore' };
      try {
        element.innerHTML = katex.renderToString(element.dataset.tex, options);
        element.classList.add('set');
      } catch (error) { /* stays plain text */ }
    }
  }

  const most_marked = 40;  // points of a series; more are a line only
  const marks = ['circle', 'rect', 'triangle', 'rectRot'];
  const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const compact = new Intl.NumberFormat('en', { notation: 'compact' });
  function tick(value, i, ticks) {
    if (Math.abs(value) >= 1e5) return compact.format(value);
    if (value !== 0 && Math.abs(value) < 1e-3) return value.toExponential(0);
    return this.type === 'logarithmic' ? String(value) : Chart.Ticks.formatters.numeric.call(this, value, i, ticks);
  }

  function chartConfig(data) {
    const axis = (title, logarithmic) => ({
      type: logarithmic ? 'logarithmic' : 'linear',
      title: { display: title !== '', text: title, color: colour('--muted') },
      ticks: { color: colour('--ink'), maxRotation: 0, autoSkipPadding: 16, callback: tick },
      grid: { color: colour('--grid'), borderColor: colour('--muted') },
    });
    const dense = data.series.some(series => series.points.length > most_marked);
    return {
      type: 'line',
      data: {
        datasets: data.series.map((series, i) => ({
          label: series.name,
          data: series.points,
          borderColor: colour('--s' + i % 6),
          backgroundColor: colour('--s' + i % 6),
          borderDash: series.dashes.split(' ').filter(n => n).map(Number),
          borderWidth: 2,
          pointRadius: series.points.length <= most_marked ? 3.5 : 0,
          pointHitRadius: 8,
          pointStyle: marks[i % marks.length],
        })),
      },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: { x: axis(data.x, data.logX), y: axis(data.y, data.logY) },
        plugins: {
          legend: {
            labels: {
              color: colour('--ink'),
              usePointStyle: true,
              boxWidth: 9,
              boxHeight: 9,
              pointStyleWidth: dense ? 30 : 0,
              generateLabels: chart => Chart.defaults.plugins.legend.labels.generateLabels(chart).map((item, i) => ({
                ...item,
                pointStyle: dense ? 'line' : marks[i % marks.length],
                lineDash: chart.data.datasets[i].borderDash,
                lineWidth: dense ? 2 : 0,
              })),
            },
          },
        },
      },
    };
  }

  if (window.Chart) {
    Chart.defaults.font.family = 'system-ui, sans-serif';
    Chart.defaults.font.size = 13;
    const charts = [];
    for (const figure of all('figure.plot')) {
      const data = JSON.parse(figure.querySelector('script').textContent);
      if (!data.series.some(series => series.points.some(point => point.y !== null))) continue;
      const box = document.createElement('div'), canvas = document.createElement('canvas');
      box.className = 'chart';
      canvas.setAttribute('role', 'img');
      canvas.setAttribute('aria-label', figure.querySelector('svg').getAttribute('aria-label'));
      box.append(canvas);
      figure.querySelector('figcaption').after(box);
      figure.classList.add('live');
      charts.push({ canvas, data, chart: new Chart(canvas, chartConfig(data)) });
    }
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const entry of charts) {
        entry.chart.destroy();
        entry.chart = new Chart(entry.canvas, chartConfig(entry.data));
      }
    });
  }

  for (const figure of all('figure.stops')) {
    const stops = all('li', figure);
    if (stops.length < 2) continue;
    const bar = document.createElement('div'), place = document.createElement('output');
    const button = (text, by) => {
      const element = document.createElement('button');
      element.type = 'button';
      element.textContent = text;
      element.addEventListener('click', () => show(at + by));
      return element;
    };
    const back = button('Back', -1), next = button('Next', 1);
    let at = 0;
    function show(i) {
      at = Math.max(0, Math.min(stops.length - 1, i));
      stops.forEach((stop, k) => { stop.hidden = k !== at; });
      back.disabled = at === 0;
      next.disabled = at === stops.length - 1;
      place.textContent = `${at + 1} of ${stops.length}`;
    }
    bar.className = 'steps';
    bar.append(back, next, place);
    figure.querySelector('ol').before(bar);
    figure.classList.add('live');
    show(0);
  }

  const links = new Map(all('nav a').map(link => [link.getAttribute('href').slice(1), link]));
  if (window.IntersectionObserver && links.size > 0) {
    const seen = new Set();
    const observer = new IntersectionObserver(entries => {
      for (const entry of entries) entry.isIntersecting ? seen.add(entry.target.id) : seen.delete(entry.target.id);
      const first = [...links.keys()].find(id => seen.has(id));
      if (first === undefined) return;
      for (const [id, link] of links) id === first ? link.setAttribute('aria-current', 'true') : link.removeAttribute('aria-current');
    }, { rootMargin: '0px 0px -60% 0px' });
    all('main > section').forEach(section => observer.observe(section));
  }
})();

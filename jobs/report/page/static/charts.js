"use strict";
// Rows of a panel to an option of ECharts. Tooltips are drawn as text, never as HTML: rows come from outside.
const Charts = (() => {
  const PALETTE = ["#0b5fc4", "#d9822b", "#1b8a5a", "#8e4ec6", "#c2405b", "#5b6b7c", "#0a9bb0", "#9a7b00", "#3f3fa8"];

  function colors() {
    const style = getComputedStyle(document.documentElement);
    const of = name => style.getPropertyValue(name).trim();
    return { ink: of("--ink"), soft: of("--soft"), line: of("--line"), card: of("--card"), bad: of("--bad") };
  }

  function base() {
    const color = colors();
    return {
      color: PALETTE, animation: false, textStyle: { color: color.ink, fontFamily: "inherit" },
      tooltip: { trigger: "axis", renderMode: "richText", confine: true, backgroundColor: color.card,
                 borderColor: color.line, textStyle: { color: color.ink } },
      legend: { type: "scroll", top: 0, textStyle: { color: color.ink }, data: undefined },
      grid: { left: 8, right: 16, top: 40, bottom: 8, containLabel: true },
      aria: { enabled: true, decal: { show: false } },
    };
  }

  const axis = (type, data) => ({
    type, data, axisLabel: { color: colors().soft, hideOverlap: true }, axisLine: { lineStyle: { color: colors().line } },
    splitLine: { lineStyle: { color: colors().line } },
  });

  const distinct = values => [...new Set(values)];

  function series(view, words) {
    const { chart, at, rows } = view;
    if (!chart.split) return chart.y.map(name => ({ name: words.columns[name] || name, of: rows, y: at(name) }));
    return distinct(rows.map(row => row[at(chart.split)])).map(value => ({
      name: words.values[value] || String(value), of: rows.filter(row => row[at(chart.split)] === value), y: at(chart.y[0]),
    }));
  }

  function placed(view, words, type) {
    const { chart, at, rows } = view;
    const categories = distinct(rows.map(row => row[at(chart.x)]));
    return series(view, words).map(one => {
      const byCategory = new Map(one.of.map(row => [row[at(chart.x)], row[one.y]]));
      return { name: one.name, type, data: categories.map(category => byCategory.get(category) ?? null) };
    });
  }

  // The ends of intervals, across the direction in which the values go.
  function whiskers(view, index, lying) {
    const { chart, at, rows } = view;
    const ends = rows.map(row => [index(row), row[at(chart.low)], row[at(chart.high)]]).filter(end => end[1] !== null);
    const mark = (from, to) => ({
      type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: colors().ink, lineWidth: 1.2 },
    });
    const draw = (parameters, api) => {
      const place = end => api.coord(lying ? [api.value(end), api.value(0)] : [api.value(0), api.value(end)]);
      const beside = (point, by) => lying ? [point[0], point[1] + by] : [point[0] + by, point[1]];
      const [low, high] = [place(1), place(2)];
      return { type: "group", children: [mark(low, high), ...[low, high].map(end => mark(beside(end, -4), beside(end, 4)))] };
    };
    const encode = lying ? { x: [1, 2], y: 0 } : { x: 0, y: [1, 2] };
    return { type: "custom", renderItem: draw, data: ends, encode, z: 5, silent: true, tooltip: { show: false } };
  }

  function bars(view, words) {
    const categories = distinct(view.rows.map(row => row[view.at(view.chart.x)]));
    const made = placed(view, words, "bar").filter(one => one.data.some(value => value));
    const days = view.chart.x === "day";
    const labels = categories.map(category => words.values[category] || String(category));
    const values = axis("value"), names = axis("category", labels);
    names.inverse = !days;
    return { ...base(), xAxis: days ? names : values, yAxis: days ? values : names,
             aria: { enabled: true, decal: { show: made.length > 1 } },
             series: [...made.map(one => ({ ...one, stack: "all", barMaxWidth: 34 })),
                      ...(view.chart.low ? [whiskers(view, row => categories.indexOf(row[view.at(view.chart.x)]), !days)] : [])] };
  }

  function lines(view, words) {
    const days = distinct(view.rows.map(row => row[view.at(view.chart.x)]));
    const made = placed(view, words, "line");
    return { ...base(), xAxis: axis("category", days), yAxis: axis("value"),
             series: made.map(one => ({ ...one, showSymbol: days.length < 3, connectNulls: false })) };
  }

  // A flow has its names twice, before and after: a graph that returns to itself cannot be drawn as one.
  function flow(view, words) {
    const [from, to, count] = view.chart.y.map(view.at);
    const name = value => words.values[value] || String(value);
    const before = value => name(value) + " ", after = value => " " + name(value);
    const values = distinct(view.rows.flatMap(row => [row[from], row[to]]));
    const there = side => value => view.rows.some(row => row[side] === value);
    const tint = value => ({ color: PALETTE[values.indexOf(value) % PALETTE.length] });
    const nodes = [...values.filter(there(from)).map(value => ({ name: before(value), itemStyle: tint(value) })),
                   ...values.filter(there(to)).map(value => ({ name: after(value), itemStyle: tint(value) }))];
    return { ...base(), legend: undefined, tooltip: { ...base().tooltip, trigger: "item" }, series: [{
      type: "sankey", left: 8, right: 110, top: 8, bottom: 8, nodeGap: 10, data: nodes, layoutIterations: 0,
      label: { color: colors().ink }, lineStyle: { color: "source", opacity: 0.35 },
      links: view.rows.map(row => ({ source: before(row[from]), target: after(row[to]), value: row[count] })) }] };
  }

  // How contacts felt, in order, over how many there were. The interval is drawn as a bar with ends.
  function curve(view, words) {
    const { chart, at, rows } = view;
    const names = rows.map(row => String(row[at(chart.x)]));
    const [feeling, volume] = chart.y;
    const color = colors();
    const left = { ...axis("value"), name: words.columns[feeling], min: -100, max: 100, nameTextStyle: { color: color.soft } };
    const right = { ...axis("log"), name: words.columns[volume], min: 1, splitLine: { show: false }, nameTextStyle: { color: color.soft } };
    const across = axis("category", names);
    const grid = { ...base().grid, left: 40 };
    across.axisLabel = { ...across.axisLabel, rotate: 38, interval: 0, hideOverlap: false };
    return { ...base(), grid, xAxis: across, yAxis: [left, right], series: [
      { name: words.columns[volume], type: "bar", yAxisIndex: 1, itemStyle: { opacity: 0.3 }, data: rows.map(row => row[at(volume)]) },
      { name: words.columns[feeling], type: "line", symbolSize: 8, data: rows.map(row => row[at(feeling)]) },
      whiskers(view, row => rows.indexOf(row), false)] };
  }

  // How many there are of each pair, the darker the more; what there is none of is not drawn.
  function heat(view, words) {
    const { chart, at, rows } = view;
    const across = distinct(rows.map(row => row[at(chart.x)])), up = distinct(rows.map(row => row[at(chart.split)])).sort();
    const counts = rows.map(row => [across.indexOf(row[at(chart.x)]), up.indexOf(row[at(chart.split)]), row[at(chart.y[0])]]);
    const color = colors();
    const least = { min: 0, max: Math.max(1, ...counts.map(count => count[2])) };
    return { ...base(), legend: undefined, tooltip: { ...base().tooltip, trigger: "item" },
             xAxis: axis("category", across), yAxis: { ...axis("category", up), name: words.columns[chart.split],
                                                       nameTextStyle: { color: color.soft, align: "left" } },
             visualMap: { ...least, show: false, inRange: { color: [color.line, PALETTE[0]] } },
             series: [{ type: "heatmap", name: words.columns[chart.y[0]], data: counts,
                        label: { show: true, color: color.ink } }] };
  }

  function spark(values) {
    return { animation: false, grid: { left: 2, right: 2, top: 4, bottom: 4 }, color: PALETTE,
             xAxis: { type: "category", show: false, data: values.map((_, index) => index) },
             yAxis: { type: "value", show: false, scale: true },
             series: [{ type: "line", showSymbol: false, data: values, lineStyle: { width: 2 } }] };
  }

  return { kinds: { bars, lines, flow, curve, heat }, spark, draw: (place, option) => {
    const chart = echarts.init(place, null, { renderer: "svg" });
    chart.setOption(option);
    new ResizeObserver(() => chart.resize()).observe(place);
    return chart;
  } };
})();

// Draws each figure from the table that it holds: what the chart shows is what the table says, to the digit.
"use strict";
(() => {
  const look = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const narrow = () => window.innerWidth < 740;

  function series(table) {
    const heads = [...table.tHead.rows[0].cells];
    const rows = [...table.tBodies[0].rows];
    const at = rows.map((row) => row.cells[0].dataset.value);
    return heads.slice(1).map((head, index) => ({
      name: head.dataset.series || head.textContent.trim(),
      color: head.dataset.color,
      kind: head.dataset.kind || "line",
      x: at,
      y: rows.map((row) => {
        const value = row.cells[index + 1].dataset.value;
        return value === undefined || value === "" ? null : Number(value);
      }),
    }));
  }

  function trace(one, unit) {
    const color = look(`--${one.color}`) || look("--series-1");
    const hover = `%{y:${unit === "USD" ? "$.4~f" : ",.4~r"}}${unit === "USD" ? "" : ` ${unit}`}`;
    const shared = { name: one.name, x: one.x, y: one.y, hovertemplate: `${hover}<extra>${one.name}</extra>` };
    if (one.kind === "bar") return { ...shared, type: "bar", marker: { color, line: { width: 0 } } };
    const dashed = one.kind === "dashed";
    return {
      ...shared,
      type: "scatter",
      mode: one.y.filter((value) => value !== null).length < 3 ? "lines+markers" : "lines",
      connectgaps: false,
      line: { color, width: dashed ? 1.75 : 2.25, dash: dashed ? "5px,4px" : "solid", shape: "linear" },
      fill: one.kind === "area" ? "tozeroy" : "none",
      fillcolor: `${color}22`,
    };
  }

  function layout(all, unit) {
    const soft = look("--soft");
    const axis = { gridcolor: look("--line"), zeroline: false, linecolor: look("--strong-line"), fixedrange: true };
    const font = { family: look("--sans"), size: narrow() ? 11 : 12, color: soft };
    return {
      font,
      height: 280,
      margin: { l: narrow() ? 44 : 58, r: 8, t: 8, b: all.length > 1 ? 58 : 34 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      barmode: "stack",
      bargap: 0.22,
      hovermode: "x unified",
      hoverlabel: { bgcolor: look("--surface"), bordercolor: look("--strong-line"), font: { ...font, color: look("--ink") } },
      showlegend: all.length > 1,
      legend: { traceorder: "normal", orientation: "h", x: 0, y: -0.16, yanchor: "top", font },
      xaxis: { ...axis, type: "date", showgrid: false, hoverformat: "%d %b %Y, %H:%M UTC", nticks: narrow() ? 4 : 9 },
      yaxis: {
        ...axis,
        rangemode: "tozero",
        automargin: false,
        tickprefix: unit === "USD" ? "$" : "",
        ticksuffix: unit === "ms" || unit === "s" ? ` ${unit}` : "",
        tickformat: unit === "requests" ? "~s" : "~g",
        nticks: 5,
      },
    };
  }

  function draw(figure) {
    const table = figure.querySelector("table");
    const plot = figure.querySelector(".plot");
    let unit = figure.dataset.unit || "";
    const all = series(table);
    const most = Math.max(0, ...all.flatMap((one) => one.y));
    if (unit === "ms" && most >= 2000) {
      for (const one of all) one.y = one.y.map((value) => (value === null ? null : value / 1000));
      unit = "s";
    }
    const config = { displayModeBar: false, responsive: true, staticPlot: false };
    window.Plotly.react(plot, all.map((one) => trace(one, unit)), layout(all, unit), config);
  }

  function drawAll() {
    for (const figure of document.querySelectorAll(".chart")) draw(figure);
    document.documentElement.dataset.charts = "drawn";
  }

  document.addEventListener("DOMContentLoaded", () => {
    if (!window.Plotly) return;
    for (const details of document.querySelectorAll(".chart details")) details.open = false;
    drawAll();
    document.addEventListener("turnout:theme", drawAll);
  });
})();

// @ts-check
for (const figure of document.querySelectorAll('figure.chart')) {
  const data = document.getElementById(`${/** @type {HTMLElement} */ (figure).dataset.roll}-data`);
  new RollChart(/** @type {HTMLElement} */ (figure), JSON.parse(data?.textContent ?? ''));
}
document.documentElement.dataset.charts = 'drawn';

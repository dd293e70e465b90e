// @ts-check
/** @typedef {(name: string) => string} Theme the value of a custom property of the stylesheet */

const fontFamily = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

/**
 * The stylesheet alone knows the colours; what is drawn on a canvas asks it, again after every change of the scheme.
 * @returns {Theme}
 */
function readTheme() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}

/** @param {() => void} changed */
function onThemeChange(changed) {
  for (const query of ['(prefers-color-scheme: dark)', 'print']) matchMedia(query).addEventListener('change', changed);
}

/**
 * Diagonal lines, which tell two bands apart without colour.
 * @param {string} ink @param {string} paper
 */
function hatch(ink, paper) {
  const size = Math.round(6 * devicePixelRatio);
  const tile = document.createElement('canvas');
  tile.width = tile.height = size;
  const ctx = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d'));
  ctx.fillStyle = paper;
  ctx.fillRect(0, 0, size, size);
  ctx.strokeStyle = ink;
  ctx.lineWidth = size / 4;
  for (const shift of [-size, 0, size]) {
    ctx.beginPath();
    ctx.moveTo(shift - 1, size + 1);
    ctx.lineTo(shift + size + 1, -1);
    ctx.stroke();
  }
  return /** @type {CanvasPattern} */ (ctx.createPattern(tile, 'repeat'));
}

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { fixed, median, spelt, sum, table } from '../statistics.mjs';
import { setUps } from './set-ups.mjs';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const file = path('process-groups.json');
const page = path('process-groups.md');
const keyOf = ({ name, framework, isControl, node }) => JSON.stringify([name, framework, isControl, node]);
const frameworks = { express: 'Express', fastify: 'Fastify' };

/** The sittings of each row, as they are kept. */
export class Figures {
  constructor(isAfresh) {
    if (isAfresh) rmSync(file, { force: true });
  }

  /** They are read each time: another Node may be measured at the same time. */
  get rows() {
    return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
  }

  of(key) {
    return this.rows.find((row) => keyOf(row) === keyOf(key))?.sittings ?? [];
  }

  /** Nothing of a long run is lost when it does not come to its end. */
  keep(key, sitting) {
    const { rows } = this;
    const row = rows.find((each) => keyOf(each) === keyOf(key));
    if (row) row.sittings.push(sitting);
    else rows.push({ ...key, sittings: [sitting] });
    writeFileSync(file, `[\n${rows.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
  }

  /** What stands between the two marks is made of the figures, and the rest is left as it is. */
  async writePage() {
    const [before, , after] = readFileSync(page, 'utf8').split(/^<!-- (?:tables|end of tables) -->$/m);
    const text = `${before}<!-- tables -->\n\n${this.tables()}\n\n<!-- end of tables -->${after}`;
    const config = await resolveConfig(page);
    writeFileSync(page, await format(text, { ...config, parser: 'markdown' }));
  }

  /** The Node with the most reloads has the long table, and all others the short one. */
  tables() {
    const nodes = [...new Set(this.rows.map(({ node }) => node))].sort();
    const reloads = (node) => sum(this.rows.filter((row) => row.node === node).map((row) => total(row).reloads));
    const main = nodes.reduce((most, node) => (reloads(node) > reloads(most) ? node : most));
    const others = nodes.filter((node) => node !== main);
    const short = others.length > 0 ? `\n\nLost of all requests, failed probes of all, reloads:\n\n` : '';
    return `Node ${main.slice(1)}:\n\n${this.long(main)}${short}${others.length > 0 ? this.short(others) : ''}`;
  }

  long(node) {
    const head = ['set-up', 'reloads', 'requests', 'lost', 'refused', 'not once', 'failed probes'];
    head.push('longest', 'a reload: median, longest');
    const rows = this.sorted().filter((row) => row.node === node);
    return table(
      head,
      rows.map((row) => {
        const { reloads, requests, lost, refused, notOnce, failedProbes, probes, longestMs, times } = total(row);
        const seconds = [median(times), Math.max(...times)].map((ms) => `${fixed(ms / 1_000, 1)} s`).join(', ');
        const counts = [reloads, requests].map((count) => fixed(count, 0));
        const warned = row.sittings.some(({ hasWarned }) => hasWarned) ? '; it has warned' : '';
        const what = count(lost) > 0 ? `${fixed(count(lost), 0)}: ${spelt(lost)}${warned}` : `**0**${warned}`;
        const probed = `${failedProbes} of ${fixed(probes, 0)}`;
        return [titleOf(row), ...counts, what, refused, notOnce, probed, `${longestMs} ms`, seconds];
      }),
    );
  }

  short(nodes) {
    const titles = [...new Set(this.sorted().map(titleOf))];
    const cell = (title, node) => {
      const row = this.rows.find((each) => titleOf(each) === title && each.node === node);
      if (!row) return '–';
      const { reloads, requests, lost, failedProbes, probes } = total(row);
      const how = count(lost) > 0 ? ` (${spelt(lost)})` : '';
      return `${count(lost)} of ${fixed(requests, 0)}${how}, ${failedProbes} of ${fixed(probes, 0)}, ${reloads}`;
    };
    const rows = titles.map((title) => [title, ...nodes.map((node) => cell(title, node))]);
    return table(
      ['set-up', ...nodes.map((node) => `Node ${node.slice(1)}`)],
      rows.filter(([, ...cells]) => cells.some((each) => each !== '–')),
    );
  }

  sorted() {
    const placeOf = ({ name }) => setUps.findIndex((setUp) => setUp.name === name);
    const frameworkOf = ({ framework }) => Object.keys(frameworks).indexOf(framework);
    return this.rows.sort(
      (a, b) => a.isControl - b.isControl || placeOf(a) - placeOf(b) || frameworkOf(a) - frameworkOf(b),
    );
  }
}

const count = (lost) => sum(Object.values(lost));
const titleOf = ({ name, framework, isControl }) => `${isControl ? 'control: ' : ''}${name}, ${frameworks[framework]}`;

/** What all sittings of a row come to. */
function total({ sittings }) {
  const of = (name) => sum(sittings.map((sitting) => sitting[name]));
  const lost = {};
  for (const sitting of sittings) {
    for (const [reason, times] of Object.entries(sitting.lost)) lost[reason] = (lost[reason] ?? 0) + times;
  }
  const times = sittings.flatMap((sitting) => sitting.times);
  const refused = sum(Object.entries(lost).map(([reason, each]) => (reason.startsWith('ECONNREFUSED') ? each : 0)));
  const [requests, notOnce, probes, failedProbes] = ['requests', 'notOnce', 'probes', 'failedProbes'].map(of);
  const longestMs = Math.max(...sittings.map((sitting) => sitting.longestMs));
  return { reloads: times.length, requests, lost, refused, notOnce, probes, failedProbes, longestMs, times };
}

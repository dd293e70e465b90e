/** What it costs to stand in front of workers: CPU time of all processes of a group, a request. */
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median, sum, table } from '../statistics.mjs';
import { Cluster, Running, serveCommand } from './running.mjs';

const script = fileURLToPath(new URL('least-server.mjs', import.meta.url));

/** Measures `serve` beside `node:cluster`. Returns a table. */
export async function overhead({ node, turns, folder, freePort }) {
  const rows = [];
  for (const balance of ['round-robin', 'shared']) {
    const set = [];
    for (const name of ['node:cluster', 'serve']) {
      const port = await freePort();
      const control = join(folder, balance);
      const scheduling = balance === 'shared' ? 'none' : 'round robin';
      const group =
        name === 'serve'
          ? new Running(serveCommand(node, { balance, control, script }), { port })
          : new Cluster(node, { port, scheduling, application: script });
      await (name === 'serve' ? group.says('workers serve') : group.starts());
      set.push({ name, port, group, us: { new: [], kept: [] } });
    }
    // Side by side, in turn: what else the machine does meets both. The first turn only warms them up.
    for (let turn = 0; turn < turns; turn++) for (const each of set) await measure(each, turn > 0);
    for (const { name, group, us } of set) {
      rows.push([`${name}, ${balance}`, ...[us.new, us.kept].map((each) => `${Math.round(median(each))} µs`)]);
      await group.stop();
    }
  }
  return table(['set-up', 'new connections', 'kept connections'], rows);
}

async function measure({ port, group, us }, counts) {
  for (const [kind, count] of [
    ['new', 3_000],
    ['kept', 6_000],
  ]) {
    const before = cpuMs(group.child.pid);
    await ask(port, count, kind === 'kept');
    if (counts) us[kind].push(((cpuMs(group.child.pid) - before) * 1_000) / count);
  }
}

/** User and system time of a process and all below it, ms. */
function cpuMs(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  const own = (Number(fields[11]) + Number(fields[12])) * 10;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return own + sum(children.split(' ').filter(Boolean).map(cpuMs));
}

/** So many requests, on new connections or on kept ones, eight at a time. */
async function ask(port, count, isKept) {
  let left = count;
  const client = async () => {
    const agent = new Agent({ keepAlive: isKept, maxSockets: 1 });
    while (left-- > 0) {
      await new Promise((resolve, reject) => {
        const sent = request({ port, host: '127.0.0.1', agent }, (response) => response.resume().once('end', resolve));
        sent.once('error', reject);
        sent.end();
      });
    }
    agent.destroy();
  };
  await Promise.all(Array.from({ length: 8 }, client));
}

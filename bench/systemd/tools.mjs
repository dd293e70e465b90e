import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Runs a program. Resolves with its exit code and what it has printed. */
export async function run(program, ...args) {
  try {
    const { stdout, stderr } = await promisify(execFile)(program, args, { encoding: 'utf8' });
    return { code: 0, stdout, output: (stdout + stderr).trim() };
  } catch (error) {
    if (typeof error.code !== 'number') throw error;
    return { code: error.code, stdout: error.stdout, output: (error.stdout + error.stderr).trim() };
  }
}

/** Runs `systemctl`, which has to succeed. */
export async function systemctl(...args) {
  const { code, output } = await run('systemctl', ...args);
  if (code !== 0) throw new Error(`systemctl ${args.join(' ')} ended with ${code}: ${output}`);
  return output;
}

/** Writes unit files, by their names; `orders.service.d/x.conf` is one that adds to another. */
export async function install(files) {
  for (const [name, text] of Object.entries(files)) {
    const path = `/etc/systemd/system/${name}`;
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    writeFileSync(path, text);
  }
  await systemctl('daemon-reload');
}

/** Properties of a unit, by their names. */
export async function shown(unit, ...names) {
  const output = await systemctl('show', `--property=${names.join(',')}`, unit);
  return Object.fromEntries(
    output.split('\n').map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
  );
}

/** What a unit has printed. */
export async function journal(unit) {
  await run('journalctl', '--sync');
  return (await run('journalctl', '--no-pager', '-o', 'cat', '-u', unit)).output;
}

/** Asks until it holds, for a minute at most. */
export async function until(holds) {
  const endAt = performance.now() + 60_000;
  for (;;) {
    const value = await holds();
    if (value) return value;
    if (performance.now() > endAt) throw new Error(`Expected this to hold by now: ${holds}`);
    await sleep(50);
  }
}

/** The units that a page of the documentation shows, by the names in their first lines. */
export function documentedUnits(page) {
  const text = readFileSync(`/srv/repository/docs/${page}`, 'utf8');
  const blocks = [...text.matchAll(/```ini\n# \/etc\/systemd\/system\/(\S+)\n(.*?)```/gs)];
  return Object.fromEntries(blocks.map(([, name, unit]) => [name, unit]));
}

/** The units of a sample. */
export function sampleUnits(sample, names) {
  const textOf = (name) => readFileSync(`/srv/repository/sample/${sample}/deploy/${name}`, 'utf8');
  return Object.fromEntries(names.map((name) => [name, textOf(name)]));
}

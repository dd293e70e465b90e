import { basename } from 'node:path';
import { type Place } from '../finding.js';
import { type Grace, type Workload } from '../model.js';
import { durationMs } from '../read/duration.js';
import { readUnitFile, type Unit, type UnitEntry } from '../read/unit-file.js';
import { type Source } from '../read/source.js';
import { commandWords } from '../start/lines.js';
import { signalName } from '../start/wrappers.js';
import { type Format, type Reading } from './format.js';

/** What systemd waits from the signal to SIGKILL where nothing is said, ms. */
const graceMs = 90_000;
/** What starts something of node's. */
const ofNode = /(^|[\s/=])(node|nodejs|npm|npx|yarn|pnpm|nest|tsx|ts-node)(\s|$)|\.[cm]?js(\s|$)|\.sh(\s|$)/;

export const systemd: Format = {
  id: 'systemd',
  title: 'systemd unit',
  files: '*.service, or a text with a section [Service]',
  usual: [],
  recognises: ({ name, text }) =>
    /\.(service|socket)$/.test(name) || (/^\[Service\]/m.test(text) && /^ExecStart\s*=/m.test(text)),
  read: (file): Reading => {
    const entries = readUnitFile(file).get('Service');
    if (!entries) {
      return basename(file.name).endsWith('.socket')
        ? { notes: [`${file.name}: a socket unit keeps the port over restarts`] }
        : {};
    }
    const start = last(entries, 'ExecStart');
    if (!start) return { notChecked: [{ at: { file: file.name, line: 1 }, what: 'the unit has no ExecStart' }] };
    if (!ofNode.test(start.value)) {
      return { notes: [`${file.name} was left out, for it does not start node (${start.value.split(/\s/)[0]!})`] };
    }
    const workload = workloadOf(file, entries, start);
    return { workloads: [workload], units: workload.runsToAnEnd ? [] : [unitOf(file, entries)] };
  },
};

function unitOf({ name }: Source, entries: readonly UnitEntry[]): Unit {
  const user = last(entries, 'User')?.value;
  return {
    name: basename(name).replace(/\.service$/, ''),
    killMode: last(entries, 'KillMode'),
    type: last(entries, 'Type'),
    notifyAccess: last(entries, 'NotifyAccess'),
    hasUser: (user !== undefined && user !== 'root' && user !== '0') || isTrue(last(entries, 'DynamicUser')?.value),
    stops: entries.filter(({ key, value }) => key === 'ExecStop' && value !== ''),
  };
}

function workloadOf(file: Source, entries: readonly UnitEntry[], start: UnitEntry): Workload {
  const at = start.place;
  const signal = last(entries, 'KillSignal');
  const mode = last(entries, 'KillMode')?.value ?? 'control-group';
  return {
    kind: 'systemd unit',
    name: basename(file.name).replace(/\.service$/, ''),
    at,
    containers: [
      {
        name: '',
        at,
        start: {
          at,
          entrypoint: commandWords(start.value.replace(/^[@:+!-]+/, '')),
          exec: (words) =>
            `ExecStart=${words[0] === 'node' ? ['/usr/bin/node', ...words.slice(1)].join(' ') : words.join(' ')}`,
        },
        ports: [],
        env: environmentOf(entries),
      },
    ],
    others: [],
    runsToAnEnd: last(entries, 'Type')?.value === 'oneshot',
    grace: graceOf(entries, at),
    stopSignal: {
      value: signal ? signalName(signal.value) : 'SIGTERM',
      text: signal && `KillSignal=${signal.value}`,
      at: signal?.place ?? at,
    },
    signalled: mode === 'control-group' ? 'each' : undefined,
  };
}

function graceOf(entries: readonly UnitEntry[], start: Place): Grace {
  const given = last(entries, 'TimeoutStopSec') ?? last(entries, 'TimeoutSec');
  const value = given?.value === 'infinity' || given?.value === '0' ? Infinity : durationMs(given?.value ?? '');
  return {
    ms: { value: given ? value : graceMs, text: given?.value, at: given?.place ?? start },
    write: (ms) => `TimeoutStopSec=${Math.ceil(ms / 1_000)}`,
  };
}

function environmentOf(entries: readonly UnitEntry[]): ReadonlyMap<string, string> {
  const pairs = entries.filter(({ key }) => key === 'Environment').flatMap(({ value }) => commandWords(value));
  return new Map(pairs.map((pair) => [pair.split('=')[0]!, pair.slice(pair.indexOf('=') + 1)]));
}

/** The last one counts, and an empty one takes back what stands before it. */
function last(entries: readonly UnitEntry[], key: string): UnitEntry | undefined {
  const found = entries.findLast((entry) => entry.key === key);
  return found?.value === '' ? undefined : found;
}

function isTrue(value: string | undefined): boolean {
  return value !== undefined && /^(yes|true|on|1)$/i.test(value);
}

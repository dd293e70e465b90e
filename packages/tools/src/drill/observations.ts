import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What the observer has told from inside a replica. Instants are `performance.now()` of this process. */
export interface Observations {
  /** The process that listens on the replica's port, as it was last seen. */
  readonly listener?: ListenerFacts;
  /** Ports it listens on instead. */
  readonly otherPorts: readonly number[];
  readonly phases: readonly { readonly phase: string; readonly at: number }[];
  readonly report?: unknown;
  /** Whether the process that listens ended by itself, rather than being killed. */
  readonly listenerExited: boolean;
}

export interface ListenerFacts {
  readonly pid: number;
  readonly address: string;
  readonly keepAliveTimeoutMs?: number;
  /** How many listeners it has for each signal. */
  readonly signalListeners: Readonly<Record<string, number>>;
}

interface Line {
  readonly event: string;
  readonly at: number;
  readonly pid: number;
  readonly port?: number;
  readonly address?: string;
  readonly keepAliveTimeout?: number;
  readonly listeners?: Readonly<Record<string, number>>;
  readonly phase?: string;
  readonly report?: unknown;
}

/** What is loaded into the replicas. In a checkout that is not built there is none, and replicas would not start. */
const observerPath = fileURLToPath(new URL('./observer.cjs', import.meta.url));

/** The files the observer writes to, one for each replica. */
export class ObservationFiles {
  private readonly folder = mkdtempSync(join(tmpdir(), 'nestjs-drain-drill-'));

  /** What a replica needs in its environment to be observed. */
  environmentOf(replica: string): Record<string, string> {
    const quoted = `"${observerPath.replace(/[\\"]/g, '\\$&')}"`;
    return {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${quoted}`.trimStart(),
      NESTJS_DRAIN_OBSERVER: this.fileOf(replica),
    };
  }

  read(replica: string, port: number): Observations {
    return observationsOf(readLines(this.fileOf(replica)), port);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private fileOf(replica: string): string {
    return join(this.folder, `${replica}.jsonl`);
  }
}

export const nothingObserved: Observations = { otherPorts: [], phases: [], listenerExited: false };

/** `port`: the one the replica was told to listen on. */
export function observationsOf(lines: readonly Line[], port: number): Observations {
  const listening = lines.filter(({ event }) => event === 'listening');
  const own = listening.filter((line) => line.port === port).at(-1);
  return {
    listener: own && {
      pid: own.pid,
      address: own.address ?? '',
      keepAliveTimeoutMs: own.keepAliveTimeout,
      signalListeners: own.listeners ?? {},
    },
    otherPorts: [...new Set(listening.map((line) => line.port!).filter((other) => other !== port))],
    phases: lines
      .filter(({ event }) => event === 'phase')
      .map(({ phase = '', at }) => ({ phase, at: at - performance.timeOrigin })),
    report: lines.find(({ event }) => event === 'report')?.report,
    listenerExited: own !== undefined && lines.some(({ event, pid }) => event === 'exit' && pid === own.pid),
  };
}

/** What there is; a line that was cut by the end of its process is left out. */
function readLines(file: string): Line[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((line) => {
        try {
          return [JSON.parse(line) as Line];
        } catch {
          return [];
        }
      });
  } catch {
    return [];
  }
}

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endMarkedWithThisProcess } from './children.js';
import { BadInputError } from './errors.js';
import { endMarked, type Marked } from './stragglers.js';

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
  /** The signals that came to listeners of that process. */
  readonly signalsSeen: readonly string[];
}

export interface ListenerFacts {
  readonly pid: number;
  readonly address: string;
  readonly keepAliveTimeoutMs?: number;
  /** How many listeners it has for each signal. */
  readonly signalListeners: Readonly<Record<string, number>>;
}

/** What the observer writes; see there. */
export interface Line {
  readonly event: string;
  readonly at: number;
  readonly pid: number;
  readonly port?: number;
  readonly address?: string;
  readonly keepAliveTimeout?: number;
  readonly listeners?: Readonly<Record<string, number>>;
  readonly phase?: string;
  readonly signal?: string;
  readonly code?: number;
  /** Calendar time, as `at`. */
  readonly startedAt?: number;
  readonly answered?: number;
  readonly report?: unknown;
}

/** What is loaded into the replicas. In a checkout that is not built there is none, and replicas would not start. */
const observerPath = fileURLToPath(new URL('./observer.cjs', import.meta.url));

/** Tells the observer where to write to. All that a replica starts inherits it. */
const variable = 'NESTJS_DRAIN_OBSERVER';

function temporaryFolder(): string {
  try {
    return mkdtempSync(join(tmpdir(), 'nestjs-drain-drill-'));
  } catch (error) {
    throw new BadInputError(
      `${tmpdir()} cannot be written (${(error as NodeJS.ErrnoException).code}): name another folder in TMPDIR.`,
      { cause: error },
    );
  }
}

/** The files the observer writes to, one for each replica. */
export class ObservationFiles {
  readonly folder = temporaryFolder();

  constructor() {
    endMarkedWithThisProcess(this.mark);
  }

  /** What a replica needs in its environment to be observed. */
  environmentOf(replica: string): Record<string, string> {
    const quoted = `"${observerPath.replace(/[\\"]/g, '\\$&')}"`;
    return {
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require ${quoted}`.trimStart(),
      [variable]: this.fileOf(replica),
    };
  }

  lines(replica: string): readonly Line[] {
    return readLines(this.fileOf(replica));
  }

  read(replica: string, port: number): Observations {
    return observationsOf(this.lines(replica), port);
  }

  /** Ends every process of a replica, or of all, wherever it has gone, and resolves to those that were left. */
  endMarked(replica?: string): Promise<Marked[]> {
    return endMarked(replica === undefined ? this.mark : `${variable}=${this.fileOf(replica)}`);
  }

  remove(): void {
    endMarkedWithThisProcess(undefined);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private get mark(): string {
    return `${variable}=${this.folder}/`;
  }

  private fileOf(replica: string): string {
    return join(this.folder, `${replica}.jsonl`);
  }
}

export const nothingObserved: Observations = { otherPorts: [], phases: [], listenerExited: false, signalsSeen: [] };

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
    signalsSeen: lines
      .filter(({ event, pid }) => event === 'signal' && pid === own?.pid)
      .map(({ signal = '' }) => signal),
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

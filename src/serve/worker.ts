import { type ConnectionHandle } from './insides.js';
import { type Manner } from './protocol.js';
import { type Release } from './release.js';

/** Where a worker stands. It goes forward only. */
export type WorkerPhase = 'starting' | 'ready' | 'serving' | 'retiring' | 'gone';

/** Whoever may be given connections. */
export interface Taker {
  /** How many it has been offered, and has not taken yet. */
  readonly pending: number;
  /** Offers a connection. Calls back once: it is this one's, or whoever else's. */
  offer(key: string, client: ConnectionHandle, settled: (isTaken: boolean) => void): void;
}

/** One process of the application, as the sequence of a reload meets it. */
export interface Worker extends Taker {
  /** Its place, from 1. */
  readonly place: number;
  readonly release: Release;
  readonly pid: number | undefined;
  readonly phase: WorkerPhase;
  /** Since when it is there; by the clock, ms. */
  readonly startedAt: number;
  /** What it holds in memory, as it said last, bytes. */
  readonly rss: number;
  /** Resolves when it is ready to serve. Stays pending when it never is. */
  readonly ready: Promise<void>;
  /** Resolves when the process has ended, with how it did, and why where it was killed. Never rejects. */
  readonly gone: Promise<string>;
  /** Resolves when it is heard of next. Stays pending when its event loop does not turn any more. */
  heard(): Promise<void>;
  /** What it has been waiting for, when it is not ready. */
  readonly standing: string;
  /** Lets clients reach it: it serves as soon as they do. Resolves then, or when they never will. Never rejects. */
  serve(): Promise<void>;
  /** It takes leave of its clients, and ends; it is killed when it has not ended within the grace period. */
  retire(manner: Manner, signal?: NodeJS.Signals): void;
  /** Ends it at once, with all that it has started. */
  kill(why: string): void;
}

export type StartWorker = (release: Release, place: number) => Worker;

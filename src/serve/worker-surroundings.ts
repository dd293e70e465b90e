import { type Clock } from '../sequence/clock.js';
import { type ListeningSockets } from './listening-sockets.js';
import { type Readiness } from './readiness-check.js';

/** What a worker meets of its group. */
export interface WorkerSurroundings {
  readonly clock: Clock;
  readonly sockets: ListeningSockets;
  readonly readiness: Readiness;
  readonly graceMs: number;
  /** For sessions of TLS, which any worker resumes. */
  readonly ticketKeys: string;
  readonly say: (line: string) => void;
}

import { isReplacedAsAWhole } from './platforms.js';
import { type SharedSocket } from './shared-socket.js';
import { supervisedWorker } from './supervised-worker.js';

/**
 * Tells whether others accept from the same socket, and go on when this process ends: then it gives up the socket at
 * once, and the machine stays ready.
 */
export class Handover {
  private isTakenOut = false;

  constructor(
    private readonly socket: SharedSocket | undefined,
    private readonly environment: NodeJS.ProcessEnv,
    private readonly supervised = supervisedWorker(),
  ) {}

  get isDue(): boolean {
    if (this.socket === undefined) return false;
    if (this.socket === 'supervisor') return !this.supervised?.isGroupStopping;
    return this.isTakenOut || !isReplacedAsAWhole(this.environment);
  }

  /** The primary process takes this one out, and it alone: its siblings go on. */
  takenOut(): void {
    this.isTakenOut = true;
  }
}

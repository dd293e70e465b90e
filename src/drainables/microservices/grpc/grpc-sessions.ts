import { type Http2Server, type ServerHttp2Session } from 'node:http2';
import { type Clock, delay } from '../../../sequence/clock.js';
import { Progress } from '../../shared/progress.js';
import { nextPoll, onceBacklogIsEmpty } from '../../shared/turns.js';

/**
 * How long a client gets to close its end, ms, when everything has been handed to the kernel. One that has vanished
 * never does.
 */
const lingerMs = 50;

/** The sessions of the servers of HTTP/2 beneath a server of gRPC. */
export class GrpcSessions {
  private readonly servers = new Set<Http2Server>();
  private readonly open = new Set<ServerHttp2Session>();
  private readonly progress = new Progress();
  private streams = 0;
  private isClosing = false;

  constructor(private readonly clock: Clock) {}

  /** Reports whether any server is known. */
  get areSeen(): boolean {
    return this.servers.size > 0;
  }

  meet(servers: ReadonlyMap<Http2Server, readonly ServerHttp2Session[]>): void {
    for (const [server, sessions] of servers) {
      if (this.servers.has(server)) continue;
      this.servers.add(server);
      for (const session of sessions) this.opened(session);
      // After grpc-js, which would find it closed.
      server.on('session', (session) => this.opened(session));
      server.on('stream', (stream) => {
        this.streams++;
        stream.once('close', () => {
          this.streams--;
          this.progress.made();
        });
      });
    }
  }

  /** Resolves when every connection that waits to be accepted has a session: closing the listener would reset it. */
  async accepted(deadline: AbortSignal): Promise<void> {
    await Promise.all(
      [...this.servers].map((server) => onceBacklogIsEmpty(server, this.clock, () => undefined, deadline)),
    );
  }

  /**
   * A session that is still made from here on, of a TLS handshake that has just ended, is closed before its first call:
   * its client knows that none was executed.
   */
  closeLate(): void {
    this.isClosing = true;
  }

  /** Resolves when everything has left on sessions that are being closed, or at the deadline. */
  async ended(deadline: AbortSignal): Promise<void> {
    await this.progress.until(() => this.streams === 0, deadline);
    // Node destroys a session that is being closed when all has been written: not in the turn of its last stream.
    await nextPoll();
    await this.progress.until(() => [...this.open].every(({ destroyed }) => destroyed), deadline);
    const over = new AbortController();
    const closed = this.progress.until(() => this.open.size === 0, AbortSignal.any([deadline, over.signal]));
    await Promise.race([closed, delay(this.clock, lingerMs, AbortSignal.any([deadline, over.signal]))]);
    over.abort();
  }

  private opened(session: ServerHttp2Session): void {
    this.open.add(session);
    session.once('close', () => {
      this.open.delete(session);
      this.progress.made();
    });
    if (this.isClosing) session.close();
  }
}

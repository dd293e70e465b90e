import { once, setMaxListeners } from 'node:events';
import WebSocket from 'ws';
import { sleep } from '../../../../packages/tools/src/drill/timing.js';
import { type KindOfClients } from './kind-of-clients.js';
import { Tally } from './tally.js';

export interface SocketClientsOptions {
  readonly kind: string;
  readonly url: string;
  readonly clients: number;
  /** Between two messages of one client, which does not wait for the replies. */
  readonly periodMs: number;
}

/** A message that was sent and has no reply yet. */
interface Pending {
  readonly id: string;
  readonly ms: number;
  /** When it was sent first. */
  readonly sentAt: number;
  /** Its place among the messages of its connection. */
  readonly place: number;
}

/** The code of a server that is going away. */
const goingAway = 1001;
const normal = 1000;
/** After a failure, so that clients of an application that has gone do not spin. */
const afterFailureMs = 50;
/** A message without a reply for this long has failed. */
const replyTimeoutMs = 20_000;
/** What a handler takes: anything up to this. */
const slowestHandlerMs = 300;

/**
 * WebSocket clients that send numbered messages and have to get one reply to each. They may be sent away with 1001
 * alone, and come back at once. Messages that had no reply then crossed the close frame on the wire: they are sent
 * again, on the new connection, under the same number.
 *
 * Whether that was right only the ledgers of the replicas can tell: see `settleWith()`.
 */
export class SocketClients implements KindOfClients {
  readonly tallies: readonly [Tally];
  private readonly stopping = new AbortController();
  private readonly answered = new Map<string, number>();
  private readonly sent = new Set<string>();
  private running: readonly Promise<void>[] = [];

  constructor(private readonly options: SocketClientsOptions) {
    this.tallies = [new Tally(options.kind)];
    setMaxListeners(0, this.stopping.signal);
  }

  start(): void {
    this.running = Array.from({ length: this.options.clients }, (_, client) => this.runOne(client));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running);
  }

  /**
   * Compares with what the replicas have written down: every message has to have been executed once. One that was
   * executed twice was sent again although its handler had started, so the reply of that was lost.
   */
  settleWith(ledger: string): void {
    const [tally] = this.tallies;
    const started = new Map<string, number>();
    const ended = new Set<string>();
    for (const line of ledger.split('\n')) {
      const [what, id] = line.split(' ');
      if (!id) continue;
      if (what === 'started') started.set(id, (started.get(id) ?? 0) + 1);
      else ended.add(id);
    }
    for (const id of this.sent) {
      const times = started.get(id) ?? 0;
      if (times > 1) tally.failed('executed-twice', id);
      else if (times === 1 && !ended.has(id)) tally.failed('not-ended', id);
      else if (times === 1 && !this.answered.has(id)) tally.failed('reply-lost', id);
      else if (times === 0 && this.answered.has(id)) tally.failed('not-in-the-ledger', id);
    }
    for (const [id, times] of this.answered) if (times > 1) tally.failed('answered-twice', id);
  }

  private async runOne(client: number): Promise<void> {
    const [tally] = this.tallies;
    const pending = new Map<string, Pending>();
    let number = 0;
    const next = (): Pending => ({
      id: `${client}-${++number}`,
      ms: (number * 37) % slowestHandlerMs,
      sentAt: performance.now(),
      place: 0,
    });
    while (!this.stopping.signal.aborted || pending.size > 0) {
      const code = await this.connection(pending, next);
      if (code === normal) return;
      if (code === goingAway) {
        tally.note('told to leave');
        continue;
      }
      tally.failed(typeof code === 'number' ? `closed-${code}` : 'handshake', String(code));
      // Without an end of its own, a roll of an application that has gone would have none.
      if (this.stopping.signal.aborted) return;
      await sleep(afterFailureMs, this.stopping.signal);
    }
  }

  /** One connection; resolves to the code with which it was closed, or to why there was none. */
  private async connection(pending: Map<string, Pending>, next: () => Pending): Promise<number | string> {
    const [tally] = this.tallies;
    const { signal } = this.stopping;
    const socket = new WebSocket(this.options.url.replace(/^http/, 'ws'), { rejectUnauthorized: false });
    let trouble = '';
    socket.on('error', ({ message }) => (trouble = message));
    const closed = new Promise<number>((resolve) => socket.once('close', (code: number) => resolve(code)));
    const isOpen = await Promise.race([once(socket, 'open').then(() => true), closed.then(() => false)]).catch(
      () => false,
    );
    if (!isOpen) return (await closed) && `no connection: ${trouble}`;
    tally.note('connections');

    let places = 0;
    let lastAnswered = 0;
    let isWanted = true;
    const put = (message: Pending): void => {
      this.sent.add(message.id);
      pending.set(message.id, { ...message, place: ++places });
      const { id, ms } = message;
      socket.send(JSON.stringify({ event: 'echo', data: { id, ms } }));
    };
    const leaveWhenDone = (): void => {
      if (signal.aborted && pending.size === 0 && isWanted) {
        isWanted = false;
        socket.close(normal);
      }
    };
    socket.on('message', (data: Buffer) => {
      const { data: id } = JSON.parse(data.toString('utf8')) as { data: string };
      this.answered.set(id, (this.answered.get(id) ?? 0) + 1);
      const message = pending.get(id);
      if (!message) return;
      pending.delete(id);
      lastAnswered = Math.max(lastAnswered, message.place);
      tally.right(performance.now() - message.sentAt);
      leaveWhenDone();
    });
    // Copied first: to send them again is to put them in once more.
    for (const message of [...pending.values()]) {
      tally.note('crossed the close frame, sent again');
      put(message);
    }
    const pace = setInterval(() => {
      const oldest = pending.values().next().value;
      if (oldest && performance.now() - oldest.sentAt > replyTimeoutMs) {
        pending.delete(oldest.id);
        tally.failed('timed-out', oldest.id);
      }
      if (socket.readyState === WebSocket.OPEN && !signal.aborted) put(next());
      else leaveWhenDone();
    }, this.options.periodMs);
    signal.addEventListener('abort', leaveWhenDone);
    const code = await closed;
    clearInterval(pace);
    signal.removeEventListener('abort', leaveWhenDone);
    // Handlers start in the order of their messages: one that was sent before another that was answered had arrived,
    // and did not cross the close frame.
    for (const { id, place } of pending.values()) if (place < lastAnswered) tally.failed('ignored', id);
    return isWanted ? code : normal;
  }
}

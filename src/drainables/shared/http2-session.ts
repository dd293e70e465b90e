import { type ServerHttp2Session } from 'node:http2';
import { type Socket } from 'node:net';
import { afterAndPoll, type Clock, type ClockTimer } from '../../sequence/clock.js';
import { lastStreamId, shutdownNotice } from './http2-frames.js';
import { setImmediate } from '../../sequence/timers.js';

/** A session is told within this long, whatever its client does, ms. */
const calmMs = 100;
/**
 * A client that has connected gets this long to say its first word, ms: as long as an idle connection of HTTP/1.1 may
 * linger.
 */
const lingerMs = 50;
/** A client gets this long to acknowledge the notice, ms. Some never do. */
const noticeMs = 1_000;
/** A session without a stream, which has said its last, gets this long to close by itself, ms. */
const closeMs = 1_000;

/** Whoever keeps sessions hears of what becomes of them. */
export interface SessionOwner {
  /** It has said its last. Streams may be open. */
  saidLast?(): void;
  /** It has said its last, and no stream is open. */
  ended?(session: Session): void;
  /** Its socket has closed. */
  closed(session: Session): void;
}

/**
 * One HTTP/2 session, and its leaving.
 *
 * Node gives a GOAWAY of ours no grace: once one is out, whichever stream it names, nghttp2 ignores streams that arrive
 * later, in silence. So where the client is told by Node's own means, the notice and the last word follow each other at
 * once, and a stream that crosses them on the wire is refused: its client knows from the last word that it was not
 * executed, and may send it again.
 *
 * So a busy session is told when as many streams are open as it ever had: its client then waits for an answer, where it
 * would otherwise send the next request. Few streams cross the telling.
 *
 * Over cleartext there is a way to serve each of them. The notice is written to the socket beside Node, which knows
 * nothing of it and goes on accepting streams; a ping behind it comes back when the client has read it; then Node says
 * the last word. Node writes whole frames at a time and libuv keeps writes in order, so the notice never lands inside
 * of a frame. Over TLS the same write would trip an assertion in Node and abort the process.
 *
 * A session whose client has not said its first word is never closed by Node's own means: `close()` before the preface
 * has been read corrupts Node's heap once in some hundred times, and ends the process (20.20). Its client gets a moment
 * to speak; then a GOAWAY alone goes out, and the session is destroyed a second later: behind it Node reads nothing any
 * more, not even that the client has left.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9113#section-6.8
 */
export class Session {
  /** It has opened while draining, and all of its streams are late. */
  isLate = false;
  private state: 'serving' | 'leaving' | 'told' = 'serving';
  private streams = 0;
  private mostStreams = 0;
  /** When it has opened, or its last stream has ended. */
  private restsSince: number;
  /** Its client's preface has been read. */
  private hasSpoken = false;
  private timer?: ClockTimer;

  constructor(
    readonly session: ServerHttp2Session,
    private readonly socket: Socket,
    readonly openedAt: number,
    private readonly clock: Clock,
    private readonly owner: SessionOwner,
  ) {
    this.restsSince = openedAt;
    session.once('remoteSettings', () => this.spoke());
    session.once('close', () => {
      this.timer?.cancel();
      owner.ended?.(this);
      owner.closed(this);
    });
  }

  /**
   * Tells the client to leave. What is open finishes; then the session closes.
   *
   * Never inside of the server's `'session'` event: streams that came with the first bytes would get no answer.
   */
  leave(): void {
    if (this.isLeaving || this.session.destroyed) return;
    this.state = 'leaving';
    if (!this.hasSpoken) this.awaitFirstWord();
    else if (this.isCalm) this.tell();
    else this.timer = this.clock.after(calmMs, () => this.tell());
  }

  /** Its client has not said its first word: the session must not be closed by Node's own means. */
  get isSilent(): boolean {
    return !this.hasSpoken;
  }

  /** Its client is being told to leave. */
  get isLeaving(): boolean {
    return this.state !== 'serving';
  }

  streamBegan(): void {
    this.hasSpoken = true;
    this.streams++;
    this.mostStreams = Math.max(this.mostStreams, this.streams);
    // Streams that came in one chunk with it are seen first.
    if (this.state === 'leaving' && this.isCalm) setImmediate(() => this.tell());
  }

  streamEnded(): void {
    this.streams--;
    this.restsSince = this.clock.now();
    if (this.session.closed) this.closeInTime();
  }

  /** Destroys it with all that is open. */
  destroy(): void {
    this.timer?.cancel();
    if (!this.session.destroyed) this.session.destroy();
    this.socket.destroy();
  }

  private awaitFirstWord(): void {
    const leftMs = this.openedAt + lingerMs - this.clock.now();
    if (leftMs <= 0) return this.dismiss();
    // Timers run before poll: a first word that has come while this process stood still is read first.
    this.timer = afterAndPoll(this.clock, leftMs, () => this.dismiss());
  }

  private spoke(): void {
    this.hasSpoken = true;
    // Streams that came in one chunk with its first word are seen first. And this runs inside of nghttp2, which a close
    // must not enter again.
    if (this.state === 'leaving') setImmediate(() => this.tell());
  }

  /**
   * Its client has not said a word: it reads the last one, which names no stream of its own, and may send everything
   * again.
   */
  private dismiss(): void {
    if (this.hasSpoken) return this.tell();
    if (this.state === 'told' || this.session.destroyed) return;
    this.state = 'told';
    this.session.goaway();
    this.closeInTime();
  }

  /**
   * Reports whether its client is not about to open a stream, as far as one can tell: it waits for its answers, or has
   * rested. One that has just connected is about to open its first.
   */
  private get isCalm(): boolean {
    if (this.streams > 0) return this.streams === this.mostStreams;
    return this.clock.now() - this.restsSince >= calmMs;
  }

  private tell(): void {
    if (this.state === 'told' || this.session.destroyed) return;
    this.state = 'told';
    this.timer?.cancel();
    // Whoever has closed it has told its client, which takes a second notice, with a higher stream, for an error.
    if (this.session.closed) return this.close();
    if (this.mayServeRaced && this.ping(() => setImmediate(() => this.close()))) {
      this.timer = this.clock.after(noticeMs, () => this.close());
      return;
    }
    this.session.goaway(0, lastStreamId);
    this.close();
  }

  /** Once it has had a stream its settings have gone out, and other frames may. */
  private get mayServeRaced(): boolean {
    return this.mostStreams > 0 && !('encrypted' in this.socket) && this.socket.writable;
  }

  /** Sends the notice and a ping behind it. Reports whether they are on their way: a dead session throws. */
  private ping(answered: () => void): boolean {
    try {
      this.socket.write(shutdownNotice());
      return this.session.ping(answered);
    } catch {
      return false;
    }
  }

  private close(): void {
    this.timer?.cancel();
    if (!this.session.closed) this.session.close();
    this.owner.saidLast?.();
    this.closeInTime();
  }

  /** A client that does not close its end would hold the server for ever. */
  private closeInTime(): void {
    if (this.streams > 0) return;
    this.owner.ended?.(this);
    if (this.socket.destroyed) return;
    this.timer?.cancel();
    this.timer = this.clock.after(closeMs, () => this.destroy());
  }
}

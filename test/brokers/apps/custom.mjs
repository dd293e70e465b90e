/**
 * A transport strategy of an application's own, and its client: messages and replies go over lists of Redis, of which
 * each is taken by one replica.
 */
import { ClientProxy, Server } from '@nestjs/microservices';
import { Redis } from 'ioredis';

/** How long a look at an empty list takes, s. */
const pollS = 0.05;

export class ListStrategy extends Server {
  isConsuming = true;

  /** `stops: false` leaves out what the module asks for. */
  constructor({ url, roll, server }) {
    super();
    this.list = roll;
    this.url = url;
    if (server?.stops === false) this.stopConsuming = undefined;
  }

  listen(callback) {
    this.taker = new Redis(this.url);
    this.writer = new Redis(this.url);
    this.consuming = consume(this.taker, this.list, this, (message) => this.handle(message));
    callback();
  }

  async handle({ id, pattern, data, replyTo }) {
    const context = {};
    if (id === undefined) return this.handleEvent(pattern, { pattern, data }, context);
    const reply = this.transformToObservable(await this.getHandlerByPattern(pattern)(data, context));
    // It is not awaited: that is what `flush()` is for.
    this.send(reply, (packet) => void this.writer.rpush(replyTo, JSON.stringify({ ...packet, id })));
  }

  stopConsuming() {
    this.isConsuming = false;
    return this.consuming;
  }

  /** Redis answers in order. */
  async flush() {
    await this.writer.ping();
  }

  close() {
    this.isConsuming = false;
    this.taker.disconnect();
    this.writer.disconnect();
  }
}

export class ListClient extends ClientProxy {
  isConsuming = true;
  nextId = 0;

  constructor({ url, roll }) {
    super();
    this.list = roll;
    this.replies = `${roll}-replies`;
    this.writer = new Redis(url);
    this.taker = new Redis(url);
    void consume(this.taker, this.replies, this, ({ id, ...packet }) => this.routingMap.get(id)?.(packet));
  }

  async connect() {}

  publish({ pattern, data }, callback) {
    const id = this.nextId++;
    this.routingMap.set(id, callback);
    void this.write({ id, pattern, data, replyTo: this.replies });
    return () => this.routingMap.delete(id);
  }

  dispatchEvent({ pattern, data }) {
    return this.write({ pattern, data });
  }

  write(message) {
    return this.writer.rpush(this.list, JSON.stringify(message));
  }

  close() {
    this.isConsuming = false;
    this.taker.disconnect();
    this.writer.disconnect();
  }
}

/** Takes one message after the other, for as long as its owner consumes. */
async function consume(taker, list, owner, handle) {
  while (owner.isConsuming) {
    const taken = await taker.blpop(list, pollS).catch(() => undefined);
    if (taken) void handle(JSON.parse(taken[1]));
  }
}

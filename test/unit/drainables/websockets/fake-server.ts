import { EventEmitter } from 'node:events';
import { type Farewell, type SocketServer } from '../../../../src/drainables/websockets/socket-server.js';

/** A client that does what a test tells it to. */
export class FakeClient extends EventEmitter {
  farewell?: Farewell;
  isGone = false;
  isTerminated = false;

  /** Its connection closes. */
  leave(): void {
    if (this.isGone) return;
    this.isGone = true;
    this.emit('gone');
  }
}

/** A server whose clients answer a close frame at once, unless they are told not to. */
export class FakeServer extends EventEmitter implements SocketServer<FakeClient> {
  readonly name = 'fake server /';
  readonly httpServer = undefined;
  readonly all = new Set<FakeClient>();
  areSilent = false;
  /** What every client is sending, until it is emitted as `over`. */
  receiving = false;

  connect(): FakeClient {
    const client = new FakeClient();
    this.all.add(client);
    client.once('gone', () => this.all.delete(client));
    this.emit('connection', client);
    return client;
  }

  clients(): Iterable<FakeClient> {
    return this.all;
  }

  get clientCount(): number {
    return this.all.size;
  }

  onConnection(connected: (client: FakeClient) => void): void {
    this.on('connection', connected);
  }

  onHandshake(): void {
    // Nothing of a fake is upgraded.
  }

  continues(): boolean {
    return false;
  }

  isHandshake(): boolean {
    return false;
  }

  isReceiving(_client: FakeClient, over: () => void): boolean {
    if (this.receiving) this.once('over', over);
    return this.receiving;
  }

  onGone(client: FakeClient, gone: () => void): void {
    client.once('gone', gone);
  }

  isGone(client: FakeClient): boolean {
    return client.isGone;
  }

  close(client: FakeClient, farewell: Farewell): void {
    if (client.farewell) throw new Error('It has been told before.');
    client.farewell = farewell;
    if (!this.areSilent) client.leave();
  }

  terminate(client: FakeClient): void {
    client.isTerminated = true;
    client.leave();
  }

  socketOf(): undefined {
    return undefined;
  }
}

import { EventEmitter } from 'node:events';
import { type MqttClient, type MqttPacket } from '../../../../../src/drainables/microservices/mqtt/mqtt-client.js';

/** What a client of `mqtt` has; the test says what the broker answers. */
export class FakeMqttClient extends EventEmitter implements MqttClient {
  connected = true;
  readonly options: { readonly clean?: boolean; resubscribe?: boolean };
  outgoing: Record<string, unknown> = {};
  readonly queue: { packet: MqttPacket }[] = [];
  destroyed = false;
  readonly stream = { destroy: () => (this.destroyed = true) };
  readonly sent: string[] = [];
  ended: string[] = [];
  confirmEnd?: () => void;
  readonly ends: boolean[] = [];
  /** Whether the broker, and the stream, end the connection. */
  endsAtOnce = true;

  constructor(clean = true) {
    super();
    this.options = { clean, resubscribe: true };
  }

  unsubscribe(topics: string[], callback: () => void): void {
    this.ended.push(...topics);
    this.confirmEnd = callback;
  }

  end(force: boolean, _: object, callback: () => void): void {
    this.ends.push(force);
    if (this.endsAtOnce) callback();
  }

  _sendPacket({ cmd }: MqttPacket): void {
    this.sent.push(cmd);
  }

  /** The broker has sent this; the client has seen to it when this resolves. */
  async receive(cmd: string, then: () => void = () => undefined): Promise<MqttPacket> {
    const packet = { cmd };
    this.emit('packetreceive', packet);
    then();
    await new Promise((resolve) => setImmediate(resolve));
    return packet;
  }
}

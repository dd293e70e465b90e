/** A packet that has been received. The client reads what it is to do from it after its listeners have seen it. */
export interface MqttPacket {
  cmd: string;
}

/** What a client of `mqtt` 5 has. */
export interface MqttClient {
  readonly connected: boolean;
  readonly options: { readonly clean?: boolean; resubscribe?: boolean };
  /** What waits to be confirmed: messages of QoS 1 and 2, subscriptions. */
  readonly outgoing: object;
  /** What waits for the connection to come back. */
  readonly queue: readonly { readonly packet: MqttPacket }[];
  readonly stream?: { destroy(): unknown };
  unsubscribe(topics: string[], callback: (error?: unknown) => void): unknown;
  /** Calls back at once when it has been called before. */
  end(force: boolean, options: object, callback: () => void): unknown;
  on(event: 'packetreceive', listener: (packet: MqttPacket) => void): unknown;
  on(event: 'connect', listener: () => void): unknown;
  once(event: 'close', listener: () => void): unknown;
  removeListener(event: string, listener: (packet: MqttPacket) => void): unknown;
  _sendPacket?(packet: { cmd: 'pingreq' }): unknown;
}

/**
 * Resolves when the broker has read everything that the client has sent, or at the deadline. A broker reads packets one
 * after the other, so the answer to a ping comes after all that was sent before: messages of QoS 0 have no other
 * confirmation. Of two pings the second answer counts, for the first may be that to a ping which keeps the connection.
 */
export function confirmed(client: MqttClient, deadline: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let answersMissing = 0;
    const ping = () => {
      answersMissing = client._sendPacket ? 2 : 0;
      for (let pings = 0; pings < 2; pings++) client._sendPacket?.({ cmd: 'pingreq' });
    };
    const look = () => {
      if (answersMissing <= 0 && Object.keys(client.outgoing).length === 0) end();
    };
    const received = ({ cmd }: MqttPacket) => {
      if (cmd === 'pingresp') answersMissing--;
      // The client has dealt with the packet by then.
      queueMicrotask(look);
    };
    const end = () => {
      client.removeListener('packetreceive', received);
      client.removeListener('connect', ping);
      deadline.removeEventListener('abort', end);
      resolve();
    };
    client.on('packetreceive', received);
    // What was sent over the connection before is not confirmed by pings over that one.
    client.on('connect', ping);
    deadline.addEventListener('abort', end, { once: true });
    if (client.connected) ping();
    else answersMissing = 2;
    if (deadline.aborted) end();
    else look();
  });
}

import { beforeEach, describe, expect, it } from '@jest/globals';
import { confirmed } from '../../../../../src/drainables/microservices/mqtt/mqtt-client.js';
import { settle } from '../../../../support/fake-clock.js';
import { FakeMqttClient } from './fake-client.js';

describe('The confirmation of what was sent over MQTT', () => {
  let client: FakeMqttClient;
  let deadline: AbortController;
  let isConfirmed: boolean;

  beforeEach(() => {
    client = new FakeMqttClient();
    deadline = new AbortController();
    isConfirmed = false;
  });

  async function wait(): Promise<void> {
    void confirmed(client, deadline.signal).then(() => (isConfirmed = true));
    await settle();
  }

  function expectNoListener(): void {
    expect(client.eventNames()).toEqual([]);
  }

  it('comes with the answer to the second ping: the first may belong to the keep-alive', async () => {
    await wait();
    expect(client.sent).toEqual(['pingreq', 'pingreq']);
    await client.receive('pingresp');
    expect(isConfirmed).toBe(false);
    await client.receive('pingresp');
    expect(isConfirmed).toBe(true);
    expectNoListener();
  });

  it('comes with the last acknowledgement, where messages ask for one', async () => {
    client.outgoing = { 7: {} };
    await wait();
    await client.receive('pingresp');
    await client.receive('pingresp');
    expect(isConfirmed).toBe(false);
    await client.receive('puback', () => (client.outgoing = {}));
    expect(isConfirmed).toBe(true);
  });

  it('is asked for again over the next connection', async () => {
    await wait();
    await client.receive('pingresp');
    client.emit('connect');
    expect(client.sent).toHaveLength(4);
    await client.receive('pingresp');
    expect(isConfirmed).toBe(false);
    await client.receive('pingresp');
    expect(isConfirmed).toBe(true);
  });

  it('waits for a connection', async () => {
    client.connected = false;
    await wait();
    expect(client.sent).toEqual([]);
    expect(isConfirmed).toBe(false);
    client.emit('connect');
    expect(client.sent).toHaveLength(2);
  });

  it('is that of the acknowledgements where the client cannot ping', async () => {
    client.outgoing = { 7: {} };
    Object.assign(client, { _sendPacket: undefined });
    await wait();
    await client.receive('puback', () => (client.outgoing = {}));
    expect(isConfirmed).toBe(true);
  });

  it('is there at once where nothing was sent, and the client cannot ping', async () => {
    Object.assign(client, { _sendPacket: undefined });
    await wait();
    expect(isConfirmed).toBe(true);
  });

  it('is not waited for when the deadline has passed', async () => {
    deadline.abort();
    await wait();
    expect(isConfirmed).toBe(true);
    expectNoListener();
  });

  it('is given up at the deadline', async () => {
    await wait();
    deadline.abort();
    await settle();
    expect(isConfirmed).toBe(true);
    expectNoListener();
  });
});

import { expect, it } from '@jest/globals';
import { describeWithBrokers, sharedBroker } from '../support/describe-with-brokers.js';
import { flawsOf, rollOnce } from '../support/message-load.js';
import { exitMs, expectOnlyTheBrokerFailed, midDrainMs, rollOver, rolls, setupOf } from './support/rolls.js';

const transport = 'mqtt';

describeWithBrokers('mosquitto', 'MQTT with $share', () => {
  it.each(rolls)('loses nothing at $load: $kind, $end', async (row) => {
    const result = await rollOnce({ transport, url: (await sharedBroker('mosquitto')).url, ...setupOf(row) });
    expect(flawsOf(result)).toEqual({});
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
  });
});

describeWithBrokers('mosquitto', 'MQTT with a session that stays (clean: false, QoS 1)', () => {
  it.each(rolls)('loses nothing at $load, resumed by the successor: $kind, $end', async (row) => {
    const { url } = await sharedBroker('mosquitto');
    const result = await rollOnce({ transport, persistent: true, url, ...setupOf(row) });
    expect(flawsOf(result)).toEqual({});
    expect(result.report?.clean).toBe(true);
    expect(result.awakeAfterLastHandlerMs).toBeLessThan(exitMs);
    expect(result.output).toContain('$share/<group>/<topic>');
  });
});

describeWithBrokers('mosquitto', 'MQTT that fails while draining', () => {
  it.each([false, true])('begins nothing new when the connection is lost (clean: false: %p)', async (persistent) => {
    const broker = await sharedBroker('mosquitto');
    const result = await rollOver(broker, { transport, persistent }, (wire) => wire.dropConnections(), {
      afterMs: midDrainMs,
    });
    expectOnlyTheBrokerFailed(result, 'MQTT');
  });

  it('ends by the deadline when it is down, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('mosquitto'), { transport }, (wire) => wire.goDown());
    expectOnlyTheBrokerFailed(result, 'MQTT');
  });

  it('is waited for until the deadline when it confirms nothing, and the report says so', async () => {
    const result = await rollOver(await sharedBroker('mosquitto'), { transport }, (wire) => wire.goSilent());
    expectOnlyTheBrokerFailed(result, 'MQTT');
    expect(result.report).toMatchObject({ outcome: 'timed-out' });
  });
});

import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { askStopTimeout, timeSpanMs, unitIn } from '../../../src/platform/stop-timeout.js';
import { FakeClock } from '../../support/fake-clock.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

describe('unitIn', () => {
  it.each([
    ['0::/system.slice/orders.service\n', { name: 'orders.service', isOfUser: false }],
    ['0::/system.slice/system-orders.slice/orders@2.service', { name: 'orders@2.service', isOfUser: false }],
    ['9:pids:/x\n1:name=systemd:/system.slice/orders.service/worker\n', { name: 'orders.service', isOfUser: false }],
    [
      '0::/user.slice/user-1000.slice/user@1000.service/app.slice/orders.service',
      { name: 'orders.service', isOfUser: true },
    ],
    ['0::/user.slice/user-1000.slice/user@1000.service/init.scope', { name: 'user@1000.service', isOfUser: false }],
    ['0::/user.slice/user-1000.slice/session-2.scope', undefined],
    ['4:memory:/system.slice/orders.service', undefined],
    ['', undefined],
  ])('finds in %j the unit %j', (controlGroups, unit) => {
    expect(unitIn(controlGroups)).toEqual(unit);
  });
});

describe('timeSpanMs', () => {
  it.each([
    ['1min 30s\n', 90_000],
    ['45s', 45_000],
    ['2h 1ms 500us', 7_200_001],
    ['infinity', 90_000],
    ['0', undefined],
    ['', undefined],
    ['1month', undefined],
    ['Failed to connect to bus', undefined],
  ])('reads %j as %p ms', (text, ms) => {
    expect(timeSpanMs(text)).toBe(ms);
  });
});

describe('askStopTimeout', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder();
  });

  /** A systemctl that runs this script. */
  const systemctl = (script: string): string => {
    const path = join(folder, 'systemctl');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const ask = (
    command: string,
    controlGroups: () => string = () => '0::/system.slice/orders.service',
    clock?: FakeClock,
  ) => new Promise<number | undefined>((answered) => askStopTimeout(answered, clock, controlGroups, command));

  it('asks for the TimeoutStopSec of the unit', async () => {
    const asked = '[ "$*" = "show --property=TimeoutStopUSec --value -- orders.service" ] && echo "1min 30s"';
    expect(await ask(systemctl(asked))).toBe(90_000);
  });

  it("asks a user's own service manager", async () => {
    const command = systemctl('[ "$1" = --user ] && echo 20s');
    expect(await ask(command, () => '0::/user.slice/user@1000.service/app.slice/orders.service')).toBe(20_000);
  });

  it.each(['exit 1', 'echo "Failed to connect to bus"', 'echo 0'])(
    'knows nothing when systemctl does: %s',
    async (script) => {
      expect(await ask(systemctl(script))).toBeUndefined();
    },
  );

  it('knows nothing without systemctl, without a unit, and without /proc', async () => {
    expect(await ask(join(folder, 'missing'))).toBeUndefined();
    expect(await ask(systemctl('echo 20s'), () => '0::/')).toBeUndefined();
    const noProc = () => {
      throw new Error('ENOENT');
    };
    expect(await ask(systemctl('echo 20s'), noProc)).toBeUndefined();
  });

  it('gives a systemctl up that does not answer', async () => {
    const clock = new FakeClock();
    const answer = ask(systemctl('exec sleep 60'), undefined, clock);
    await clock.advance(2_000);
    expect(await answer).toBeUndefined();
  });
});

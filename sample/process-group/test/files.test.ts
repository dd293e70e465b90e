import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from '@jest/globals';
import { endAll, Group, unitValue } from './support/group.js';

const sample = fileURLToPath(new URL('../', import.meta.url));
const read = (name: string) => readFileSync(join(sample, 'deploy', name), 'utf8');
const hasSystemd = spawnSync('systemd-analyze', ['--version']).status === 0;

afterEach(endAll);

describe('The units', () => {
  it('speak of one home, one control socket and one port', () => {
    expect(unitValue('ExecStart')).toContain('--control /srv/orders/control');
    expect(unitValue('ExecReload')).toContain('--control /srv/orders/control');
    expect(unitValue('Environment')).toContain('PORT=3000');
    expect(read('orders.socket')).toContain('ListenStream=3000');
    expect(read('deploy.sh')).toContain('home=${2:-/srv/orders}');
  });

  it('let systemd hear of the group, and workers drain whose supervisor is killed', () => {
    expect(unitValue('NotifyAccess')).toBe('all');
    expect(unitValue('KillMode')).toBe('process');
  });

  (hasSystemd ? it : it.skip)('are what systemd understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'units-'));
    try {
      // It looks whether the command and the user are there.
      const bin = join(folder, 'current/node_modules/.bin');
      mkdirSync(bin, { recursive: true });
      writeFileSync(join(bin, 'nestjs-drain'), '#!/bin/sh\n');
      chmodSync(join(bin, 'nestjs-drain'), 0o755);
      for (const name of ['orders.service', 'orders.socket']) {
        writeFileSync(join(folder, name), read(name).replaceAll('/srv/orders', folder).replace('User=orders\n', ''));
      }
      const files = ['orders.socket', 'orders.service'].map((name) => join(folder, name));
      const output = execFileSync('systemd-analyze', ['verify', ...files], { encoding: 'utf8', stdio: 'pipe' });
      expect(output).toBe('');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('deploy/Dockerfile', () => {
  it('starts what serves, and ends with 0 when it is stopped', async () => {
    const command = JSON.parse(/^CMD (.*)$/m.exec(read('Dockerfile'))![1]!) as string[];
    const group = new Group();
    await group.deploy();
    await group.runAs(command);
    expect(await group.serving()).toMatchObject({ releases: ['1'] });
    expect(await group.stop()).toBe(0);
  });
});

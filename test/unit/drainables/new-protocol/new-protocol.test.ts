import { describe, expect, it } from '@jest/globals';
import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GracefulShutdown, GracefulShutdownModule, type GracefulShutdownOptions } from '../../../../src/index.js';
import { RecordingDrainable } from './recording-drainable.js';

async function applicationWith(options: GracefulShutdownOptions): Promise<INestApplicationContext> {
  class AppModule {}
  Module({ imports: [GracefulShutdownModule.forRoot(options)] })(AppModule);
  return NestFactory.createApplicationContext(AppModule, { logger: false });
}

describe('A new protocol', () => {
  it('is a folder and one line of wiring', async () => {
    const app = await applicationWith({});
    const drainable = new RecordingDrainable();
    app.get(GracefulShutdown).register(drainable);
    await app.close();
    expect(drainable.steps).toEqual(['announce', 'drain', 'close']);
  });

  it('is cut, and named, when its work does not end', async () => {
    const app = await applicationWith({ drainTimeoutMs: 0 });
    const drainable = new RecordingDrainable();
    drainable.drain = () => new Promise(() => undefined);
    const shutdown = app.get(GracefulShutdown);
    shutdown.register(drainable);
    await app.close();
    expect(drainable.steps).toEqual(['announce', 'forceClose', 'close']);
    const { outcome, leftovers } = await shutdown.closed;
    expect(outcome).toBe('timed-out');
    expect(leftovers).toMatchObject([{ kind: 'drainable', name: 'recording' }]);
  });

  it('is not known to the sequence by name', () => {
    const protocols = readdirSync('src/drainables', { withFileTypes: true }).filter((each) => each.isDirectory());
    expect(protocols.length).toBeGreaterThan(2);
    for (const file of readdirSync('src/sequence')) {
      const imports = [...readFileSync(join('src/sequence', file), 'utf8').matchAll(/from '([^']+)'/g)];
      expect(imports.map(([, path]) => path!).filter((path) => path.includes('drainables/'))).toEqual([]);
    }
  });
});

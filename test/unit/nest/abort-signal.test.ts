import { describe, expect, it } from '@jest/globals';
import { Module } from '@nestjs/common';
import { NestApplicationContext, NestFactory } from '@nestjs/core';
import { leaveAbortToKernel } from '../../../src/nest/abort-signal.js';
import { recogniseListenersOf } from '../../../src/nest/insides/shutdown-hooks.js';

class AppModule {}
Module({})(AppModule);
recogniseListenersOf(NestApplicationContext);

describe('leaveAbortToKernel', () => {
  it("takes SIGABRT, and no other signal, from Nest's shutdown hooks, and from nobody else", async () => {
    const own = () => undefined;
    process.on('SIGABRT', own);
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    app.enableShutdownHooks();
    try {
      const listening = process.listenerCount('SIGTERM');
      expect(process.listenerCount('SIGABRT')).toBe(2);
      leaveAbortToKernel();
      expect(process.listeners('SIGABRT')).toEqual([own]);
      expect(process.listenerCount('SIGTERM')).toBe(listening);
    } finally {
      process.off('SIGABRT', own);
      await app.close();
    }
  });
});

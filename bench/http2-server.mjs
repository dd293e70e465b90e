/**
 * An HTTP/2 application for bench/http2.mjs: `node http2-server.mjs <cleartext|tls|mixed> <with|without> <ledger> <lame
 * duck, ms> <package>`, on a free port that it tells over IPC. Each handler writes the number of its stream to the
 * ledger when it begins.
 */
import 'reflect-metadata';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { Controller, Get, Module, Param } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';

const [flavour, manner, ledgerPath, lameDuckMs, packageEntry] = process.argv.slice(2);
const { GracefulShutdown, GracefulShutdownModule } = await import(packageEntry);
const ledger = openSync(ledgerPath, 'a');

class Streams {
  /** Takes up to 20 ms, by its number. */
  async answer(n) {
    writeSync(ledger, `${n}\n`);
    await new Promise((resolve) => setTimeout(resolve, (Number(n) * 7) % 20));
    return `answer ${n}`;
  }
}
Param('n')(Streams.prototype, 'answer', 0);
Get('streams/:n')(Streams.prototype, 'answer', Object.getOwnPropertyDescriptor(Streams.prototype, 'answer'));
Controller()(Streams);

const minMs = Number(lameDuckMs);
const drains = manner === 'with';
const lameDuck = minMs > 0 ? { minMs, quietMs: 0, maxMs: minMs } : false;
class Application {}
Module({ imports: drains ? [GracefulShutdownModule.forRoot({ lameDuck })] : [], controllers: [Streams] })(Application);

const https = flavour === 'cleartext' ? {} : { https: { ...certificate(), allowHTTP1: flavour === 'mixed' } };
const app = await NestFactory.create(Application, new FastifyAdapter({ http2: true, ...https }), {
  logger: ['error', 'fatal'],
});
app.enableShutdownHooks();
if (drains) void app.get(GracefulShutdown).closed.then((report) => process.send({ report }));
await app.listen(0, '127.0.0.1');
process.on('message', () => {
  globalThis.gc?.();
  process.send({ memory: process.memoryUsage() });
});
process.send({ port: app.getHttpServer().address().port });

function certificate() {
  return { key: readFileSync(process.env.BENCH_KEY), cert: readFileSync(process.env.BENCH_CERT) };
}

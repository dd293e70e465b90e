/**
 * The application that is rolled with all kinds of connections mixed: `node mixed.mjs <with|without>` nestjs-drain.
 * HTTP/1.1, HTTP/2, server-sent events, uploads, downloads and WebSockets, all on one port with TLS, which it chooses
 * itself.
 *
 * `PORT` is for the tools that roll it: in the clear, it passes probes of `/health` on, and tells the other port at
 * `/address`. `KEY` and `CERT` are in PEM; `LEDGER` is the file to which every message is written when its handler
 * starts and when it ends.
 *
 * nestjs-drain has its default options. What the shutdown tells is printed as lines of JSON, for the test to read.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { WsAdapter } from '@nestjs/platform-ws';
import { TerminusModule } from '@nestjs/terminus';
import { GracefulShutdown, GracefulShutdownModule } from 'nestjs-drain';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { Database } from './database.mjs';
import { EchoGateway } from './echo.mjs';
import { EventsController } from './events.mjs';
import { FilesController } from './files.mjs';
import { DrainingHealthController, PlainHealthController } from './health.mjs';

const { PORT, KEY: key, CERT: cert } = process.env;
const drains = process.argv[2] === 'with';

class AppModule {}
Module({
  // Without its own logger: it would write a stack trace for every probe that fails.
  imports: [TerminusModule.forRoot({ logger: false }), ...(drains ? [GracefulShutdownModule.forRoot()] : [])],
  controllers: [FilesController, EventsController, drains ? DrainingHealthController : PlainHealthController],
  providers: [Database, EchoGateway],
})(AppModule);

const adapter = new FastifyAdapter({ http2: true, https: { allowHTTP1: true, key, cert }, bodyLimit: 2 ** 30 });
const asStream = (_request, payload, done) => done(null, payload);
adapter.getInstance().addContentTypeParser('application/octet-stream', asStream);
const app = await NestFactory.create(AppModule, adapter, { logger: ['warn', 'error', 'fatal'] });
app.useWebSocketAdapter(new WsAdapter(app));
app.enableShutdownHooks();
const server = app.getHttpServer();
// Above what the balancers keep an idle connection for, or Node would close it under them.
server.keepAliveTimeout = 75_000;
server.headersTimeout = 76_000;
if (drains) {
  app.get(GracefulShutdown).events.subscribe((event) => {
    if (event.type === 'report') console.log(JSON.stringify({ report: event.report }));
  });
}
await app.listen(0, '127.0.0.1');
const { port } = server.address();

createServer(({ url, method }, answer) => {
  if (url === '/address') return answer.end(String(port));
  const probe = request({ host: '127.0.0.1', port, path: url, method, agent: false, rejectUnauthorized: false });
  probe.on('response', (told) => {
    answer.writeHead(told.statusCode);
    told.pipe(answer);
  });
  probe.on('error', () => answer.destroy());
  probe.end();
})
  .listen(Number(PORT), '127.0.0.1')
  .unref();

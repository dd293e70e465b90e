/**
 * An HTTP application with a database, requests that last as long as their test wants, and whatever bad habits its
 * settings give it.
 */
import { Controller, Get, HttpCode, Logger, Post, Res } from '@nestjs/common';
import { GracefulShutdown, OnShutdown, ReadinessHealthIndicator } from 'nestjs-drain';
import { existsSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { create, decorate, enableHooks, follow, injectable, listen, settings, tell, told } from './kit.mjs';

const never = new Promise(() => undefined);

class Database {
  isOpen = true;
  async onModuleInit() {
    if (!settings.slowStart) return;
    // A connection on its way keeps the process alive.
    const connecting = setInterval(() => undefined, 1_000);
    tell('initialising');
    await told('initialise');
    clearInterval(connecting);
  }
  onApplicationBootstrap() {
    tell('bootstrapped');
  }
  async onModuleDestroy() {
    tell('destroyed');
    this.isOpen = false;
    if (settings.logsOnDestroy) new Logger('Database').log('destroyed');
    if (settings.destroy === 'hangs') await never;
  }
}
injectable(Database);

class OrdersController {
  constructor(database) {
    this.database = database;
  }
  list() {
    return { isOpen: this.database.isOpen };
  }
  async held() {
    tell('held');
    await told('release');
    return { isOpen: this.database.isOpen, rest: 'x'.repeat(64 * 1024) };
  }
  hanging() {
    tell('held');
    return never;
  }
  /** The event loop hangs. */
  looping() {
    tell('looping');
    while (Date.now() > 0);
  }
  uploaded() {
    return {};
  }
  streaming(response) {
    const raw = response.raw ?? response;
    raw.writeHead(200, { 'Content-Type': 'text/event-stream' });
    const timer = setInterval(() => raw.write('data: more\n\n'), 10);
    raw.on('close', () => clearInterval(timer));
    tell('held');
  }
}
Controller()(injectable(OrdersController, Database));
decorate(OrdersController, 'list', Get('orders'));
decorate(OrdersController, 'held', Get('held'));
decorate(OrdersController, 'hanging', Get('hanging'));
decorate(OrdersController, 'looping', Get('looping'));
decorate(OrdersController, 'uploaded', Post('upload'), HttpCode(200));
decorate(OrdersController, 'streaming', Get('stream'));
Res()(OrdersController.prototype, 'streaming', 0);

class HealthController {
  constructor(readiness) {
    this.readiness = readiness;
  }
  async ready(response) {
    const { ready } = await this.readiness.isReady('ready');
    tell('probed', ready);
    response.status(ready.status === 'up' ? 200 : 503);
    return ready;
  }
}
Controller('health')(injectable(HealthController, ReadinessHealthIndicator));
decorate(HealthController, 'ready', Get('ready'));
Res({ passthrough: true })(HealthController.prototype, 'ready', 0);

/** One hook a phase, each of which tells what it is given; the last does as the settings say. */
class Hooks {
  lameDuck(context) {
    tellContext(context);
  }
  draining(context) {
    tellContext(context);
  }
  async releasing(context) {
    tellContext(context);
    if (settings.hook === 'rejects') throw new Error('the queue did not answer');
    if (settings.hook === 'waits') await told('unhook');
  }
}
injectable(Hooks);
decorate(Hooks, 'lameDuck', OnShutdown('lame-duck'));
decorate(Hooks, 'draining', OnShutdown('draining'));
decorate(Hooks, 'releasing', OnShutdown('releasing'));

function tellContext({ phase, reason, signal, deadline, remainingMs }) {
  tell('hook', { phase, reason, signal, isAborted: deadline.aborted, remainingMs: remainingMs() });
}

/** As winston does: lines that come when its stream has ended are dropped. */
class ClosedLogger {
  stream = new PassThrough();
  onApplicationShutdown() {
    this.stream.end();
  }
}
for (const level of ['log', 'warn', 'error', 'debug']) {
  ClosedLogger.prototype[level] = function (line) {
    if (!this.stream.writableEnded) console.log(line);
  };
}

const isDrained = settings.drain !== false;
const app = await create({
  controllers: [OrdersController, ...(isDrained ? [HealthController] : [])],
  providers: [Database, ...(isDrained ? [Hooks] : []), ...(settings.logger === 'closed' ? [ClosedLogger] : [])],
});
if (settings.logger === 'closed') app.useLogger(app.get(ClosedLogger));
enableHooks(app);
follow(app);
if (settings.standsStillUntil)
  app.get(GracefulShutdown).events.subscribe(({ phase }) => phase === 'draining' && standStill());
if (settings.timer) setInterval(() => undefined, 1_000_000);
if (settings.listener === 'leftover') process.on('SIGTERM', () => tell('leftover listener'));
if (settings.listener === 'closes')
  process.on('SIGTERM', () => void app.close().then(() => tell('app.close() resolved')));
if (settings.listener === 'closes and goes on') {
  process.on('SIGTERM', async () => {
    await app.close();
    // It flushes its traces, which takes longer than Nest's closing signal.
    setTimeout(() => process.exit(7), 700);
  });
}
if (settings.listener === 'signals itself') {
  // As another Nest application does, without the module, when it has closed.
  process.once('SIGINT', () => void told('signal yourself').then(() => process.kill(process.pid, 'SIGINT')));
}
if (settings.listener === 'exits') {
  process.on('SIGTERM', function stopTelemetry() {
    void told('exit').then(() => process.exit(0));
  });
}
if (settings.listener === 'SIGWINCH') process.on('SIGWINCH', () => tell('SIGWINCH'));
if (settings.listener === 'signal-exit') listenAsSignalExitDoes();
if (settings.upgrades) {
  app.getHttpServer().on('upgrade', (request, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n');
    socket.on('error', () => undefined);
    tell('held');
  });
}
void told('look').then(() => tell('still here', { listeners: process.listenerCount('SIGTERM') }));
void told('close').then(async () => {
  await app.close();
  tell('app.close() resolved');
});
if (settings.crashing) {
  process.on('uncaughtException', () => void app.get(GracefulShutdown).shutdown('a crash', settings.crashing));
}
void told('crash').then(() => setImmediate(() => fail(settings.exitCode)));
void told('shutdown').then(async () => {
  tell('shutdown() resolved', { outcome: await app.get(GracefulShutdown).shutdown('a deployment') });
});
await listen(app);
if (settings.closesAtOnce) await app.close();
// Armed after that of the startup checks, and due no earlier: it fires after it.
if (settings.tellsChecked) setTimeout(() => tell('checked'), 1_000);

/** For longer than one keystroke, and until a file is there. */
function standStill() {
  tell('standing still');
  const until = Date.now() + 600;
  while (Date.now() < until || !existsSync(settings.standsStillUntil));
}

function fail(exitCode) {
  process.exitCode = exitCode;
  throw new Error('a crash');
}

/** signal-exit (4.1, `src/index.ts`) ends the process when nobody but its own copies listens. */
function listenAsSignalExitDoes() {
  const emitter = (process[Symbol.for('signal-exit emitter')] ??= { count: 0 });
  emitter.count++;
  process.on('SIGTERM', function listener() {
    if (process.listeners('SIGTERM').length !== emitter.count) return;
    process.off('SIGTERM', listener);
    process.kill(process.pid, 'SIGTERM');
  });
}

/**
 * What the applications of the process suite share. They run as they are, on any Node: decorators are called as
 * functions. An application tells its test what happens on file descriptor 3, a line of JSON each, and is told what to
 * do on descriptor 4, a word a line. Its settings are its first argument, as JSON.
 */
import 'reflect-metadata';
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { GracefulShutdown, GracefulShutdownModule } from 'nestjs-drain';

export const settings = JSON.parse(process.argv[2] ?? '{}');

/** Written at once: nothing of it is lost when the process ends. */
export function tell(event, data = {}) {
  writeSync(3, `${JSON.stringify({ event, ...data })}\n`);
}

/** Has the time in which the machine let this process stand still told from that in which it waited. */
export function tellWhenAwake() {
  setInterval(() => tell('awake', { at: Date.now() }), 20).unref();
}

let orders;

/** Resolves when the test says `word`. Does not keep the process alive. */
export function told(word) {
  return new Promise((resolve) => {
    if (!orders) {
      const pipe = new Socket({ fd: 4, readable: true, writable: false }).unref();
      orders = createInterface({ input: pipe }).setMaxListeners(0);
    }
    orders.on('line', (line) => line === word && resolve());
  });
}

/** Puts decorators on a method. */
export function decorate(target, method, ...decorators) {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, method);
  for (const decorator of decorators) decorator(target.prototype, method, descriptor);
  Object.defineProperty(target.prototype, method, descriptor);
}

/** Makes a provider of a class whose constructor takes `tokens`. */
export function injectable(target, ...tokens) {
  Injectable()(target);
  tokens.forEach((token, index) => Inject(token)(target, undefined, index));
  return target;
}

export function moduleOf(metadata) {
  class AppModule {}
  Module({ ...metadata, imports: [...drainModule(), ...(metadata.imports ?? [])] })(AppModule);
  return AppModule;
}

/** `settings.drain` is what `forRoot()` is given; `false` leaves the module out, for controls. */
function drainModule() {
  return settings.drain === false ? [] : [GracefulShutdownModule.forRoot(settings.drain)];
}

/** An HTTP application on `settings.framework`, not yet listening. */
export async function create(metadata) {
  const module = moduleOf(metadata);
  if (settings.framework !== 'fastify') return NestFactory.create(module);
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  return NestFactory.create(module, new FastifyAdapter());
}

/** `settings.hooks`: what `enableShutdownHooks()` is given, or `false` to leave it out. */
export function enableHooks(app) {
  if (settings.hooks !== false) app.enableShutdownHooks([], settings.hooks ?? {});
}

/** Tells of every phase, and the report. */
export function follow(app, name) {
  if (settings.drain === false) return;
  const shutdown = app.get(GracefulShutdown);
  shutdown.events.subscribe((event) => event.type === 'phase' && tell('phase', { name, phase: event.phase }));
  void shutdown.closed.then((report) => tell('report', { name, report }));
}

export async function listen(app, name) {
  await app.listen(0, '127.0.0.1');
  tell('started', { name, port: app.getHttpServer().address().port });
}

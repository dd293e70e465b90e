/**
 * Loaded into the replicas of a drill before anything of theirs (`node --require`), hence CommonJS. It tells what can
 * only be seen from inside, as lines of JSON in the file that `NESTJS_DRAIN_OBSERVER` names: who listens, how it is set
 * up, how many requests each process has answered, which signals came, the phases and the report of nestjs-drain where
 * it is there, and the end. It listens to nothing that would change how the process behaves, and fails in silence.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import { Server } from 'node:net';

const file = process.env.NESTJS_DRAIN_OBSERVER;
/** A server that is not there after this many looks is not looked for any more. */
const looks = 240;
const lookMs = 250;
const signals: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP', 'SIGUSR2'];

let answered = 0;
let answeredTold = 0;

if (file) {
  for (const phase of ['lame-duck', 'draining', 'releasing', 'closed']) {
    subscribe(`nestjs-drain:${phase}`, () => tell('phase', { phase }));
  }
  subscribe('nestjs-drain:report', (event) => tell('report', { report: (event as { report: unknown }).report }));
  tell('started', { startedAt: performance.timeOrigin, parent: process.ppid });
  tellSignals();
  subscribe('http.server.response.finish', () => void answered++);
  process.on('exit', (code) => {
    tellAnswered();
    tell('exit', { code });
  });
  lookForListener();
}

function tell(event: string, facts: object): void {
  try {
    const at = performance.timeOrigin + performance.now();
    appendFileSync(file!, `${JSON.stringify({ event, at, pid: process.pid, ...facts })}\n`);
  } catch {
    // What is not told is missing from the result, and costs the application nothing.
  }
}

/** A listener of its own would keep a signal from ending the process: what is emitted to others is watched instead. */
function tellSignals(): void {
  const emit = process.emit.bind(process) as (...all: unknown[]) => boolean;
  process.emit = ((...args: readonly [name: string]) => {
    const [name] = args;
    if (signals.includes(name) || (name === 'message' && isShutdown(args))) tell('signal', { signal: name });
    return emit(...args);
  }) as typeof process.emit;
}

/** PM2 may be told to send this instead of a signal. */
function isShutdown(args: readonly unknown[]): boolean {
  return args[1] === 'shutdown';
}

function tellAnswered(): void {
  if (answered > answeredTold) tell('answered', { answered });
  answeredTold = answered;
}

/**
 * Who answers the first request, or listens at all. Listeners for signals may still be added after `listen()`: each
 * look tells them anew.
 */
function lookForListener(): void {
  let left = looks;
  let told = '';
  const timer = setInterval(() => {
    tellAnswered();
    if (--left <= 0) return;
    const listeners = Object.fromEntries(signals.map((signal) => [signal, process.listenerCount(signal)]));
    for (const server of listeningServers()) {
      const address = server.address();
      if (!address || typeof address === 'string') continue;
      const { keepAliveTimeout } = server as { keepAliveTimeout?: number };
      const facts = { port: address.port, address: address.address, keepAliveTimeout, listeners };
      if (JSON.stringify(facts) === told) continue;
      told = JSON.stringify(facts);
      tell('listening', facts);
    }
  }, lookMs);
  timer.unref();
}

function listeningServers(): Server[] {
  try {
    const { _getActiveHandles: handles } = process as unknown as { _getActiveHandles?: () => unknown[] };
    return (handles?.call(process) ?? []).filter((handle): handle is Server => handle instanceof Server);
  } catch {
    return [];
  }
}

/**
 * An open-loop client: it sends at its rate, whatever becomes of what it has sent. `fork('client.mjs', [settings as
 * JSON])`. It sends until it is told `stop`, waits until everything is answered, or nothing has been for `settleMs`, and
 * tells what became of each.
 */
import 'reflect-metadata';
import { ClientProxyFactory, MqttRecordBuilder } from '@nestjs/microservices';
import { of } from 'rxjs';
import { ListClient } from './custom.mjs';
import { clientOptions, patternOf } from './transports.mjs';

const settings = JSON.parse(process.argv[2]);
const { transport, rate, shares, settleMs } = settings;
const rejections = [];
process.on('unhandledRejection', (error) => rejections.push(String(error?.message ?? error)));

const client = transport === 'custom' ? new ListClient(settings) : ClientProxyFactory.create(clientOptions(settings));
const retry = settings.retry ? (await import('nestjs-drain/client')).retryWhenDraining(client) : (source) => source;
const calls = transport === 'grpc' ? ofGrpc() : await ofBroker();
const outcomes = [];
let pending = 0;
let isStopped = false;
let hasToldOfFailure = false;
let whenNoMoreEnds;

function ofGrpc() {
  const orders = client.getService('Orders');
  return {
    rpc: (id) => orders.create({ id }),
    stream: (id) => orders.watch({ id }),
    bidi: (id) => orders.talk(of({ id })),
  };
}

async function ofBroker() {
  const pattern = (name) => patternOf(settings, name);
  if (transport === 'kafka') for (const name of ['create', 'watch']) client.subscribeToResponseOf(pattern(name));
  await client.connect();
  const payload = (id) => (transport === 'mqtt' ? new MqttRecordBuilder({ id }).setQoS(1).build() : { id });
  return {
    rpc: (id) => client.send(pattern('create'), payload(id)).pipe(retry),
    stream: (id) => client.send(pattern('watch'), payload(id)).pipe(retry),
    event: (id) => client.emit(pattern('paid'), payload(id)),
  };
}

function send(kind, id) {
  const outcome = { kind, id, sentAt: now(), values: 0, ended: false, isBehindEnd: hasEnded() };
  outcomes.push(outcome);
  pending++;
  const end = () => {
    if (outcome.ended) return;
    outcome.ended = true;
    pending--;
    if (isStopped) awaitMore();
  };
  calls[kind](id).subscribe({
    next: () => outcome.values++,
    error: (error) => {
      if (!hasToldOfFailure) process.send('failed');
      hasToldOfFailure = true;
      outcome.error = String(error?.message ?? JSON.stringify(error));
      end();
    },
    complete: end,
  });
}

/** Reports whether the end of the connection of TCP has been read, and not told yet: what is written now is lost. */
function hasEnded() {
  if (transport !== 'tcp') return false;
  try {
    const socket = client.unwrap();
    return socket.readableEnded || socket.writableEnded;
  } catch {
    // It has none: it has been told of the end, and connects for what comes next.
    return false;
  }
}

function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Kinds take turns by their shares: of `{ rpc: 2, event: 1 }` every third is an event. */
const turns = Object.keys(calls).flatMap((kind) => Array(shares[kind] ?? 0).fill(kind));
const startedAt = now();
let sent = 0;
// Timers come before what was read: if it stood still, the end of its connection is not known before the turn is over.
const ticks = setInterval(() => (sending ??= setImmediate(sendNext)), 2);
let sending;

/** One in a turn of the event loop: in the next one it may have learned that its connection has ended. */
function sendNext() {
  sending = undefined;
  if (isStopped || sent >= ((now() - startedAt) / 1_000) * rate) return;
  send(turns[(sent * 7) % turns.length], `${settings.roll}-${sent}`);
  sent++;
  sending = setImmediate(sendNext);
}

/** A machine that is busy answers late, and one after the other: that is no loss. Nor is what has come, and waits unread. */
function awaitMore() {
  clearTimeout(whenNoMoreEnds);
  const before = pending;
  whenNoMoreEnds = setTimeout(() => setImmediate(() => pending === before && tell()), pending > 0 ? settleMs : 0);
}

function tell() {
  process.send({ outcomes, rejections }, () => process.exit());
}

process.on('message', (word) => {
  if (word !== 'stop') return;
  clearInterval(ticks);
  isStopped = true;
  awaitMore();
});
process.send('ready');

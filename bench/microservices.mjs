/**
 * Rolls of replicas that take their work from brokers and by RPC, with the module and, as the control, without. Every
 * message is reconciled: see `RollResult` in test/support/message-load.ts.
 *
 *   node bench/microservices.mjs [--rolls 10] [--only nats,rmq-ack] [--controls 1] [--lanes 3] [--all]
 *     [--minutes 4] [--afresh] [--nest 12|11-lowest|11-highest]
 *
 * Each transport is rolled `--rolls` times as a microservice that gets SIGTERM and as a hybrid application that is
 * closed, with `--all` in the other two ways too, at 50 messages a second of 500 ms and 420 a second of 30 ms. `--lanes`
 * of them are rolled side by side: most of a roll is waiting. Every roll is kept in bench/microservices.json, and those
 * that are there already are not rolled again, unless `--afresh`: what stopped, after `--minutes` for one, goes on where
 * it was. bench/microservices.md is made of all that is kept. With `--lanes 1`, whose times are those of a machine that
 * does nothing else, the files are bench/microservices-alone.json and .md.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';
import { brokerApplicationsOn } from '../scripts/other-versions.mjs';
import { buildPackages } from '../scripts/setup-sample.mjs';
import { median } from './statistics.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const inTheGap = ['unanswered', 'never', 'eventsLost'];
/**
 * `rates`: messages a second, and the length of a handler in ms. `except`: what cannot be had with this transport;
 * `exceptOnNest11`: what Nest 11 loses of it by itself.
 */
const cells = {
  tcp: { setup: { transport: 'tcp' }, except: ['failed', 'never'] },
  'tcp-retry': { setup: { transport: 'tcp', retry: true } },
  nats: { broker: 'nats', setup: { transport: 'nats' } },
  mqtt: { broker: 'mosquitto', setup: { transport: 'mqtt' } },
  'mqtt-persistent': { broker: 'mosquitto', setup: { transport: 'mqtt', persistent: true } },
  'rmq-noack': { broker: 'rabbitmq', setup: { transport: 'rmq', noAck: true } },
  'rmq-ack': { broker: 'rabbitmq', setup: { transport: 'rmq', noAck: false } },
  redis: { broker: 'redis', setup: { transport: 'redis' }, except: inTheGap, exceptOnNest11: ['wrongAnswers'] },
  grpc: { setup: { transport: 'grpc' } },
  // As where its platform routes to it: a lame duck of the default length.
  'grpc-lag': { setup: { transport: 'grpc', lagMs: 2_000 }, drain: { lameDuck: {} } },
  kafka: {
    broker: 'kafka',
    setup: { transport: 'kafka', server: { run: { partitionsConsumedConcurrently: 4 } }, settleMs: 20_000 },
    rates: [[20, 100]],
  },
};
const rates = [
  [50, 500],
  [420, 30],
];
const ways = [
  ['microservice', 'SIGTERM'],
  ['hybrid', 'close'],
];
const otherWays = [
  ['microservice', 'close'],
  ['hybrid', 'SIGTERM'],
];
const columns = ['unanswered', 'failed', 'twice', 'never', 'cut', 'eventsLost', 'afterDestroy'];

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '10' },
    controls: { type: 'string', default: '1' },
    only: { type: 'string' },
    lanes: { type: 'string', default: '3' },
    all: { type: 'boolean', default: false },
    minutes: { type: 'string', default: 'Infinity' },
    afresh: { type: 'boolean', default: false },
    nest: { type: 'string', default: '12' },
  },
});
buildPackages();
const { startBroker } = await importTypeScript('test/support/brokers.ts');
const { rollOnce, flawsOf } = await importTypeScript('test/support/message-load.ts');
const apps = values.nest === '12' ? join(root, 'test/brokers/apps') : brokerApplicationsOn(values.nest);
const brokers = new Map();
const isAlone = values.lanes === '1';
const file = join(root, `bench/microservices${suffix()}.json`);
const stopAt = Date.now() + Number(values.minutes) * 60_000;
const kept = !values.afresh && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : [];
const wanted = wantedRows();
try {
  await Promise.all(Array.from({ length: Number(values.lanes) }, workOff));
} finally {
  for (const broker of brokers.values()) await (await broker).stop();
}
const table = tableOf(kept);
console.log(table);
writeFileSync(join(root, `bench/microservices${suffix()}.md`), page(table));

/** A row for each transport, load and way to end, with the module and without. */
function wantedRows() {
  const names = values.only?.split(',') ?? Object.keys(cells);
  return names.flatMap((name) =>
    (cells[name].rates ?? rates).flatMap(([rate, handlerMs]) =>
      (values.all ? [...ways, ...otherWays] : ways).flatMap(([kind, end]) => [
        { name, rate, handlerMs, kind, end, module: true, count: Number(values.rolls) },
        { name, rate, handlerMs, kind, end, module: false, count: Number(values.controls) },
      ]),
    ),
  );
}

/** Takes one row after the other. */
async function workOff() {
  for (let row = wanted.shift(); row; row = wanted.shift()) {
    const { count, ...key } = row;
    const { rolls } = keptRow(key) ?? { rolls: [] };
    while (rolls.length < count && Date.now() < stopAt) {
      rolls.push(await rollOf(key));
      keep({ ...key, rolls });
    }
  }
}

async function rollOf({ name, rate, handlerMs, kind, end, module }) {
  const { broker, setup, except = [], exceptOnNest11 = [], drain = {} } = cells[name];
  if (broker && !brokers.has(broker)) brokers.set(broker, startBroker(broker));
  const { url } = (await brokers.get(broker)) ?? {};
  const result = await rollOnce({ ...setup, url, rate, handlerMs, kind, end, drain: module && drain, apps });
  const flaws = flawsOf(result, values.nest === '12' ? except : [...except, ...exceptOnNest11]);
  const how = `${name} ${rate}/s × ${handlerMs} ms, ${kind}, ${end}, ${module ? 'with' : 'without'}`;
  process.stderr.write(`${how}: ${JSON.stringify(flaws)}, exit ${Math.round(result.exitAfterLastHandlerMs)} ms\n`);
  return {
    isFlawless: Object.keys(flaws).length === 0,
    sent: result.sent,
    ...Object.fromEntries(columns.map((column) => [column, result[column]])),
    rejections: result.unhandledRejections.length,
    errors: result.errors,
    exitMs: Math.round(result.exitMs),
    exitAfterLastHandlerMs: Math.round(result.exitAfterLastHandlerMs),
  };
}

/** Nothing of a long run is lost when it does not come to its end. */
function keep(row) {
  if (!keptRow(row)) kept.push(row);
  writeFileSync(file, `[\n${kept.map((each) => JSON.stringify(each)).join(',\n')}\n]\n`);
}

function keptRow(wantedRow) {
  const keyOf = ({ name, rate, kind, end, module }) => JSON.stringify([name, rate, kind, end, module]);
  return kept.find((row) => keyOf(row) === keyOf(wantedRow));
}

function tableOf(rows) {
  const head = ['Transport', 'Load', 'Way', 'Module', 'Rolls', 'Without a flaw', 'Messages', 'Unanswered', 'Failed'];
  head.push('Twice', 'Never', 'Cut', 'Events lost', 'After destroy', 'Unhandled', 'Exit after the last handler, ms');
  const order = Object.keys(cells);
  const sorted = [...rows].sort(
    (a, b) => order.indexOf(a.name) - order.indexOf(b.name) || b.handlerMs - a.handlerMs || b.module - a.module,
  );
  const lines = sorted.map(({ name, rate, handlerMs, kind, end, module, rolls }) => {
    const sum = (column) => rolls.reduce((total, roll) => total + Number(roll[column]), 0);
    const exits = rolls.map(({ exitAfterLastHandlerMs }) => exitAfterLastHandlerMs);
    return [
      name,
      `${rate}/s × ${handlerMs} ms`,
      `${kind}, ${end}`,
      module ? 'with' : 'without',
      rolls.length,
      ...['isFlawless', 'sent', ...columns, 'rejections'].map(sum),
      `${Math.round(median(exits))}, at most ${Math.max(...exits)}`,
    ];
  });
  const line = (cellsOfLine) => `| ${cellsOfLine.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

function suffix() {
  return `${values.nest === '12' ? '' : `-nest-${values.nest}`}${isAlone ? '-alone' : ''}`;
}

function thrownAway() {
  if (values.nest !== '12' || isAlone) return '';
  return `- 27 rolls of MQTT at load 30 to 50 were thrown away, and rolled again: the client had gone while answers waited
  unread.
`;
}

function page(text) {
  return `# Microservices

Node ${process.version}, Nest ${values.nest}, two cores that everything shares: \`node bench/microservices.mjs\` measures this.
A replica is told to end under an open-loop load, as a microservice and as a hybrid application, by SIGTERM and by
\`app.close()\`. _Twice_: started by two replicas, or by one again. _Never_: started by none. _Cut_: started by the
leaving replica and not finished there. ${isAlone ? 'One roll at a time runs, with nothing beside it.' : 'Several rolls run side by side, so the times are those of a loaded machine.'}

- Redis keeps nothing: what is sent between the old replica and the new is never started, with whatever module. And a
  server of Nest 11.0 drops values of a stream that come while it waits for Redis to take the one before, without the
  module too: one of five now and then, before a replica leaves and after.
- The clients of \`tcp\` are Nest's own: calls that come too late fail, and are not executed. Those of \`tcp-retry\` use
  \`retryWhenDraining()\`.
- For \`grpc-lag\`, new connections reach the leaving replica for 2 s longer.
- The Kafka is a mock that takes one member of a group at a time: one replica follows the other. A server of Nest 11.0
  loses a value, or the end, of the first stream that it answers after its start, without the module too: no roll of
  Kafka in which the successor did that counts as one without a flaw.
${thrownAway()}
${text}
`;
}

/**
 * Rolls of replicas that take their work from brokers and by RPC, with the module and, as the control, without. Every
 * message is reconciled: see `RollResult` in test/support/message-load.ts.
 *
 *   node bench/microservices.mjs [--rolls 10] [--only nats,rmq-ack] [--controls 1] [--nest 12|11-lowest|11-highest]
 *
 * Each cell is rolled `--rolls` times for a microservice and a hybrid application, SIGTERM and `app.close()`, at 50
 * messages a second of 500 ms and 420 a second of 30 ms. What it writes into bench/microservices.md is all it measured:
 * a run of some cells (`--only`) prints its table alone.
 */
import { cpSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { importTypeScript } from '../scripts/import-typescript.mjs';
import { installNest, nests } from '../scripts/other-versions.mjs';
import { buildPackages } from '../scripts/setup-sample.mjs';
import { median } from './statistics.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const inTheGap = ['unanswered', 'never', 'eventsLost'];
/** `rates`: messages a second, and the length of a handler in ms. `except`: what cannot be had with this transport. */
const cells = {
  tcp: { setup: { transport: 'tcp' } },
  'tcp-retry': { setup: { transport: 'tcp', retry: true } },
  nats: { broker: 'nats', setup: { transport: 'nats' } },
  mqtt: { broker: 'mosquitto', setup: { transport: 'mqtt' } },
  'mqtt-persistent': { broker: 'mosquitto', setup: { transport: 'mqtt', persistent: true } },
  'rmq-noack': { broker: 'rabbitmq', setup: { transport: 'rmq', noAck: true } },
  'rmq-ack': { broker: 'rabbitmq', setup: { transport: 'rmq', noAck: false } },
  redis: { broker: 'redis', setup: { transport: 'redis' }, except: inTheGap },
  grpc: { setup: { transport: 'grpc' } },
  'grpc-lag': { setup: { transport: 'grpc', lagMs: 2_000 } },
  kafka: { broker: 'kafka', setup: { transport: 'kafka', beforeMs: 4_000, settleMs: 15_000 }, rates: [[4, 100]] },
};
const rates = [
  [50, 500],
  [420, 30],
];
const columns = ['unanswered', 'failed', 'twice', 'never', 'cut', 'eventsLost', 'afterDestroy'];

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '10' },
    controls: { type: 'string', default: '1' },
    only: { type: 'string' },
    nest: { type: 'string', default: '12' },
  },
});
buildPackages();
const { startBroker } = await importTypeScript('test/support/brokers.ts');
const { rollOnce, flawsOf } = await importTypeScript('test/support/message-load.ts');
const apps = appsBeside(values.nest);
const brokers = new Map();
const rows = [];
try {
  for (const name of values.only?.split(',') ?? Object.keys(cells)) {
    for (const [rate, handlerMs] of cells[name].rates ?? rates) {
      for (const hasModule of [true, false]) {
        if (Number(hasModule ? values.rolls : values.controls) === 0) continue;
        rows.push(await rollCell(name, rate, handlerMs, hasModule));
      }
    }
  }
} finally {
  for (const broker of brokers.values()) await broker.stop();
}
const table = tableOf(rows);
console.log(table);
if (!values.only) await writeFile(join(root, `bench/microservices${suffix()}.md`), page(table));

async function rollCell(name, rate, handlerMs, hasModule) {
  const { broker, setup, except } = cells[name];
  if (broker && !brokers.has(broker)) brokers.set(broker, await startBroker(broker));
  const row = { name, rate, handlerMs, hasModule, rolls: 0, clean: 0, sent: 0, rejections: 0, exits: [] };
  for (const column of columns) row[column] = 0;
  for (const kind of ['microservice', 'hybrid']) {
    for (const end of ['SIGTERM', 'close']) {
      for (let roll = 0; roll < Number(hasModule ? values.rolls : values.controls); roll++) {
        const drain = hasModule ? {} : false;
        const url = brokers.get(broker)?.url;
        const result = await rollOnce({ ...setup, url, rate, handlerMs, kind, end, drain, apps });
        row.rolls++;
        row.sent += result.sent;
        row.rejections += result.unhandledRejections.length;
        row.exits.push(result.exitAfterLastHandlerMs);
        for (const column of columns) row[column] += result[column];
        const flaws = flawsOf(result, except);
        if (Object.keys(flaws).length === 0) row.clean++;
        process.stderr.write(
          `${name} ${rate}/s × ${handlerMs} ms, ${kind}, ${end}, ${hasModule ? 'with' : 'without'}: ${JSON.stringify(flaws)}\n`,
        );
      }
    }
  }
  return row;
}

/** The applications, where they find that Nest. */
function appsBeside(nest) {
  if (nest === '12') return join(root, 'test/brokers/apps');
  const folder = installNest(nest, nests[nest]);
  cpSync(join(root, 'test/brokers/apps'), join(folder, 'test/brokers/apps'), { recursive: true });
  for (const each of ['dist', 'package.json']) {
    cpSync(join(root, each), join(folder, 'node_modules/nestjs-drain', each), { recursive: true });
  }
  return join(folder, 'test/brokers/apps');
}

function tableOf(all) {
  const head = ['Transport', 'Load', 'Module', 'Rolls', 'Without a flaw', 'Messages', 'Unanswered', 'Failed', 'Twice'];
  head.push('Never', 'Cut', 'Events lost', 'After destroy', 'Unhandled', 'Exit after the last handler, ms');
  const lines = all.map((row) => [
    row.name,
    `${row.rate}/s × ${row.handlerMs} ms`,
    row.hasModule ? 'with' : 'without',
    row.rolls,
    row.clean,
    row.sent,
    ...columns.map((column) => row[column]),
    row.rejections,
    `${Math.round(median(row.exits))}, at most ${Math.round(Math.max(...row.exits))}`,
  ]);
  const line = (cellsOfLine) => `| ${cellsOfLine.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...lines.map(line)].join('\n');
}

function suffix() {
  return values.nest === '12' ? '' : `-nest-${values.nest}`;
}

function page(text) {
  const command = `node bench/microservices.mjs ${process.argv.slice(2).join(' ')}`.trim();
  return `# Microservices

Node ${process.version}, Nest ${values.nest}, two cores that everything shares. \`${command}\` measures this: a replica is told to end
under an open-loop load, half of the rolls by SIGTERM and half by \`app.close()\`, half of them microservices and half
hybrid applications. _Twice_: started by two replicas, or by one again. _Never_: started by none. _Cut_: started by the
leaving replica and not finished there.

${text}
`;
}

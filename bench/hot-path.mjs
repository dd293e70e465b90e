/**
 * Server CPU per request, of applications in one process: many short blocks of load, in turn. A cycle goes through the
 * variants forwards and backwards, so that drift cancels; a variant's ratio is taken within each cycle, and the median
 * is over all cycles of all rounds. `bare-again` is a second application without the module: how far its ratio is from
 * 1 tells how well anything can be told apart in this run.
 *
 *   node bench/hot-path.mjs [--framework fastify] [--variants bare,bare-again,routes] [--rounds 4] [--cycles 80]
 * <package entry>
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Application } from './application.mjs';
import { Connection, load } from './client.mjs';
import { fixed, median, quantile, table } from './statistics.mjs';

const connectionCount = 16;

export async function measureHotPath(setup) {
  const { framework, variants, packageEntry, rounds, cycles, blockRequests, warmUpRequests, progress } = setup;
  const ratios = new Map(variants.map((name) => [name, []]));
  const costs = new Map(variants.map((name) => [name, []]));
  const ofRounds = new Map(variants.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    progress(`Hot path on ${framework}, round ${round + 1} of ${rounds}`);
    const order = rotated(variants, round);
    const application = await Application.start({
      script: 'hot-path-server.mjs',
      framework,
      variant: order.join(','),
      packageEntry,
    });
    const connections = new Map();
    for (const name of order) connections.set(name, await connect(application.ports[name]));
    for (let part = 0; part < 10; part++) {
      for (const each of connections.values()) await load(each, warmUpRequests / 10);
    }
    const ofRound = new Map(variants.map((name) => [name, []]));
    for (let cycle = 0; cycle < cycles; cycle++) {
      const cpuUs = new Map(variants.map((name) => [name, 0]));
      const turns = rotated(order, cycle);
      for (const name of [...turns, ...turns.toReversed()]) {
        const before = await application.ask('cpu');
        await load(connections.get(name), blockRequests);
        cpuUs.set(name, cpuUs.get(name) + (await application.ask('cpu')) - before);
      }
      for (const [name, us] of cpuUs) {
        ofRound.get(name).push(us / cpuUs.get(variants[0]));
        costs.get(name).push(us / (2 * blockRequests));
      }
    }
    for (const [name, each] of ofRound) {
      ratios.get(name).push(...each);
      ofRounds.get(name).push(median(each));
    }
    await application.kill();
  }
  return variants.map((name) => ({
    name,
    cpuUsPerRequest: median(costs.get(name)),
    cpuRatio: median(ratios.get(name)),
    cpuRatioQuartiles: [quantile(ratios.get(name), 0.25), quantile(ratios.get(name), 0.75)],
    cpuRatioOfRounds: ofRounds.get(name),
  }));
}

export function hotPathTable(rows) {
  return table(
    ['', 'CPU × bare', 'quartiles of cycles', 'of single rounds', 'µs a request'],
    rows.map(({ name, cpuRatio, cpuRatioQuartiles: [low, high], cpuRatioOfRounds: each, cpuUsPerRequest }) => [
      name,
      `**${fixed(cpuRatio, 3)}**`,
      `${fixed(low, 3)}–${fixed(high, 3)}`,
      `${fixed(Math.min(...each), 3)}–${fixed(Math.max(...each), 3)}`,
      fixed(cpuUsPerRequest, 1),
    ]),
  );
}

async function connect(port) {
  const connections = await Connection.openMany(port, connectionCount);
  for (const connection of connections) await connection.first();
  return connections;
}

function rotated(names, by) {
  const at = by % names.length;
  return [...names.slice(at), ...names.slice(0, at)];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      framework: { type: 'string', default: 'fastify' },
      variants: { type: 'string', default: 'bare,bare-again,routes' },
      rounds: { type: 'string', default: '4' },
      cycles: { type: 'string', default: '80' },
    },
  });
  const rows = await measureHotPath({
    framework: values.framework,
    variants: values.variants.split(','),
    packageEntry: positionals[0],
    rounds: Number(values.rounds),
    cycles: Number(values.cycles),
    blockRequests: 300,
    warmUpRequests: 20_000,
    progress: () => undefined,
  });
  console.log(hotPathTable(rows));
}

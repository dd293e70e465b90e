/**
 * Server CPU per request, and throughput.
 *
 * All variants run at once, each in its process, on one core; they are loaded in turn, in blocks so short that whatever
 * else the machine does strikes them alike. A cycle goes through the variants forwards and backwards (ABBA), so that
 * drift cancels; a variant's ratio is taken within each cycle, and the median is over all cycles. Fresh processes a
 * round, because two processes of the same program may differ.
 */
import { Application, longKeepAlive } from './application.mjs';
import { Connection, load } from './client.mjs';
import { median, quantile, sum } from './statistics.mjs';

const connectionCount = 32;

export async function measureCpu({
  framework,
  variants,
  packageEntry,
  rounds,
  cycles,
  warmUpRequests,
  blockRequests,
  progress,
}) {
  const measured = new Map(variants.map((name) => [name, { cycles: [], rounds: [] }]));
  for (let round = 0; round < rounds; round++) {
    progress(`CPU on ${framework}, round ${round + 1} of ${rounds}`);
    const servers = await startAll(rotated(variants, round), framework, packageEntry, warmUpRequests);
    const ofRound = new Map(variants.map((name) => [name, []]));
    for (let cycle = 0; cycle < cycles; cycle++) {
      const cost = new Map(variants.map((name) => [name, { cpuUs: 0, ms: 0 }]));
      for (const server of [...servers, ...servers.toReversed()])
        await addBlock(server, blockRequests, cost.get(server.name));
      for (const [name, each] of cost) ofRound.get(name).push(each);
    }
    for (const { application } of servers) await application.kill();
    for (const [name, each] of ofRound) {
      measured.get(name).cycles.push(...each);
      measured.get(name).rounds.push(each);
    }
  }
  return summary(measured, variants[0], 2 * blockRequests);
}

async function startAll(names, framework, packageEntry, warmUpRequests) {
  const servers = [];
  for (const name of names) {
    const application = await Application.start({ framework, variant: name, packageEntry, env: longKeepAlive });
    const connections = await Connection.openMany(application.port, connectionCount);
    for (const connection of connections) await connection.first();
    servers.push({ name, application, connections });
  }
  // In turns as well: what is compiled last must not be what is measured first.
  for (let part = 0; part < 4; part++) {
    for (const { connections } of servers) await load(connections, warmUpRequests / 4);
  }
  return servers;
}

async function addBlock({ application, connections }, requests, cost) {
  const before = await application.ask('cpu');
  cost.ms += await load(connections, requests);
  cost.cpuUs += (await application.ask('cpu')) - before;
}

function summary(measured, reference, requests) {
  const bare = measured.get(reference);
  return [...measured].map(([name, { cycles, rounds }]) => {
    const ratios = cycles.map(({ cpuUs }, index) => cpuUs / bare.cycles[index].cpuUs);
    const throughputs = cycles.map(({ ms }, index) => bare.cycles[index].ms / ms);
    return {
      name,
      cpuUsPerRequest: median(cycles.map(({ cpuUs }) => cpuUs)) / requests,
      cpuRatio: median(ratios),
      cpuRatioQuartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
      cpuRatioOfRounds: rounds.map((each, round) =>
        median(each.map(({ cpuUs }, index) => cpuUs / bare.rounds[round][index].cpuUs)),
      ),
      /** Of the least disturbed blocks: the lowest tenth of each. */
      cpuRatioOfLowest: lowest(cycles) / lowest(bare.cycles),
      /** Of the sums, rare garbage collections and all. */
      cpuRatioOfSums: sum(cycles.map(({ cpuUs }) => cpuUs)) / sum(bare.cycles.map(({ cpuUs }) => cpuUs)),
      requestsPerSecond: requests / (median(cycles.map(({ ms }) => ms)) / 1_000),
      throughputRatio: median(throughputs),
    };
  });
}

function lowest(cycles) {
  return quantile(
    cycles.map(({ cpuUs }) => cpuUs),
    0.1,
  );
}

/** Another order each round, so that no variant always follows the same one. */
function rotated(names, by) {
  const at = by % names.length;
  return [...names.slice(at), ...names.slice(0, at)];
}

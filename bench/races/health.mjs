import { Http1Request } from './clients.mjs';
import { fixed, table } from '../statistics.mjs';

const everyMs = 4;
const lameDuckMs = 1_000;
const holdMs = 1_000;

/**
 * Probes, each on a connection of its own, of a health route that stands behind a prefix: one that a middleware strips,
 * or that of a mounted sub-application. One that is not served before the listener closes is lost, and the lame duck
 * must not take them for traffic: it may last four times its least. Exits 1 otherwise.
 */
export async function health(startProcess, count) {
  const rows = [];
  for (const [title, path, prefix] of [
    ['/health', '/health', undefined],
    ['a prefix that a middleware strips', '/behind/health', 'stripped'],
    ['a mounted sub-application', '/behind/health', 'mounted'],
  ]) {
    const server = await startProcess();
    const probes = [];
    const lameDucksMs = [];
    while (probes.length < count) {
      const setup = { flavour: 'h1', framework: 'express', lameDuckMs, quietMs: 200, holdMs, prefix };
      const { port } = await server.ask('start', setup);
      const [ended, closed] = [server.next('ended'), server.next('closed')];
      let isOver = false;
      void ended.then(() => (isOver = true));
      server.child.send(['close']);
      const some = [];
      while (!isOver) {
        const probe = new Http1Request(path);
        void probe.fireFresh(port);
        some.push(probe);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      const { report, listenerClosed } = await ended;
      await closed;
      await Promise.all(some.map((probe) => probe.ended));
      // What the listener had not accepted when it was closed no server could answer.
      probes.push(...some.filter(({ askedAt }) => askedAt < listenerClosed - 1));
      lameDucksMs.push(report.phases.find(({ phase }) => phase === 'lame-duck').ms);
    }
    server.child.kill('SIGKILL');
    const lost = probes.filter(({ outcome }) => outcome !== 'served');
    const longestMs = Math.max(...lameDucksMs);
    if (lost.length > 0 || longestMs > 2 * lameDuckMs) process.exitCode = 1;
    const how = [...new Set(lost.map((probe) => probe.how))].join(', ');
    rows.push([title, fixed(probes.length, 0), `**${fixed(lost.length, 0)}**`, how, fixed(longestMs, 0)]);
  }
  console.log(table(['Health route behind', 'probes', 'not served', 'how', 'longest lame duck, ms'], rows));
}

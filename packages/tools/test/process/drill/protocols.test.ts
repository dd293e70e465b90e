import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { apps, endCommands, runCommand, runDrill, shortRoll, Turns } from '../../drill/support/run-drill.js';
import { build } from '../../../../../test/process/support/child.js';

/** Long enough for 200 requests, however fast replicas start and end. */
const roll = [...shortRoll, '--rate=100', '--warm-up=1500ms'];
const overWebSockets = ['--protocol=ws', '--request=/ body={{id}}', '--ready=/', '--'];
const overHttp2 = ['--protocol=h2c', '--ready=/ready', '--'];
const nestOverHttp2 = ['--protocol=h2c', '--ready=/health/ready', '--'];
const events = ['--protocol=sse', '--connections=10', '--ready=/ready', '--'];
const grpc = ['--transport=grpc', `--proto=${apps}/orders.proto`, '--service=orders.Orders', '--pattern=Create'];
const tcp = ['--transport=tcp', '--pattern=orders.create', '--answer={"done":"{{id}}"}'];

/** What is drilled, and the kinds of failures that must be found: none, or one of these. */
const drills: [what: string, args: readonly string[], kinds: RegExp | undefined][] = [
  ['WebSockets that go away', [...overWebSockets, 'node', `${apps}/websockets.mjs`, 'well'], undefined],
  ['WebSockets that are cut', [...overWebSockets, 'node', `${apps}/websockets.mjs`, 'badly'], /bad-close/],
  ['HTTP/2 that goes away', [...overHttp2, 'node', `${apps}/http2.mjs`, 'well'], undefined],
  ['HTTP/2 of nestjs-drain', [...nestOverHttp2, 'node', `${apps}/nest.mjs`, 'h2c'], undefined],
  ['HTTP/2 that is cut', [...overHttp2, 'node', `${apps}/http2.mjs`, 'badly'], /reset/],
  ['event streams that are resumed', [...events, 'node', `${apps}/events.mjs`, 'well'], undefined],
  ['event streams that forget', [...events, 'node', `${apps}/events.mjs`, 'forgetful'], /lost/],
  ['event streams that are cut', [...events, 'node', `${apps}/events.mjs`, 'badly'], /cut-short/],
];

/** Each with nestjs-drain, and without. */
const pairs: [what: string, args: readonly string[]][] = [
  ['TCP', [...tcp, '--', 'node', `${apps}/messages.mjs`, 'tcp']],
  ['gRPC', [...grpc, '--', 'node', `${apps}/messages.mjs`, 'grpc']],
];

const lossKinds = ['reset', 'error', 'refused', 'cut-short'];

describe('What is spoken', () => {
  const turns = new Turns(2);
  const found = new Map<string, ReturnType<typeof runDrill>>();

  beforeAll(async () => {
    await build();
    const both = pairs.flatMap(([what, args]) =>
      ['with', 'without'].map((manner) => [`${what} ${manner}`, [...args, manner]] as const),
    );
    for (const [what, args] of [...drills, ...both]) {
      const run = turns.take(() => runDrill([...roll, ...args]));
      run.catch(() => undefined);
      found.set(what, run);
    }
  });
  afterAll(endCommands);

  it.each(drills)('is drilled: %s', async (what, _args, kinds) => {
    const { code, result } = await found.get(what)!;
    const { failuresByKind, requests } = result.totals;
    expect(requests).toBeGreaterThan(200);
    if (kinds === undefined) {
      expect(result.verdict).toMatch(/^Nothing is lost/);
      expect({ failuresByKind, code }).toEqual({ failuresByKind: {}, code: 0 });
    } else {
      expect(Object.keys(failuresByKind).join()).toMatch(kinds);
      expect(code).toBe(1);
    }
  });

  it.each(pairs)('loses nothing of a service that drains, and something of one that does not: %s', async (what) => {
    const [drained, cut] = await Promise.all(['with', 'without'].map((manner) => found.get(`${what} ${manner}`)!));
    for (const { result } of [drained!, cut!]) {
      const { requests, failed, failuresByKind, answeredByReplicas } = result.totals;
      expect(requests).toBeGreaterThan(200);
      // By their connections, or by the ledger.
      expect(answeredByReplicas).toBe(requests - failed);
      // What was answered was executed, and once.
      expect(Object.keys(failuresByKind).filter((kind) => !lossKinds.includes(kind))).toEqual([]);
    }
    const { failuresByKind } = drained!.result.totals;
    expect({ failuresByKind, code: drained!.code }).toEqual({ failuresByKind: {}, code: 0 });
    expect(cut!.result.totals.failed).toBeGreaterThan(0);
    expect(cut!.code).toBe(1);
  });

  it.each([
    [['--transport=tcp'], /--pattern is missing/],
    [['--pattern=orders'], /--pattern belongs to messages: say how they travel with --transport/],
    [['--transport=nats', '--pattern=orders'], /--broker is missing/],
    [['--transport=rabbitmq', '--pattern=orders', '--broker=amqp://127.0.0.1'], /--queue is missing/],
    [
      ['--transport=grpc', '--pattern=Create', '--proto=nowhere.proto', '--service=a.B'],
      /nowhere\.proto cannot be read/,
    ],
    [['--transport=tcp', '--pattern=a', '--data={{id}'], /Expected JSON/],
    [['--transport=bullmq', '--queue=a', '--event'], /--event is nothing that bullmq has/],
    [['--transport=pigeon', '--pattern=orders'], /pigeon/],
    [['--protocol=gopher'], /gopher/],
    [['--transport=tcp', '--pattern=orders', '--values=0'], /--values takes a whole number/],
  ])('is refused in a line: %j', async (args, said) => {
    const { code, stderr } = await runCommand(['drill', ...args, '--', 'node', `${apps}/messages.mjs`, 'tcp', 'with']);
    expect(stderr).toMatch(said);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
  });

  it('needs the libraries of the application, and says in a line which', async () => {
    const args = ['drill', ...tcp, '--', 'node', `${apps}/messages.mjs`, 'tcp', 'with'];
    const { code, stderr } = await runCommand(args, { cwd: '/' });
    expect(stderr).toMatch(/^nestjs-drain drill: --transport tcp needs @nestjs\/microservices in \/, [^\n]*\n$/);
    expect(code).toBe(2);
  });
});

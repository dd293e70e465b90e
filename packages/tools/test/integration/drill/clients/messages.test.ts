import { afterAll, describe, expect, it } from '@jest/globals';
import { once } from 'node:events';
import { constants } from 'node:http2';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Server as GrpcServer, ServerCredentials, loadPackageDefinition, type ServiceDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ApplicationPackages } from '../../../../src/drill/clients/application-packages.js';
import { grpcCallers } from '../../../../src/drill/clients/grpc-caller.js';
import { Ledger } from '../../../../src/drill/clients/ledger.js';
import { nestCallers } from '../../../../src/drill/clients/nest-caller.js';
import { BadInputError } from '../../../../src/drill/errors.js';
import {
  call,
  callFaults,
  clientOf,
  event,
  eventFaults,
  everySeventh,
  executeIn,
  expected,
  type Fault,
  type Handle,
  outcomesOf,
  well,
} from './message-faults.js';
import { stubHttp2 } from './stub-protocols.js';

const packages = new ApplicationPackages();
const proto = fileURLToPath(new URL('../../../drill/apps/orders.proto', import.meta.url));

describe('What is counted of messages', () => {
  // The tests of this file run side by side: each waits for clients of its own most of its time.
  const ledgers: Ledger[] = [];
  const ends: (() => Promise<void>)[] = [];
  afterAll(async () => {
    await Promise.all(ends.map((end) => end()));
    for (const ledger of ledgers) ledger.remove();
  });

  function ledger(): Ledger {
    ledgers.push(new Ledger());
    return ledgers.at(-1)!;
  }

  describe('over TCP', () => {
    /** Speaks as Nest's server does: JSON behind its length. */
    async function serve(handle: Handle, own: Ledger, taken?: (socket: Socket) => boolean): Promise<string> {
      const sockets = new Set<Socket>();
      const server: Server = createServer((socket) => {
        sockets.add(socket);
        socket.on('error', () => undefined);
        let rest = '';
        socket.setEncoding('utf8').on('data', (text: string) => {
          rest += text;
          for (let at; (at = rest.indexOf('#')) > 0 && rest.length > at + Number(rest.slice(0, at));) {
            const end = at + 1 + Number(rest.slice(0, at));
            const { id, data } = JSON.parse(rest.slice(at + 1, end));
            rest = rest.slice(end);
            if (taken?.(socket)) return;
            const say = (packet: object): void => {
              const json = JSON.stringify({ ...packet, id });
              socket.write(`${json.length}#${json}`);
            };
            handle({
              id: data.id,
              execute: () => executeIn(own, data.id),
              answer: (response) => say({ response, isDisposed: true }),
              answerMore: (response) => say({ response }),
              fail: (message, code) => say({ err: { status: 'error', message, code }, isDisposed: true }),
            });
          }
        });
      });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      ends.push(async () => {
        for (const socket of sockets) socket.destroy();
        server.close();
      });
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    const callersTo = (pattern = 'orders.create') => nestCallers(packages, { transport: 'tcp', pattern });

    it.concurrent.each(callFaults)(
      'is exact to the one when every seventh call is answered %s',
      async (_what, kind, fault) => {
        const own = ledger();
        const url = await serve(everySeventh(fault, well), own);
        const open = await callersTo();
        expect(await outcomesOf(clientOf(own, call, () => open(url)))).toEqual(expected(kind));
      },
    );

    it.concurrent.each(eventFaults)(
      'is exact to the one when every seventh event is %s',
      async (_what, kind, fault) => {
        const own = ledger();
        const url = await serve(
          everySeventh(fault, ({ execute }) => execute()),
          own,
        );
        const open = await callersTo('orders.paid');
        expect(await outcomesOf(clientOf(own, event, () => open(url)))).toEqual(expected(kind));
      },
    );

    it.concurrent('is exact to the one when every seventh call loses its connection', async () => {
      const own = ledger();
      const lost = new WeakSet<Socket>();
      let received = 0;
      let executed = 0;
      const url = await serve(
        (each) => {
          executed++;
          well(each);
        },
        own,
        (socket) => {
          if (!lost.has(socket) && ++received % 7 !== 0) return false;
          // What has been answered before is read: a call is lost, or executed.
          lost.add(socket.end());
          return true;
        },
      );
      const open = await callersTo();
      const { counts, byKind } = await outcomesOf(clientOf(own, call, () => open(url)));
      // A call that is on its way on the same connection is lost with it, before it is read.
      expect(byKind).toEqual({ reset: counts.requests - executed });
      expect(counts).toMatchObject({ requests: 140, failed: counts.requests - executed });
      expect(byKind.reset).toBeGreaterThanOrEqual(17);
    });

    it.concurrent('counts a service that is not there', async () => {
      const open = await callersTo();
      const { byKind } = await outcomesOf(clientOf(ledger(), call, () => open('http://127.0.0.1:9')));
      expect(byKind).toEqual({ refused: 140 });
    });

    it.concurrent('sends again, once, what a server that drains has refused', async () => {
      const own = ledger();
      const refused = new Set<string>();
      const url = await serve((received) => {
        const { id } = received;
        if (Number(id.split('-').at(-1)) % 7 !== 0 || refused.has(id)) return well(received);
        refused.add(id);
        received.fail('late', 'DRAINING');
      }, own);
      const open = await callersTo();
      const found = await outcomesOf(clientOf(own, call, () => open(url)));
      expect(found).toEqual({ ...expected(undefined), repeated: 20 });
    });

    it.concurrent(
      'sends again what crossed the end of a connection whose server had said that it executes nothing',
      async () => {
        const own = ledger();
        const calls = new WeakMap<Socket, number>();
        const json = JSON.stringify({ id: 'nestjs-drain:closing' });
        const url = await serve(well, own, (socket) => {
          const number = (calls.get(socket) ?? 0) + 1;
          calls.set(socket, number);
          // What is sent again is the first on its connection.
          if (number < 3) return false;
          if (number === 3) socket.end(`${json.length}#${json}`);
          return true;
        });
        const open = await callersTo();
        const { repeated, ...found } = await outcomesOf(clientOf(own, call, () => open(url)));
        expect({ ...found, repeated: 0 }).toEqual(expected(undefined));
        expect(repeated).toBeGreaterThan(0);
      },
    );

    it.concurrent('says nothing of executions when no ledger is kept', async () => {
      const url = await serve(({ id, answer }) => answer({ done: id }), ledger());
      const open = await callersTo();
      expect(await outcomesOf(clientOf(ledger(), call, () => open(url)))).toEqual(expected(undefined));
    });
  });

  describe('over gRPC', () => {
    async function serve(handle: Handle, own: Ledger): Promise<string> {
      const loaded = loadPackageDefinition(loadSync(proto)) as unknown as {
        orders: { Orders: { service: ServiceDefinition } };
      };
      const server = new GrpcServer();
      server.addService(loaded.orders.Orders.service, {
        Create: ({ request }: { request: { id: string } }, answered: (error: object | null, value?: object) => void) =>
          handle({
            id: request.id,
            execute: () => executeIn(own, request.id),
            answer: (value) => answered(null, value as object),
            answerMore: () => undefined,
            fail: (details) => answered({ code: 9, details }),
          }),
        Follow: (stream: { request: { id: string }; write(value: unknown): void; end(): void }) =>
          handle({
            id: stream.request.id,
            execute: () => executeIn(own, stream.request.id),
            answer: (value) => (stream.write(value), stream.end()),
            answerMore: (value) => stream.write(value),
            fail: () => stream.end(),
          }),
      });
      const port = await new Promise<number>((resolve, reject) =>
        server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
          error ? reject(error) : resolve(bound),
        ),
      );
      ends.push(async () => server.forceShutdown());
      return `http://127.0.0.1:${port}`;
    }

    const callersOf = (method: string) => grpcCallers(packages, { proto, service: 'orders.Orders', method });
    const unary = callFaults.filter(([what]) => what !== 'twice, with two answers');

    it.concurrent.each(unary)(
      'is exact to the one when every seventh call is answered %s',
      async (_what, kind, fault) => {
        const own = ledger();
        const url = await serve(everySeventh(fault, well), own);
        const open = await callersOf('Create');
        expect(await outcomesOf(clientOf(own, call, () => open(url)))).toEqual(expected(kind));
      },
    );

    const streams: Fault[] = [
      callFaults.find(([what]) => what === 'twice, with two answers')!,
      ['with no value', 'cut-short', ({ execute, fail }) => (execute(), fail(''))],
    ];
    it.concurrent.each(streams)(
      'is exact to the one when every seventh stream is answered %s',
      async (_what, kind, fault) => {
        const own = ledger();
        const url = await serve(everySeventh(fault, well), own);
        const open = await callersOf('Follow');
        expect(await outcomesOf(clientOf(own, call, () => open(url)))).toEqual(expected(kind));
      },
    );

    it.concurrent('counts a service that is not there', async () => {
      const open = await callersOf('Create');
      const { byKind } = await outcomesOf(clientOf(ledger(), call, () => open('http://127.0.0.1:9')));
      expect(byKind).toEqual({ refused: 140 });
    });

    it.concurrent('sends again, once, what was refused before it came to a handler', async () => {
      let served = 0;
      const { port, close } = await stubHttp2((stream) => {
        served++;
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
      }, false);
      ends.push(close);
      const open = await callersOf('Create');
      const { byKind, repeated } = await outcomesOf(clientOf(ledger(), call, () => open(`http://127.0.0.1:${port}`)));
      expect({ byKind, repeated, served }).toEqual({ byKind: { refused: 140 }, repeated: 140, served: 280 });
    });

    it.concurrent.each([
      [
        'a method that is not there',
        { service: 'orders.Orders', method: 'Delete' },
        /takes one message \(Create, Follow\)/,
      ],
      ['a service that is not there', { service: 'Orders', method: 'Create' }, /no service 'Orders'/],
    ])('refuses %s', async (_what, named, said) => {
      await expect(grpcCallers(packages, { proto, ...named })).rejects.toThrow(said);
    });
  });

  it.concurrent('says in a line what the application does not have', async () => {
    const elsewhere = new ApplicationPackages('/tmp');
    const trying = nestCallers(elsewhere, { transport: 'nats', pattern: 'orders' });
    await expect(trying).rejects.toThrow(BadInputError);
    await expect(trying).rejects.toThrow(
      /^--transport nats needs @nestjs\/microservices in \/tmp, .*: install it[^\n]*$/,
    );
  });
});

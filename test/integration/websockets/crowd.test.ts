import { afterEach, describe, expect, it } from '@jest/globals';
import { ConnectedSocket, MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { closeAll, start, TurnCounter, turns } from '../../support/applications.js';
import { type Client, closeClients, type Combination, combinations, goodbye } from './kinds.js';

/** Over polling each message is a request, and all of them are this one process's. */
const sizeOf = ({ kind }: Combination) => (kind === 'socket.io polling' ? 30 : 150);
const lameDuckMs = 1_000;

describe.each(combinations)(
  'A crowd of $kind clients on $framework, talking while it is told to leave',
  (combination: Combination) => {
    afterEach(async () => {
      closeClients();
      await closeAll();
    });

    async function shutDown(hasModule: boolean) {
      const begun = new Map<number, number>();
      @WebSocketGateway()
      class WorkGateway {
        @SubscribeMessage('work')
        async work(@ConnectedSocket() client: object, @MessageBody() number: number): Promise<object> {
          begun.set(number, (begun.get(number) ?? 0) + 1);
          // Pushed beside the reply: sent before the close frame as well.
          this.push(client, `push ${number}`);
          await turns(5);
          return { event: 'reply', data: `reply ${number}` };
        }

        private push(client: object, data: string): void {
          if (combination.kind === 'ws') (client as { send(text: string): void }).send(JSON.stringify({ data }));
          else (client as { emit(event: string, data: string): void }).emit('reply', data);
        }
      }
      const drain = hasModule && ({ lameDuck: { minMs: lameDuckMs, quietMs: 0, maxMs: lameDuckMs } } as const);
      const { app, port } = await start(
        { framework: combination.framework, protocol: 'http' },
        { drain, providers: [WorkGateway], prepare: (each) => combination.prepare(each) },
      );
      const clients = await Promise.all(Array.from({ length: sizeOf(combination) }, () => combination.connect(port)));
      const open = new Set<Client>(clients);
      const counter = new TurnCounter();
      const ends = clients.map(async (client) => {
        const ending = await client.ended;
        open.delete(client);
        return { ending, turn: counter.now };
      });
      const talk = async () => {
        while (open.size > 0) {
          for (const client of open) client.send('work', clients.indexOf(client));
          await turns(20);
        }
      };
      const talking = talk();
      for (const client of clients) await client.receives(1);
      const closed = app.close();
      const endings = await Promise.all(ends);
      await talking;
      await closed;
      counter.stop();
      const lost = { replies: 0, pushes: 0 };
      for (const [number, client] of clients.entries()) {
        const replies = client.received.filter((each) => String(each).startsWith('reply')).length;
        lost.replies += begun.get(number)! - replies;
        lost.pushes += begun.get(number)! - (client.received.length - replies);
      }
      return { endings, lost };
    }

    it('has every client told, every reply and message delivered, and nobody stampeded', async () => {
      const { endings, lost } = await shutDown(true);
      expect(lost).toEqual({ replies: 0, pushes: 0 });
      if (combination.kind === 'socket.io polling') {
        // A message that was on its way while the answer to its poll said goodbye comes back with an error: it is not
        // executed, and its client knows.
        for (const { ending } of endings) expect(ending.reason).toMatch(/^transport (close|error)$/);
        return;
      }
      for (const { ending } of endings) expect(ending).toEqual(goodbye(combination));
      // A machine that is busy takes several in one turn, all at once would take three.
      expect(new Set(endings.map(({ turn }) => turn)).size).toBeGreaterThan(20);
    });

    it('loses replies without the module', async () => {
      const { lost } = await shutDown(false);
      expect(lost.replies).toBeGreaterThan(0);
    });
  },
);

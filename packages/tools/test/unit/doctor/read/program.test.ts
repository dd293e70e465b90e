import { describe, expect, it } from '@jest/globals';
import { readProgram } from '../../../../src/doctor/read/program.js';

const read = (text: string) => readProgram({ name: 'main.ts', text });
const connect = (options: string) => `app.connectMicroservice<X>({ transport: Transport.NATS, ${options} });`;

describe('readProgram', () => {
  it('reads options of microservices that are written out', () => {
    const { microservices } = read(`\n${connect("options: { queue: 'a', servers: [`x)`] }")}`);
    expect(microservices.map(({ transport, at }) => [transport, at.line])).toEqual([['NATS', 2]]);
    expect(microservices[0]!.option('queue')).toEqual({ text: "'a'", at: { file: 'main.ts', line: 2 } });
    expect(microservices[0]!.option('gracefulShutdown')).toBeUndefined();
    expect(read(connect('options: { queue }')).microservices[0]!.option('queue')).toMatchObject({ text: 'queue' });
  });

  it.each(['options: natsOptions', 'options: { ...shared }', '...shared', 'options'])(
    'says nothing of options that stand elsewhere: %s',
    (options) => {
      expect(read(connect(options)).microservices).toEqual([]);
    },
  );

  it.each([
    'ClientsModule.register([{ transport: Transport.NATS, options: {} }]);',
    '// app.connectMicroservice({ transport: Transport.NATS })',
    'app.connectMicroservice({ strategy: new Own() });',
    'app.connectMicroservice({ transport: Transport.NATS',
    'app.connectMicroservice',
  ])('finds no microservice in %s', (text) => {
    expect(read(text).microservices).toEqual([]);
  });

  it('finds workers that are registered nowhere', () => {
    const made = "import { Worker } from 'bullmq';\nnew Worker<Job>('mails', send);";
    expect(read(made).workers).toMatchObject([{ name: 'Worker of BullMQ', at: { line: 2 } }]);
    expect(read(`${made}\nshutdown.register(drainableWorker(worker));`).workers).toEqual([]);
    expect(read("import { Worker } from 'node:worker_threads';\nnew Worker('a.js');").workers).toEqual([]);
    expect(read("import PgBoss from 'pg-boss';\nnew PgBoss(url);").workers).toHaveLength(1);
  });
});

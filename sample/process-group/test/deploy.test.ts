import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Clients, type Figures } from './support/clients.js';
import { endAll, Group } from './support/group.js';

afterEach(endAll);

/** @param more options of `serve` that the unit does not have */
async function served(more?: string): Promise<Group> {
  const group = new Group();
  expect(await group.deploy()).toEqual({ code: 0, output: 'release 1 is current; nothing runs yet\n' });
  await group.start(more);
  return group;
}

/** Nothing was lost, and what was answered was written, once. */
function expectAllKept(group: Group, { lost, ordered, requests }: Figures): void {
  expect(lost).toEqual([]);
  expect(requests).toBeGreaterThan(8);
  const written = group.orders;
  expect(ordered.filter((id) => written.filter((each) => each === id).length !== 1)).toEqual([]);
}

describe('deploy/deploy.sh', () => {
  it('replaces what serves, and loses nothing', async () => {
    const group = await served();
    const clients = new Clients(group.url);
    await clients.answeredBy('1');
    expect(await group.deploy()).toMatchObject({ code: 0, output: expect.stringMatching(/release 2 serves\n$/) });
    await clients.answeredBy('2');
    const figures = await clients.end();
    expectAllKept(group, figures);
    expect([...figures.releases].sort()).toEqual(['1', '2']);
    expect(await group.serving()).toMatchObject({ releases: ['2'] });
    expect(group.current).toBe('releases/2');
  });

  it.each([
    ['crashes at its start', "throw new Error('a mistake');\n"],
    [
      'is never ready',
      "import { createServer } from 'node:http';\n" +
        'createServer((_, response) => response.writeHead(503).end()).listen(process.env.PORT, process.env.HOST);\n',
    ],
    ['ends soon after it was ready', "setTimeout(() => process.exit(3), 1_500);\nawait import('./good.js');\n"],
  ])('takes a release back that %s', async (_name, main) => {
    const group = await served(' --ready-timeout 10s');
    const before = await group.serving();
    const clients = new Clients(group.url);
    const { code, output } = await group.deploy(main);
    expect(code).toBe(1);
    expect(output).toContain('rolled back');
    expect(output).toMatch(/release 2 does not serve: 1 goes on\n$/);
    const figures = await clients.end();
    expectAllKept(group, figures);
    expect([...figures.releases]).toEqual(['1']);
    // The processes that served have not been touched.
    expect(await group.serving()).toEqual(before);
    expect(group.current).toBe('releases/1');
    expect(existsSync(join(group.home, 'releases/2'))).toBe(false);
  });

  it('leaves what the next start of the machine is to run', async () => {
    const group = await served();
    await group.deploy();
    await group.deploy("throw new Error('a mistake');\n");
    expect(await group.stop()).toBe(0);
    await group.start();
    expect(await group.serving()).toMatchObject({ releases: ['2'] });
  });

  it('keeps five releases', async () => {
    const group = new Group();
    for (let turn = 0; turn < 7; turn++) await group.deploy();
    // Nothing ran, and so nothing was replaced: old releases are taken away when a new one serves.
    await group.start();
    await group.deploy();
    const kept = Array.from({ length: 8 }, (_, at) => String(at + 1)).filter((each) =>
      existsSync(join(group.home, 'releases', each)),
    );
    expect(kept).toEqual(['4', '5', '6', '7', '8']);
  });
});

describe('A restart instead of a reload', () => {
  it('loses requests: the port is nobody’s for a while', async () => {
    const group = await served();
    const clients = new Clients(group.url);
    await group.stop();
    await group.start();
    const { lost } = await clients.end();
    expect(lost.length).toBeGreaterThan(0);
    expect(lost.join()).toContain('ECONNREFUSED');
  });
});

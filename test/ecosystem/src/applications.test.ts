/**
 * An application that is not being stopped does not notice the module: each of the table is asked the same on both
 * adapters, without the module and with it in both tracking modes, and every answer is compared byte by byte. Then
 * each is rolled once with a request in flight.
 *
 * `ONLY=plain,swagger` asks some of them.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { differenceOf } from './compare.js';
import { knownIn } from './known.js';
import { type VariantName } from './messages.js';
import { ApplicationProcess, type Observations } from './process.js';
import { type Application, applications } from './table.js';

const only = process.env.ONLY?.split(',');
const chosen = applications.filter(({ name }) => !only || only.includes(name));
const cells = chosen.flatMap((application) => application.adapters.map((adapter) => ({ application, adapter })));

describe('An application with the module, running and rolled', { concurrency: 2 }, () => {
  for (const { application, adapter } of cells) {
    it(`${application.name} on ${adapter}`, async () => {
      const bare = await ApplicationProcess.start(application, adapter, 'bare');
      const expected = await bare.observe(application);
      assert.deepEqual(
        unansweredOf(application, expected),
        [],
        'The application does not serve these rows of its table.',
      );
      // An upgrade that nobody answers keeps bare Nest for ever: only applications that end by themselves are held to
      // that.
      const endsBare = (await bare.close()) === '0';
      assert.ok(endsBare || application.staysWithoutModule, 'The process stays after app.close() without the module.');
      const failures = [
        ...(await failuresOf(application, adapter, 'routes', expected)),
        ...(await failuresOf(application, adapter, 'interceptor', expected)),
      ];
      const known = knownIn(application.name, adapter);
      const unknown = failures.filter(({ cell }) => !known.includes(cell));
      assert.ok(unknown.length === 0, unknown.map(({ cell, text }) => `\n    ${cell}\n${text}`).join(''));
      const green = known.filter((cell) => !failures.some((failure) => failure.cell === cell));
      assert.deepEqual(green, [], 'These are equal now: take them out of known.ts.');
    });
  }
});

describe('The comparison', () => {
  it('finds one header more in every answer of the application', async () => {
    const plain = applications.find(({ name }) => name === 'serve-static')!;
    const requests = ['GET /hello', 'GET /nowhere'];
    const [bare, control] = await Promise.all(
      (['bare', 'control'] as const).map(async (variant) => {
        const running = await ApplicationProcess.start(plain, 'express', variant);
        return running.observe({ requests }).finally(() => running.kill());
      }),
    );
    for (const request of requests)
      assert.match(differenceOf(bare!.get(request)!, control!.get(request)!)!, /^ +\+ X-Control: 1$/);
  });
});

/** Rows that only a 404 answers compare nothing: one that is meant so has a name. */
function unansweredOf({ requests }: Application, expected: Observations): string[] {
  const lines = requests.flatMap((row) =>
    typeof row === 'string' ? row : !('script' in row) && !row[1].name ? row[0] : [],
  );
  return lines.filter((line) => /^HTTP\S+ 404/.test(expected.get(line) ?? ''));
}

interface Failure {
  readonly cell: string;
  readonly text: string;
}

/** In these modes by turns, so that each application is rolled by a signal and closed by its own code. */
const rolls = { routes: 'SIGTERM', interceptor: 'app.close()' } as const;

async function failuresOf(
  application: Application,
  adapter: string,
  variant: keyof typeof rolls & VariantName,
  expected: Observations,
) {
  const failures: Failure[] = [];
  const fail = (what: string, text: string) => void failures.push({ cell: `${variant}: ${what}`, text });
  try {
    const running = await ApplicationProcess.start(application, adapter, variant);
    const actual = await running.observe(application);
    for (const [request, text] of expected) {
      const difference = differenceOf(text, actual.get(request)!);
      if (difference) fail(request, difference);
    }
    for (const wrong of await running.roll(rolls[variant])) fail(`roll by ${rolls[variant]}`, `      ${wrong}`);
  } catch (error) {
    fail('running', `      ${String(error)}`);
  }
  return failures;
}

/**
 * Cells that are red, each with the fault behind it. One that turns green fails the suite until it is taken out of
 * here: nothing is red unnoticed, and nothing stays listed that has been mended.
 */
interface Known {
  readonly application: string;
  readonly adapters: readonly string[];
  /** `routes: GET /path`, or `interceptor: …`. */
  readonly cells: readonly string[];
  readonly why: string;
}

const both = ['express', 'fastify'];
const kindsUnderFakeTimers = ['an Express application', 'a Fastify application', 'a testing module'];

/** The same cells in both tracking modes. */
function inBoth(...requests: string[]): string[] {
  return requests.flatMap((request) => [`routes: ${request}`, `interceptor: ${request}`]);
}

const known: readonly Known[] = [
  {
    application: 'plain',
    adapters: both,
    cells: inBoth('log at bootstrap'),
    why: "FirstSeamModule and LastSeamModule appear in Nest's log.",
  },
  {
    application: 'plain',
    adapters: both,
    cells: ['routes: GET /stack/thrown'],
    why: 'The stack of an error that a handler throws holds five frames of the route wrapper.',
  },
  {
    application: 'adapter-routes',
    adapters: ['express'],
    cells: inBoth('GET /configure/error', 'GET /init/error', 'kept alive', 'pipelined'),
    why: 'A route whose last handler is an error handler of four arguments answers 500: the wrapper has three.',
  },
  {
    application: 'adapter-routes',
    adapters: ['fastify'],
    cells: inBoth(
      ...['/configure', '/init', '/bootstrap'].flatMap((prefix) =>
        ['this', 'arity', 'self'].map((path) => `GET ${prefix}/${path}`),
      ),
      ...['kept alive', 'pipelined'],
    ),
    why: 'A handler that was registered by hand is called without its `this`, and with an argument more.',
  },
  {
    application: 'upgrades',
    adapters: both,
    cells: [
      ...inBoth('GET /plain (upgrade 1)', 'POST /plain (upgrade 1)', 'POST /plain (upgrade 2)'),
      ...inBoth('GET /plain (upgrade 3)', 'POST /plain (upgrade 3)'),
      ...['routes: roll by SIGTERM', 'interceptor: roll by app.close()'],
    ],
    why: 'A listener for upgrades stays when the last of the application is off: nobody answers, and the drain waits.',
  },
  {
    application: 'proxies',
    adapters: both,
    cells: ['routes: roll by SIGTERM', 'interceptor: roll by app.close()'],
    why: 'The drain waits for an upgrade that no listener has answered, until its deadline.',
  },
  {
    application: 'odd-values',
    adapters: both,
    cells: inBoth('running'),
    why: 'Bootstrap dies of a value without a constructor.',
  },
  {
    application: '@nestjs/schedule',
    adapters: kindsUnderFakeTimers,
    cells: inBoth('beside ordinary providers', 'beside odd providers'),
    why: 'The close waits for faked timers; bootstrap dies of a value without a constructor.',
  },
  {
    application: '@nestjs/event-emitter',
    adapters: kindsUnderFakeTimers,
    cells: inBoth('beside ordinary providers', 'beside odd providers'),
    why: 'The close waits for faked timers; bootstrap dies of a value without a constructor.',
  },
];

export function knownIn(application: string, adapter: string): string[] {
  return known
    .filter((each) => each.application === application && each.adapters.includes(adapter))
    .flatMap(({ cells }) => cells);
}

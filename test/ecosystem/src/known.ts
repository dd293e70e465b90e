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

/** The same cells in both tracking modes. */
function inBoth(...requests: string[]): string[] {
  return requests.flatMap((request) => [`routes: ${request}`, `interceptor: ${request}`]);
}

const known: readonly Known[] = [
  {
    application: 'plain',
    adapters: both,
    cells: inBoth('log at bootstrap'),
    why:
      'Nest logs each module, and what comes first when it destroys them must be one of its own: DrainFirstModule, ' +
      'whose name says so.',
  },
];

export function knownIn(application: string, adapter: string): string[] {
  return known
    .filter((each) => each.application === application && each.adapters.includes(adapter))
    .flatMap(({ cells }) => cells);
}

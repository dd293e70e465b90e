import { spawnSync } from 'node:child_process';
import { type BalancerName } from './cell.js';
import { withSystemPaths } from './server-process.js';

/** Reports whether the program is there. Both print their version with `-v`. */
export function isInstalled(program: 'haproxy' | 'nginx'): boolean {
  return spawnSync(program, ['-v'], { stdio: 'ignore', env: withSystemPaths }).status === 0;
}

/**
 * The balancers that can be had here. Where one is missing, the built-in one stands in for it and the caller is told;
 * with `REQUIRE_BALANCERS=1`, as in CI, that is an error instead.
 */
export function balancersHere(wanted: readonly BalancerName[], say: (line: string) => void): BalancerName[] {
  const missing = (['haproxy', 'nginx'] as const).filter(
    (program) => wanted.some((name) => name.startsWith(program)) && !isInstalled(program),
  );
  if (missing.length === 0) return [...wanted];
  const message = `${missing.join(' and ')} not found (Debian: apt-get install -y ${missing.join(' ')}).`;
  if (process.env.REQUIRE_BALANCERS === '1') throw new Error(`${message} REQUIRE_BALANCERS=1 asks for them.`);
  say(`${message} The built-in TCP balancer takes their place.`);
  return [
    ...new Set(wanted.map((name) => (missing.some((program) => name.startsWith(program)) ? 'tcp-balancer' : name))),
  ];
}

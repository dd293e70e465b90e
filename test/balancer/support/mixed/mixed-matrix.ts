import { type BalancerName } from '../cell.js';
import { speaksHttp2, type Crowd, type MixedCell } from './mixed-cell.js';

export const mixedBalancers: readonly BalancerName[] = ['tcp-balancer', 'haproxy-tcp', 'haproxy-http', 'nginx'];

/** For a machine that two cells share. */
const few: Crowd = { requests: 5, uploads: 2, downloads: 2, events: 3, sockets: 8, thinkMs: 120 };
/** For a machine that one cell has for itself. */
const many: Crowd = { requests: 12, uploads: 4, downloads: 3, events: 12, sockets: 24, thinkMs: 100 };

export function mixedCell(balancer: BalancerName): MixedCell {
  return { balancer, manner: 'with', replicas: 2, crowd: few };
}

/**
 * The same without nestjs-drain, with enough of what is slow that a signal finds some of it under way. A replica that
 * hangs is killed early: what it loses, it has lost by then.
 */
export function mixedControlCell(balancer: BalancerName): MixedCell {
  const crowd = { ...few, uploads: 4, downloads: 4, events: 4 };
  return { ...mixedCell(balancer), crowd, manner: 'without', graceMs: 2_000 };
}

/** At length. */
export function mixedSoakCell(balancer: BalancerName): MixedCell {
  return { balancer, manner: 'with', replicas: 3, crowd: many };
}

/** The kinds that a cell has to have. */
export function kindsIn(cell: MixedCell): string[] {
  const over = ['HTTP/1.1', ...(speaksHttp2(cell) ? ['HTTP/2'] : [])];
  return over
    .flatMap((protocol) => [protocol, ...['uploads', 'downloads', 'events'].map((each) => `${each}, ${protocol}`)])
    .concat('WebSocket');
}

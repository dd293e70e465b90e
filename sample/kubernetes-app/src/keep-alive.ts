import type { Server } from 'node:http';

/**
 * What the balancer in front keeps an idle connection for: 60 s in ingress-nginx (upstream-keepalive-timeout) and AWS
 * ALB.
 */
export const BALANCER_IDLE_MS = 60_000;

/**
 * The side that closes an idle connection first must be the balancer: one that we close may already carry its next
 * request. Node's default of 5 s loses that race on every quiet connection.
 */
export function outliveTheBalancer(server: Server): void {
  server.keepAliveTimeout = BALANCER_IDLE_MS + 15_000;
  server.headersTimeout = server.keepAliveTimeout + 1_000;
}

import { type Start } from '../model.js';

/** What runs programs that are not of node, and servers that are none of an application's. */
const others =
  /^(python[\d.]*|uvicorn|gunicorn|hypercorn|celery|flask|fastapi|java|dotnet|php|php-fpm[\d.]*|apache2(-foreground)?|apachectl|httpd(-foreground)?|ruby|bundle|rails|puma|sidekiq|nginx|caddy|traefik|haproxy|envoy|redis-server|mongod|mongos|mysqld|mariadbd|postgres|rabbitmq-server|nats-server)$/;
/** What may lead to node, wherever it stands in a command. */
const ofNode =
  /^(node|nodejs|npm|npx|yarn|pnpm|pnpx|bun|bunx|deno|nest|tsx|ts-node|nodemon|pm2(-\w+)?|concurrently|supervisord)$|\.[cm]?[jt]s$|\.sh$|entrypoint/;

/** The runtime of something else than node that a command starts, as far as its words tell. */
export function otherRuntimeIn(command: string): string | undefined {
  const words = command.split(/[\s;&|()'"]+/).map((word) => word.slice(word.lastIndexOf('/') + 1));
  return words.some((word) => ofNode.test(word)) ? undefined : words.find((word) => others.test(word));
}

export function otherRuntimeOf(start: Start | undefined): string | undefined {
  if (!start) return undefined;
  return otherRuntimeIn([...(start.entrypoint ?? []), ...(start.command ?? []), start.line ?? ''].join(' '));
}

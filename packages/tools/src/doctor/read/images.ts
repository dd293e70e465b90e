/** What an image that is no Nest application is for. */
export type Role = 'store' | 'proxy' | 'agent';

const roles: Readonly<Record<Role, RegExp>> = {
  /** Keeps data, or messages; and whole products that speak for themselves. */
  store:
    /^(adminer|all-in-one|cassandra|certbot|clickhouse-server|cloudnative-pg|cockroach|consul|couchdb|cp-kafka|dynamodb-local|elasticsearch|etcd|eventstore|grafana|jaeger|kafdrop|kafka|kafka-ui|keycloak|kibana|localstack|mailhog|mailpit|mariadb|meilisearch|memcached|minio|mongo|mongodb|mongo-express|mosquitto|mssql-server|server|mysql|nats|neo4j|opensearch|pgadmin4|phpmyadmin|portainer(-[ce]e)?|postgis|postgres|postgresql|prometheus|pulsar|questdb|rabbitmq|rabbitmq-management|redis|redis-commander|redis-stack|redis-stack-server|redisinsight|redpanda|scylla|sftp|swagger-ui|surrealdb|timescaledb|typesense|unleash-server|valkey|vault|zookeeper|bitnami-shell)$/,
  /** Passes on what the application sends or gets. */
  proxy:
    /^(alloydb-auth-proxy|caddy|cloud-?sql-?proxy|cloud-sql-connectors|daprd|envoy|esp|esp-v2|gce-proxy|haproxy|httpd|linkerd-proxy|proxy|nginx|nginx-proxy(-manager)?|nginx-unprivileged|oauth2-proxy|odyssey|pgbouncer|pgcat|pgpool|proxyv2|openresty|squid|tailscale|traefik|twemproxy|varnish)$/,
  /** Watches, and is in nobody's way. */
  agent:
    /exporter$|^(agent|alloy|aws-otel-collector|aws-xray-daemon|busybox|cadvisor|datadog-agent|filebeat|fluent-?bit|fluentd|git-sync|k8s-sidecar|logrotate|loki|metricbeat|newrelic-infrastructure|opentelemetry-collector|opentelemetry-collector-contrib|promtail|statsd|telegraf|vector|vault-k8s|vmagent|xray-daemon)$/,
};
/** Names that say something only with what stands before them. */
const ambiguous: Readonly<Record<string, RegExp>> = {
  'all-in-one': /jaegertracing\/all-in-one/,
  agent: /(^|\/)(grafana|datadog|gcr\.io\/datadoghq|datadoghq)\/agent/,
  proxy: /linkerd\/proxy/,
  server: /mssql\/server/,
};

/** What an image is for, told by the last part of its name; `undefined` for an application's own. */
export function roleOf(image = ''): Role | undefined {
  const path = image.split('@')[0]!.replace(/:[^/]*$/, '');
  const repository = path.split('/').at(-1)!;
  const needed = ambiguous[repository];
  if (needed && !needed.test(path)) return undefined;
  return (Object.keys(roles) as Role[]).find((role) => roles[role].test(repository));
}

/** What `scripts/start.mjs` and the tests tell each part. */
export const settings = {
  httpPort: Number(process.env.PORT ?? 3000),
  rabbitUrl: process.env.RABBIT_URL ?? 'amqp://127.0.0.1:5672',
  redisPort: Number(process.env.REDIS_PORT ?? 6379),
  /** The address that this ledger listens on, `host:port`. */
  ledgerAddress: process.env.LEDGER_ADDRESS ?? '127.0.0.1:5000',
  /** All ledgers, `host:port,host:port`: calls are spread over them. */
  ledgerAddresses: process.env.LEDGER_ADDRESSES ?? '127.0.0.1:5000',
  /** The file that the ledgers write. */
  ledgerFile: process.env.LEDGER_FILE ?? 'ledger.jsonl',
} as const;

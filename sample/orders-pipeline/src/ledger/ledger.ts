import { fileURLToPath } from 'node:url';
import { type Observable } from 'rxjs';

/** What has happened to what. */
export interface Entry {
  readonly kind: 'packed' | 'counted';
  readonly id: string;
}

/** The service of `ledger.proto`, as its clients see it. */
export interface Ledger {
  record(entry: Entry): Observable<{ readonly id: string }>;
}

/** For both sides of the wire. */
export const ledgerProtocol = {
  package: 'ledger',
  protoPath: fileURLToPath(new URL('ledger.proto', import.meta.url)),
};

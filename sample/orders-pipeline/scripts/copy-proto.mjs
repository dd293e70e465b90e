/** TypeScript copies nothing that it does not compile. */
import { cpSync } from 'node:fs';

cpSync('src/ledger/ledger.proto', 'dist/ledger/ledger.proto');

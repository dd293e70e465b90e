/** Prints whether `import` and `require` give the same classes. */
import * as imported from 'nestjs-drain';
import { createRequire } from 'node:module';

const required = createRequire(import.meta.url)('nestjs-drain');
const differing = Object.keys(required).filter((name) => required[name] !== imported[name]);
const isMissing = !('GracefulShutdownModule' in required);
console.log(isMissing ? 'nothing' : differing.length === 0 ? 'the same' : `not the same: ${differing.join(', ')}`);

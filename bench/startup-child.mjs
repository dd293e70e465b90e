/**
 * Prints how long it takes to load a file when Nest is loaded already, ms: `node startup-child.mjs <import|require>
 * <file>`.
 */
import '@nestjs/common';
import '@nestjs/core';
import 'reflect-metadata';
import 'rxjs';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { pathToFileURL } from 'node:url';

const [how, file] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const startedAt = performance.now();
if (how === 'require') require(file);
else await import(pathToFileURL(file).href);
console.log(performance.now() - startedAt);

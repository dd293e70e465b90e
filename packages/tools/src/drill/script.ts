import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadInputError } from './errors.js';
import { type DrillRequest, type RequestSpec } from './exchange.js';

/**
 * What a file for `--script` exports.
 *
 * @publicApi
 */
export interface DrillScript {
  /** Called once, before the traffic: a login, for instance. What it returns is given to every request. */
  readonly setup?: (target: { readonly url: string }) => unknown;
  /** What is asked. */
  readonly requests: readonly ScriptedRequest[];
}

/**
 * One kind of request of a script.
 *
 * @publicApi
 */
export interface ScriptedRequest {
  /** What failures are reported under. */
  readonly name: string;
  /** Its share of the mix, a positive whole number. @default 1 */
  readonly weight?: number;
  /** Makes one request. `number` is that of no other: put it into a body that must be unique. */
  readonly make: (turn: { readonly state: unknown; readonly number: number }) => DrillRequest;
}

/** Requests, and what is to be done before the first. */
export interface LoadedScript {
  readonly requests: readonly RequestSpec[];
  readonly prepare: (url: string) => Promise<void>;
}

/** Loads a script. Rejects with a `BadInputError` that names it. */
export async function loadScript(file: string): Promise<LoadedScript> {
  const script = await load(file);
  let state: unknown;
  return {
    requests: script.requests.map(({ name, weight, make }, index) => {
      if (typeof make !== 'function' || typeof name !== 'string') {
        throw new BadInputError(`requests[${index}] of ${file} must have a name and a function make.`);
      }
      return { name, weight, method: 'GET', path: '/', make: (number) => checked(make({ state, number })) };
    }),
    prepare: async (url) => {
      try {
        state = await script.setup?.({ url });
      } catch (error) {
        throw new BadInputError(`setup() of ${file} failed: ${messageOf(error)}.`, { cause: error });
      }
    },
  };
}

async function load(file: string): Promise<DrillScript> {
  let script: Partial<DrillScript>;
  try {
    script = (await import(pathToFileURL(resolve(file)).href)) as Partial<DrillScript>;
  } catch (error) {
    throw new BadInputError(`${file} cannot be loaded: ${messageOf(error)}.`, { cause: error });
  }
  if (Array.isArray(script.requests) && script.requests.length > 0) return script as DrillScript;
  throw new BadInputError(`${file} must export requests, a list of { name, make() }.`);
}

/** A test of a body that throws is a wrong body. */
function checked(request: DrillRequest): DrillRequest {
  const test = request.expect?.body;
  if (typeof test !== 'function') return request;
  const isRight = (body: Buffer): boolean => {
    try {
      return test(body);
    } catch {
      return false;
    }
  };
  return { ...request, expect: { ...request.expect, body: isRight } };
}

function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!.replace(/\.$/, '');
}

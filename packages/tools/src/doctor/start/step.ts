import { type Place } from '../finding.js';

/**
 * What becomes of SIGTERM at one step on its way to node:
 *
 * - `execs`: the program becomes the next one, and is in nobody's way.
 * - `forwards`: it passes the signal on, and waits for what it has started.
 * - `cuts`: it ends before what it has started has, and a container ends with it.
 * - `swallows`: it does not pass the signal on.
 * - `unknown`: that depends on what the files do not say.
 */
export type Passing = 'execs' | 'forwards' | 'cuts' | 'swallows' | 'unknown';

export type StepKind =
  | 'init'
  | 'wrapper'
  | 'shell'
  | 'script'
  | 'package-manager'
  | 'development-runner'
  | 'process-manager'
  | 'node'
  | 'program';

/** One program between the platform and node, or node itself. */
export interface Step {
  readonly kind: StepKind;
  /** As it is written. */
  readonly program: string;
  /** All of its words; those of node are what one starts instead. */
  readonly words: readonly string[];
  readonly passing: Passing;
  /** What comes of it, where it does not pass the signal on: a clause. */
  readonly why?: string;
  /** The signal that it sends in the place of SIGTERM. */
  readonly signal?: string;
  /** Where it is said, if not where the start is: a script of package.json, a line of an entrypoint script. */
  readonly at?: Place;
  /** The words before it, as far as they become it or pass the signal on. */
  readonly before: readonly string[];
}

/** The way of the signal, from the platform inwards. */
export type Chain = readonly Step[];

/** What `/bin/sh` is; `unsaid`, where nothing is known of the image; `unknown`, where its base is another's. */
export type ShellKind = 'dash' | 'busybox' | 'bash' | 'unsaid' | 'unknown';

/** A script of an image, or of package.json. */
export interface ScriptText {
  readonly text: string;
  readonly at: Place;
}

/** What is known of the place where a command runs. */
export interface Habitat {
  readonly shell: ShellKind;
  /** Reports whether `docker-entrypoint.sh` is that of the official image of node, which becomes what it is given. */
  readonly hasOwnEntrypoint: boolean;
  /** The script of this path in the image; `undefined` where it was not given. */
  readonly scriptAt: (path: string) => ScriptText | undefined;
  /** A script of package.json; `undefined` where it is not known. */
  readonly packageScript: (name: string) => ScriptText | undefined;
  /** Reports whether some package.json was read. */
  readonly hasPackage: boolean;
  /** Which Yarn it is; `undefined` where that is not known. */
  readonly yarn?: 'classic' | 'modern';
}

/** Nothing is known. */
export const anywhere: Habitat = {
  shell: 'unsaid',
  hasOwnEntrypoint: false,
  scriptAt: () => undefined,
  packageScript: () => undefined,
  hasPackage: false,
};

import { type CommandNode, type Statement } from 'unbash';
import { type Passing, type ScriptText, type ShellKind } from './step.js';

/** A command that may be the last one of a shell, and what becomes of the signal on its way there. */
export interface End {
  readonly words: readonly string[];
  readonly passing: Passing;
  readonly why?: string;
  readonly signal?: string;
  /** Reports whether it replaces the shell by `exec`. */
  readonly isExec: boolean;
  /** As it is written, and on which line of the script, from 1. */
  readonly text: string;
  readonly line: number;
}

/** How a script is run. */
export interface ShellRun {
  readonly shell: ShellKind;
  /** Reports whether it is the file of a script: then no shell becomes its last command. */
  readonly isFile: boolean;
  /** The words that `"$@"` stands for; `undefined` where they are not known. */
  readonly parameters?: readonly string[];
  /** A script that is read by `.` or `source`. */
  readonly sourced?: (path: string) => ScriptText | undefined;
}

export type Node = Statement['command'];

/** What a list of commands comes to. */
export interface Outcome {
  readonly ends: readonly End[];
  /** Reports whether nothing that stands after it is reached. */
  readonly isClosed: boolean;
}

export const open: Outcome = { ends: [], isClosed: false };

/** The same, where the shell does not become its last command by itself. */
export function staying(end: End): End {
  return end.passing === 'execs' && !end.isExec ? { ...end, passing: 'swallows' } : end;
}

/** The same, where a shell stays whatever the command does. */
export function kept(end: End, why: string): End {
  const isPassed = end.passing === 'forwards' || end.passing === 'cuts';
  return isPassed ? end : { ...end, passing: 'swallows', why: end.why ?? why };
}

export function bodyOf(body: CommandNode): readonly Statement[] {
  if (body.type === 'Redirected') return bodyOf(body.command);
  return body.type === 'BraceGroup' || body.type === 'Subshell' ? body.body.commands : [];
}

/** Reports whether it starts something, and is none of what a shell has for waiting. */
export function isProgram(node: Node): boolean {
  const waiting = ['wait', 'trap', 'kill', 'tail', 'cat', 'read', 'set', 'cd', 'export', 'exec'];
  return node.type === 'Command' && node.name !== undefined && !isTrivial(node) && !waiting.includes(node.name.value);
}

export function isTrivial(node: Node): boolean {
  return (
    node.type === 'Command' &&
    ['true', ':', 'exit', 'echo', 'false', 'sleep', 'return'].includes(node.name?.value ?? '')
  );
}

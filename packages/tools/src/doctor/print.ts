import { styleText } from 'node:util';
import { type ShutdownBudget } from 'nestjs-drain';
import { seconds } from './application.js';
import { type Unchecked } from './diagnose.js';
import { type Finding, type ObjectName } from './finding.js';

/** What there is to say at the end of a run. */
export interface Outcome {
  readonly findings: readonly Finding[];
  /** The names of what was read. */
  readonly files: readonly string[];
  /** What was left out and why, a line each. */
  readonly notes: readonly string[];
  /** What was not understood. */
  readonly notChecked: readonly Unchecked[];
  readonly budget: ShutdownBudget;
  /** Where the options come from. */
  readonly optionsFrom: string;
  /** How to give others. */
  readonly optionsHint?: string;
}

/** For people: grouped by file, one finding a paragraph, and a last line with the count. */
export function asText(outcome: Outcome, hasColour: boolean): string {
  const paint = (format: 'red' | 'yellow' | 'green' | 'bold' | 'dim', text: string) =>
    hasColour ? styleText(format, text, { validateStream: false }) : text;
  const lines: string[] = [];
  let file: string | undefined;
  for (const { file: its, line, severity, object, what, fix, rule } of outcome.findings) {
    if (file !== undefined && its !== file) lines.push('');
    file = its;
    const mark = paint(severity === 'fault' ? 'red' : 'yellow', severity);
    const about = `${spellObject(object, its)}${what}`;
    lines.push(`${paint('bold', `${its}:${line}`)}  ${mark}  ${about} ${paint('dim', `[${rule}]`)}`, `    ${fix}`);
  }
  if (lines.length > 0) lines.push('');
  lines.push(...outcome.notes.map((note) => `Note: ${note}.`));
  lines.push(...outcome.notChecked.map((each) => `Not checked: ${each.file}:${each.line}: ${each.what}.`));
  const count = countOf(outcome);
  const isClean = outcome.findings.length + outcome.notChecked.length === 0;
  const hint = outcome.optionsHint ? `; ${outcome.optionsHint}` : '';
  lines.push(paint(isClean ? 'green' : 'bold', count));
  lines.push(`Module options: ${outcome.optionsFrom} (${spell(outcome.budget)})${hint}.`);
  return `${lines.join('\n')}\n`;
}

/** For programs. */
export function asJson({ findings, files, notes, notChecked, budget: { options }, optionsFrom }: Outcome): string {
  const counts = tally(findings);
  const outcome = { ...counts, findings, files, notes, notChecked, options, optionsFrom };
  return `${JSON.stringify(outcome, undefined, 2)}\n`;
}

export function tally(findings: readonly Finding[]): { readonly faults: number; readonly doubts: number } {
  const faults = findings.filter(({ severity }) => severity === 'fault').length;
  return { faults, doubts: findings.length - faults };
}

/** A file that says no more than its own name is named once. */
function spellObject({ kind, name, container }: ObjectName, file: string): string {
  if (name === file) return '';
  return `${kind} ${name}${container === undefined ? '' : `, container ${container}`}: `;
}

function countOf({ findings, files, notChecked }: Outcome): string {
  const { faults, doubts } = tally(findings);
  const found = findings.length === 0 ? 'Nothing found' : `${counted(faults, 'fault')}, ${counted(doubts, 'doubt')}`;
  const missed = notChecked.length === 0 ? '' : `, and ${counted(notChecked.length, 'thing')} not checked`;
  return `${found} in ${counted(files.length, 'file')}${missed}.`;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function spell({ lameDuckMinMs, lameDuckMaxMs, drainMs, gracePeriodMs, options }: ShutdownBudget): string {
  const { lameDuck, hookTimeoutMs } = options;
  const served =
    lameDuck === false ? 'no lame duck' : `lame duck ${lameDuckMinMs / 1_000} to ${seconds(lameDuckMaxMs)}`;
  return (
    `${served}, drain ${seconds(drainMs)}, hooks ${seconds(hookTimeoutMs)}, grace period ` + `${seconds(gracePeriodMs)}`
  );
}

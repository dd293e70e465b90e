import { create } from 'xmlbuilder2';
import { type DrillResult, type FailureEntry, type Roll } from '../result.js';
import { phraseOf } from '../outcomes.js';
import { count, duration, listOfFailures, plural } from '../words.js';

/** How many failed requests are listed one by one. */
const listed = 100;

interface Case {
  readonly name: string;
  /** How long it took. */
  readonly ms: number;
  /** What went wrong: a line that says it, and the details. */
  readonly failure?: { readonly message: string; readonly text: string };
}

/**
 * JUnit's XML as CI systems read it: a suite for each roll, a case for each shutdown, and one for the requests that no
 * shutdown accounts for. The advice is the output of the whole.
 */
export function junitOf(result: DrillResult): string {
  const suites = result.rolls.map((roll) => ({ roll, cases: casesOf(roll, result) }));
  suites.at(-1)?.cases.push(verdictCase(result));
  const testsuites = {
    '@name': 'nestjs-drain drill',
    ...countsOf(suites.flatMap(({ cases }) => cases)),
    '@time': secondsOf(result.durationMs),
    testsuite: suites.map(({ roll, cases }) => suiteOf(roll, cases, result)),
  };
  // What XML cannot hold at all is left out.
  const document = create({ version: '1.0', encoding: 'UTF-8', invalidCharReplacement: '' }, { testsuites });
  return `${document.end({ prettyPrint: true })}\n`;
}

function suiteOf(roll: Roll, cases: readonly Case[], { startedAt, verdict, advice }: DrillResult): object {
  const name = roll.lagMs === undefined ? `roll ${roll.round}` : `lag ${duration(roll.lagMs)}, round ${roll.round}`;
  const timestamp = new Date(Date.parse(startedAt) + roll.startedAtMs).toISOString();
  const said = [verdict, ...advice.map(({ code, finding, fix }) => `${code}: ${finding} ${fix}`)].join('\n');
  return {
    '@name': name,
    ...countsOf(cases),
    '@errors': 0,
    '@skipped': 0,
    '@timestamp': timestamp,
    '@time': secondsOf(roll.endedAtMs - roll.startedAtMs),
    testcase: cases.map((each) => caseOf(each, name)),
    'system-out': said,
  };
}

function caseOf({ name, ms, failure }: Case, suite: string): object {
  const head = { '@name': name, '@classname': `nestjs-drain drill.${suite}`, '@time': secondsOf(ms) };
  return failure ? { ...head, failure: { '@message': failure.message, '#': failure.text } } : head;
}

function casesOf(roll: Roll, { failures, settings }: DrillResult): Case[] {
  const own = failures.filter(({ atMs }) => atMs >= roll.startedAtMs && atMs < roll.endedAtMs);
  const stopped = roll.replicas.filter(({ exitedAtMs }) => exitedAtMs !== undefined);
  const names = new Set(stopped.map(({ name }) => name));
  const shutdowns = stopped.map(({ name, signalledAtMs = 0, exitedAtMs = 0, wasKilled, diedAlone }): Case => {
    const lost = own.filter(({ replica }) => replica === name);
    const problems = [
      ...(lost.length > 0 ? [`${plural(lost.length, 'request')} failed: ${listOfFailures(lost)}`] : []),
      ...(diedAlone ? ['died, and nobody had stopped it'] : []),
      ...(wasKilled ? [`ended with SIGKILL after ${duration(settings.graceMs)}`] : []),
    ];
    return {
      name: `${name} stops without losing a request`,
      ms: diedAlone ? 0 : exitedAtMs - signalledAtMs,
      failure: problems.length > 0 ? { message: problems.join('; '), text: textOf(lost) } : undefined,
    };
  });
  const others = own.filter(({ replica }) => replica === undefined || !names.has(replica));
  return [
    ...shutdowns,
    {
      name: 'every other request is answered',
      ms: 0,
      failure:
        others.length > 0
          ? { message: `${plural(others.length, 'request')} failed: ${listOfFailures(others)}`, text: textOf(others) }
          : undefined,
    },
  ];
}

/** Of the whole: a drill that could not know, or was slower than allowed, has no shutdown that failed. */
function verdictCase({ conclusion, verdict }: DrillResult): Case {
  const failure = conclusion === 'passed' ? undefined : { message: verdict, text: '' };
  return { name: 'the drill comes to a good end', ms: 0, failure };
}

function textOf(failures: readonly FailureEntry[]): string {
  const lines = failures.slice(0, listed).map(({ request, kind, sinceSignalMs, atMs, detail }) => {
    const when =
      sinceSignalMs === undefined ? `at ${duration(atMs)}` : `${Math.round(sinceSignalMs)} ms after the signal`;
    return `${request}: ${phraseOf(kind)} ${when}${detail ? ` (${detail})` : ''}`;
  });
  if (failures.length > listed) lines.push(`and ${count(failures.length - listed)} more`);
  return lines.join('\n');
}

function countsOf(cases: readonly Case[]): object {
  return { '@tests': cases.length, '@failures': cases.filter(({ failure }) => failure).length };
}

function secondsOf(ms: number): string {
  return (ms / 1_000).toFixed(3);
}

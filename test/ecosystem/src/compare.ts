import { type Exchange } from './client.js';

/**
 * What is seen on a connection, as text: every status line and header in the order and spelling of the wire, every
 * byte of the bodies, what came besides, and how the connection ended.
 *
 * @param varying what differs between two runs of one application, beside the date; each match is replaced
 */
export function textOf({ answers, rest, end }: Exchange, varying: readonly RegExp[] = []): string {
  const answered = answers.map(({ head, body }) => [...head, '', readable(body)].join('\n'));
  const text = [...answered, ...(rest.length > 0 ? [`then ${readable(rest)}`] : []), `-- ${end}`].join('\n');
  return [/^date: .*$/gim, ...varying].reduce((result, pattern) => result.replace(pattern, replaced), text);
}

/** Keeps the groups of the pattern, and their order; all else of the match goes. */
function replaced(_match: string, ...groups: unknown[]): string {
  const kept = groups.slice(
    0,
    groups.findIndex((each) => typeof each === 'number'),
  );
  return `${kept.join('')}<varies>`;
}

/** Compressed and other binary bodies are compared, and shown, as base64. */
function readable(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return Buffer.from(text, 'utf8').equals(bytes) && !/[\0-\x08\x0e-\x1f]/.test(text) ? text : bytes.toString('base64');
}

/** The lines that differ; undefined when there are none. */
export function differenceOf(expected: string, actual: string): string | undefined {
  if (expected === actual) return undefined;
  const [left, right] = [expected.split('\n'), actual.split('\n')];
  const only = (sign: string, lines: string[], others: string[]): string[] =>
    lines.filter((line) => !others.includes(line)).map((line) => `      ${sign} ${line.slice(0, 300)}`);
  const lines = [...only('-', left, right), ...only('+', right, left)];
  return lines.length > 0 ? lines.slice(0, 12).join('\n') : '      the same lines in another order or number';
}

import { describe, expect, it } from '@jest/globals';
import { diagnose } from '../../../src/doctor/diagnose.js';
import { type Finding } from '../../../src/doctor/finding.js';
import { seeds } from './seeds.js';
import { clean, mutated } from './support/fixtures.js';

const byLines = ['dockerfile', 'compose', 'ecs', 'fly', 'render', 'procfile', 'systemd', 'program', 'pm2'];
/** Their advice is no line: to look at something, to write a script anew, to run a configuration. */
const others = ['pm2-unreadable', 'entrypoint-script', 'worker-unregistered', 'pm2-npm', 'pm2-treekill', 'pm2-fork'];
const sown = seeds.filter(
  (seed) => byLines.includes(seed.in) && !others.includes(seed.rule) && seed.from !== undefined,
);

/** Pastes the first line that a fix proposes into the place that it names. */
function applied(text: string, { fix, line, what }: Finding): string {
  const lines = text.split('\n');
  const at = line - 1;
  const given = lines[at]!;
  const [, removed] = /^Remove (?:the rewriting flag \()?([-\w]+)/.exec(fix) ?? [];
  if (removed !== undefined) {
    lines[at] = removed.startsWith('-')
      ? given.replace(/"--rewrite", "[\d:]+", /, '')
      : given.replace(new RegExp(`\\s*${removed}\\b.*?(,\\s*|$)`), ' ').trimEnd();
    return lines.filter((each, index) => index !== at || each.trim() !== '').join('\n');
  }
  if (what.includes('pm2 restart')) lines[at] = given.replace('pm2 restart', 'pm2 reload');
  const image = /(?:CMD|ENTRYPOINT) \[[^\]]*\]/.exec(fix)?.[0];
  if (image !== undefined) {
    const end = lines.findIndex((each, index) => index >= at && !each.endsWith('\\') && !each.trim().startsWith('#'));
    lines.splice(at, end - at + 1, image);
    return lines.join('\n');
  }
  const settings = [
    ...fix.replace('Start node itself: ', '').matchAll(/(["\w]+)(\s?[:=]\s?)([^\s,]+(?: \S+\.js)?)(?=[\s,.]|$)/g),
  ].slice(0, 2);
  for (const [whole, key = '', , value = ''] of settings) {
    const snippet = whole.replace(/\.$/, '');
    const known = lines.findIndex((each, index) => index >= at && index <= at + 1 && each.includes(key));
    const indent = /^\s*/.exec(given)![0];
    if (known !== -1) lines[known] = lines[known]!.replace(new RegExp(`${key}\\s?[:=]\\s?[^,}]*`), () => snippet);
    else if (/[{,]\s*\w+:/.test(given) || /: \{/.test(given)) lines[at] = given.replace(/ \}/, `, ${snippet} }`);
    else
      lines.splice(at + 1, 0, `${indent}${given.endsWith(':') ? '  ' : ''}${snippet}${given.endsWith(',') ? ',' : ''}`);
    if (value === '') break;
  }
  return lines.join('\n');
}

describe('diagnose, after what it advised has been pasted', () => {
  it.each(sown.map((seed) => [[seed.rule, seed.as].filter(Boolean).join(', '), seed] as const))(
    'finds nothing more: %s',
    (_, { in: where, from, to = '', options }) => {
      const source = mutated(clean[where], from!, to);
      const before = diagnose([source], { shutdown: options });
      expect(before).not.toEqual([]);
      let { text } = source;
      for (const finding of [...before].reverse()) text = applied(text, finding);
      const after = diagnose([{ name: source.name, text }], { shutdown: options });
      expect({ text, after }).toEqual({ text, after: [] });
    },
  );
});

import { parse } from 'unbash';
import { wordsOf } from './shell-words.js';

/** Reports whether a line is more than one simple command. */
export function isChain(text: string): boolean {
  const { commands } = parse(text);
  return commands.length > 1 || commands.some(({ command }) => command.type !== 'Command');
}

/** One command without variables and redirections: what an exec form can say as well. */
export function plainWords(text: string): readonly string[] | undefined {
  const { commands, errors } = parse(text);
  const command = commands[0]?.command;
  if (commands.length !== 1 || errors?.length || command?.type !== 'Command' || commands[0]!.background)
    return undefined;
  if (command.prefix.length > 0 || command.redirects.length > 0 || !command.name) return undefined;
  const words = wordsOf(command, new Map()).words;
  return words.some((word) => /[$`*]/.test(word)) ? undefined : words;
}

/** The words of a text that no shell reads, as Docker Compose splits it. */
export function commandWords(text: string): readonly string[] {
  const { commands, errors } = parse(text);
  const command = commands[0]?.command;
  if (commands.length === 1 && !errors?.length && command?.type === 'Command' && command.redirects.length === 0) {
    const prefix = command.prefix.map((each) => ('text' in each ? each.text : ''));
    return [...prefix, ...wordsOf(command, new Map()).words];
  }
  return text.split(/\s+/).filter(Boolean);
}

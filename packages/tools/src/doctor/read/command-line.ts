import { type Start } from '../model.js';
import { commandWords, plainWords } from '../start/lines.js';
import { type Field } from './field.js';

/** The words of a command that is written as a list, or as a text that no shell reads. */
export function wordsOfField(field: Field): readonly string[] | undefined {
  if (!field.exists) return undefined;
  if (field.text !== undefined) return commandWords(field.text);
  return field.items().flatMap(({ text }) => text ?? []);
}

/** A line that the platform gives to bash, which becomes a simple command by itself. */
export function wordsForBash(line: string): readonly string[] {
  return plainWords(line) ?? ['bash', '-c', line];
}

/** A start with the words of an image's ENTRYPOINT, and those of its CMD. */
export function startOfFields(
  entrypoint: Field,
  command: Field,
  write: (key: 'entrypoint' | 'command', words: readonly string[]) => string,
): Start | undefined {
  if (!entrypoint.exists && !command.exists) return undefined;
  const isWhole = entrypoint.exists;
  return {
    at: (command.exists ? command : entrypoint).place,
    entrypoint: wordsOfField(entrypoint),
    command: wordsOfField(command),
    exec: (words) =>
      `${write(isWhole ? 'entrypoint' : 'command', words)}${isWhole && command.exists ? ', without a command' : ''}`,
  };
}

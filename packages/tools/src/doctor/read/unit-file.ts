import { type Place } from '../finding.js';
import { type Source } from './source.js';

/** One setting of a unit of systemd. */
export interface UnitEntry {
  readonly key: string;
  readonly value: string;
  readonly place: Place;
}

/** The sections of a unit file. */
export type UnitFile = ReadonlyMap<string, readonly UnitEntry[]>;

/** What rules ask of a unit that no other platform has. */
export interface Unit {
  readonly name: string;
  readonly killMode?: UnitEntry;
  readonly type?: UnitEntry;
  readonly notifyAccess?: UnitEntry;
  /** Reports whether it runs as another user than root. */
  readonly hasUser: boolean;
  readonly stops: readonly UnitEntry[];
}

/** Reads the syntax of systemd.syntax(7): sections, comments, and lines that a backslash continues. */
export function readUnitFile({ name: file, text }: Source): UnitFile {
  const sections = new Map<string, UnitEntry[]>();
  let entries: UnitEntry[] | undefined;
  let pending: { text: string; line: number } | undefined;
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    if (/^\s*[#;]/.test(raw)) continue;
    const joined = pending ? `${pending.text} ${raw.trim()}` : raw.trim();
    const line = pending?.line ?? index + 1;
    pending = undefined;
    if (joined.endsWith('\\')) {
      pending = { text: joined.slice(0, -1).trimEnd(), line };
      continue;
    }
    const [, section] = /^\[(.+)\]$/.exec(joined) ?? [];
    if (section !== undefined) {
      entries = sections.get(section) ?? [];
      sections.set(section, entries);
      continue;
    }
    const at = joined.indexOf('=');
    if (at > 0)
      entries?.push({ key: joined.slice(0, at).trim(), value: joined.slice(at + 1).trim(), place: { file, line } });
  }
  return sections;
}

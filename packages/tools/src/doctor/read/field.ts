import { type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, type Pair } from 'yaml';
import { type Place } from '../finding.js';

/** What all fields of one document share. */
export interface Origin {
  readonly file: string;
  readonly document: Document;
  readonly lines: LineCounter;
}

/** Merge keys and aliases are followed this far: a document may refer to itself. */
const deepest = 20;

/**
 * A value of a YAML or JSON document, with its place: of its key in a mapping, of itself in a list. What is not there
 * is a field too, without a value, at the place of the nearest thing that is.
 */
export class Field {
  private constructor(
    private readonly origin: Origin,
    private readonly node: Node | undefined,
    readonly place: Place,
  ) {}

  static rootOf(origin: Origin): Field {
    const node = resolve(origin, origin.document.contents);
    return new Field(origin, node, placeOf(origin, node?.range?.[0] ?? 0));
  }

  get exists(): boolean {
    return this.node !== undefined && !(isScalar(this.node) && this.node.value === null);
  }

  get isMapping(): boolean {
    return isMap(this.node);
  }

  /** As written, be it text, a number or a boolean. */
  get text(): string | undefined {
    const value = isScalar(this.node) ? this.node.value : undefined;
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
      ? String(value)
      : undefined;
  }

  /** The number it is, or spells. */
  get number(): number | undefined {
    const { text } = this;
    return text !== undefined && /^-?\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : undefined;
  }

  get(...path: readonly string[]): Field {
    return path.reduce<Field>((field, key) => field.child(key), this);
  }

  items(): readonly Field[] {
    if (!isSeq(this.node)) return [];
    return this.node.items.map((item) => {
      const node = item as Node | null;
      return new Field(this.origin, resolve(this.origin, node), placeOf(this.origin, node?.range?.[0], this.place));
    });
  }

  entries(): readonly (readonly [string, Field])[] {
    if (!isMap(this.node)) return [];
    return this.node.items.map((pair) => [keyOf(pair), this.get(keyOf(pair))] as const);
  }

  private child(key: string): Field {
    const pair = find(this.origin, this.node, key, deepest);
    if (!pair) return new Field(this.origin, undefined, this.place);
    const start = (pair.key as Node | null)?.range?.[0];
    return new Field(
      this.origin,
      resolve(this.origin, pair.value as Node | null),
      placeOf(this.origin, start, this.place),
    );
  }
}

/** The last one of equal keys counts, as in Kubernetes. */
function find(origin: Origin, node: Node | undefined, key: string, depth: number): Pair | undefined {
  if (!isMap(node) || depth === 0) return undefined;
  const own = node.items.findLast((pair) => keyOf(pair) === key);
  if (own) return own;
  const merged = node.items.find((pair) => keyOf(pair) === '<<');
  return merged && find(origin, resolve(origin, merged.value as Node | null), key, depth - 1);
}

function keyOf({ key }: Pair): string {
  return isScalar(key) ? String(key.value) : '';
}

function resolve({ document }: Origin, node: Node | null | undefined): Node | undefined {
  let resolved = node ?? undefined;
  for (let depth = 0; isAlias(resolved); depth++) resolved = depth < deepest ? resolved.resolve(document) : undefined;
  return resolved;
}

function placeOf({ file, lines }: Origin, offset: number | undefined, otherwise?: Place): Place {
  if (offset === undefined) return otherwise ?? { file, line: 1 };
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

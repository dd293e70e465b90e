import { type Readable, type Writable } from 'node:stream';
import { StringDecoder } from 'node:string_decoder';

/**
 * Writes each line of `from` to `to` with `prefix` in front. A line that is JSON stays as it is, for whoever reads it by
 * machine. Lines of several workers do not mix.
 */
export function prefixLines(from: Readable, to: Writable, prefix: string): void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  const write = (lines: readonly string[]) => {
    if (lines.length === 0) return;
    const text = lines.map((line) => (line.startsWith('{') ? `${line}\n` : `${prefix}${line}\n`)).join('');
    // Whoever reads it may be gone: this is called then, too, and 'drain' never comes.
    const isFull = !to.write(text, () => isFull && from.resume());
    if (isFull) from.pause();
  };
  from.on('data', (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split('\n');
    rest = lines.pop()!;
    write(lines);
  });
  from.once('end', () => rest && write([rest]));
}

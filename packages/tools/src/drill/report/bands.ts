/** What the states of a lane are called; a phase that is not known goes by its own name. */
export function bandName(state: string): string {
  return names.get(state) ?? state;
}

/** The states in the order of a life, for a key. The stylesheet has a colour for each, as `--band-<state>`. */
export const processStates: readonly string[] = [
  'starting',
  'serving',
  'pre-stop',
  'lame-duck',
  'draining',
  'releasing',
  'stopping',
  'closed',
];

const names: ReadonlyMap<string, string> = new Map([
  ['pre-stop', 'preStop'],
  ['lame-duck', 'lame duck'],
  ['not-ready', 'not ready'],
  ['in-rotation', 'in rotation'],
  ['leaving', 'still in rotation'],
  ['out', 'out of rotation'],
]);

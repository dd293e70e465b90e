const ignore = () => undefined;
let shields = 0;

/**
 * With a log collector that died first, a line on stdout raises EPIPE, which would end the process with all that is in
 * flight. From here on it does not. Applications that close at the same time share one listener.
 *
 * @returns what ends the shield
 */
export function shieldOutput(): () => void {
  const outputs = [process.stdout, process.stderr];
  if (shields++ === 0) for (const output of outputs) output.on('error', ignore);
  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    if (--shields === 0) for (const output of outputs) output.off('error', ignore);
  };
}

const ignore = () => undefined;

/**
 * With a log collector that died first, a line on stdout raises EPIPE, which would end the process with all that is in flight. From here on it does
 * not.
 *
 * @returns what ends the shield
 */
export function shieldOutput(): () => void {
  const outputs = [process.stdout, process.stderr];
  for (const output of outputs) output.on('error', ignore);
  return () => {
    for (const output of outputs) output.off('error', ignore);
  };
}

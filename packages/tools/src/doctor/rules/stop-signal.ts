import { sigintParts } from '../application.js';
import { nameOf, type Remark, type Rule } from '../rule.js';
import { startedIn } from '../start/started.js';
import { signalName } from '../start/wrappers.js';

/** SIGINT drains, without the lame duck that SIGTERM has; few others are listened for. */
export const stopSignal: Rule = {
  id: 'stop-signal',
  severity: 'fault',
  title: 'a stop signal other than SIGTERM (STOPSIGNAL, stop_signal, kill_signal, dumb-init -r)',
  *remarks(scene): Iterable<Remark> {
    const hasLameDuck = sigintParts(scene.application)[0]![1] > 0;
    for (const { stopSignal: instruction, file } of scene.dockerfiles) {
      if (!instruction || instruction.text.includes('$')) continue;
      const signal = signalName(instruction.text);
      if (signal === 'SIGTERM' || (signal === 'SIGINT' && hasLameDuck)) continue;
      yield {
        at: instruction.place,
        on: { kind: 'Dockerfile', name: file },
        what: insteadOf('The platform', signal),
        fix: 'Remove STOPSIGNAL: SIGTERM is the default.',
      };
    }
    for (const workload of scene.workloads) {
      const { value: signal, at, text } = workload.stopSignal;
      if (signal === undefined || signal === 'SIGTERM' || (signal === 'SIGINT' && hasLameDuck)) continue;
      const key = text?.includes(':') ? text.split(':')[0]! : text?.split('=')[0];
      yield {
        at,
        on: nameOf(workload),
        severity: signal === 'SIGINT' ? 'doubt' : 'fault',
        what: insteadOf(workload.kind, signal),
        fix: workload.stopSignalFix ?? `Remove ${key ?? 'it'}: SIGTERM is the default.`,
      };
    }
    for (const started of startedIn(scene)) {
      const step = started.chains.flat().find((each) => each.signal !== undefined);
      if (!step || (step.signal === 'SIGINT' && hasLameDuck)) continue;
      const where = step.kind === 'init' ? 'Remove the rewriting flag (-r, --rewrite)' : 'Let it send SIGTERM';
      yield {
        at: step.at ?? started.at,
        on: started.on,
        what: insteadOf(`'${step.program}'`, step.signal!),
        fix: `${where}.`,
      };
    }
  },
};

function insteadOf(who: string, signal: string): string {
  if (signal === 'SIGKILL')
    return `${who} sends SIGKILL, which ends the application at once, with all that is in flight.`;
  return `${who} sends ${signal} instead of SIGTERM: the lame duck begins on SIGTERM alone, and Nest listens for few signals.`;
}

import { seconds } from '../application.js';
import { preStopOf } from '../read/pre-stop.js';
import { type Remark, type Rule } from '../rule.js';

/** The lame duck does a sleep's work, and ends when traffic has gone. */
export const preStopSleep: Rule = {
  id: 'pre-stop-sleep',
  severity: 'fault',
  title: 'a preStop sleep on top of a lame duck',
  *remarks({ application, workloads }): Iterable<Remark> {
    const { lameDuckMinMs: minMs, lameDuckMaxMs: maxMs } = application.budget;
    if (maxMs === 0) return;
    for (const workload of workloads) {
      const preStop = preStopOf(workload);
      if (!preStop?.sleepMs) continue;
      yield {
        at: preStop.at,
        what:
          `preStop sleeps ${seconds(preStop.sleepMs)} before the SIGTERM, on top of a lame duck of ` +
          `${minMs / 1_000} to ${seconds(maxMs)}: nobody is told to leave meanwhile, and every ` +
          'roll-out waits twice.',
        fix: 'Remove preStop: the lame duck does its work, and ends when traffic has gone.',
      };
    }
  },
};

/** Whatever runs before the SIGTERM counts against the grace period. */
export const preStopUnknown: Rule = {
  id: 'pre-stop-unknown',
  severity: 'doubt',
  title: 'a preStop hook whose time cannot be known',
  *remarks({ workloads }): Iterable<Remark> {
    for (const workload of workloads) {
      const preStop = preStopOf(workload);
      if (!preStop || preStop.sleepMs !== undefined) continue;
      yield {
        at: preStop.at,
        what:
          `preStop (${preStop.name}) runs before the SIGTERM, and its time, which cannot be known ` +
          'here, is taken off the grace period.',
        fix: "Remove it, or make its work an @OnShutdown('lame-duck') hook, which the budget knows.",
      };
    }
  },
};

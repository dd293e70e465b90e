import { type ObjectName } from '../finding.js';
import { type Remark, type Rule } from '../rule.js';
import { type Unit } from '../read/unit-file.js';

export const systemdKillMode: Rule = {
  id: 'systemd-kill-mode',
  severity: 'fault',
  title: 'a systemd unit that nothing stops (KillMode=none), or that is killed (ExecStop=kill -9)',
  *remarks({ units }): Iterable<Remark> {
    for (const unit of units) {
      const { killMode, stops } = unit;
      if (killMode?.value === 'none') {
        yield {
          at: killMode.place,
          on: nameOf(unit),
          what: 'KillMode=none signals nobody: the application goes on, keeps the port, and its successor cannot start.',
          fix: 'Set KillMode=mixed.',
        };
      }
      for (const stop of stops) {
        if (!/\b(p?kill|killall)\s+(-s\s*)?-?(9|KILL|SIGKILL)\b/.test(stop.value)) continue;
        yield {
          at: stop.place,
          on: nameOf(unit),
          what: 'ExecStop sends SIGKILL: what is in flight is lost.',
          fix: 'Remove ExecStop: systemd sends SIGTERM itself.',
        };
      }
    }
  },
};

/** The module tells systemd by `systemd-notify`, a process of its own, which is not listened to by default. */
export const systemdNotify: Rule = {
  id: 'systemd-notify',
  severity: 'fault',
  title: 'a systemd unit of Type=notify that does not listen to its children (NotifyAccess)',
  *remarks({ units }): Iterable<Remark> {
    for (const unit of units) {
      const { type, notifyAccess, hasUser } = unit;
      if (!type || !/^notify(-reload)?$/.test(type.value) || notifyAccess?.value === 'all' || !hasUser) continue;
      yield {
        at: (notifyAccess ?? type).place,
        on: nameOf(unit),
        what:
          'systemd listens to the main process alone, and is told READY=1 by a child of it: it takes the start for ' +
          'failed after TimeoutStartSec, and kills the application.',
        fix: 'Set NotifyAccess=all.',
      };
    }
  },
};

export const systemdRules: readonly Rule[] = [systemdKillMode, systemdNotify];

function nameOf({ name }: Unit): ObjectName {
  return { kind: 'systemd unit', name };
}

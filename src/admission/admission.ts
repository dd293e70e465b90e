/**
 * How far a server has gone in its shutdown. A rehearsal tells clients to leave, as an announcement does, and takes
 * that back.
 */
export type Stage = 'serving' | 'rehearsing' | 'announced' | 'refusing';

/** What becomes of a request. */
export type Verdict =
  /** It goes to the application. */
  | 'serve'
  /** It is late, and its URL could lead to a route that is served all the same: the route that it reaches decides. */
  | 'exempt'
  /** It has arrived too late, and is refused. */
  | 'late'
  /** It has arrived in time, and is refused because a rule says so. */
  | 'declined'
  /**
   * Its client has been told that nothing more is executed on this connection, so it is neither executed nor answered.
   */
  | 'behind-a-close';

/** A request, as far as its head tells what becomes of it. */
export interface RequestHead {
  readonly method?: string;
  readonly url?: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A request, and when it has arrived. */
export interface Arrival {
  readonly request: RequestHead;
  readonly stage: Stage;
  /** On its connection a head is out that says close. */
  readonly isBehindClose: boolean;
  /** It, or the connection that brings it, has begun to arrive before new work was refused. */
  readonly isInTime: boolean;
  /** It asks for another protocol on its connection. */
  readonly isUpgrade: boolean;
}

/** What somebody who knows some of the requests has to say about them. Each answer left out is a no. */
export interface AdmissionRule {
  /** Reports whether a late request goes on with something that began in time. */
  continues?(request: RequestHead): boolean;
  /** Reports whether a request is refused from the announcement on, in time though it is. */
  declines?(request: RequestHead): boolean;
  /**
   * Reports whether a request could lead to a route that is served for as long as the listener is open. It may say yes
   * too often.
   */
  exempts?(request: RequestHead): boolean;
  /** Hears of each request that has arrived. Nothing of its response is out. */
  arrived?(request: RequestHead, response: object): void;
}

/** Decides what becomes of a request. */
export function admit(arrival: Arrival, rules: readonly AdmissionRule[]): Verdict {
  const { request, stage, isBehindClose, isInTime, isUpgrade } = arrival;
  if (stage === 'serving') return 'serve';
  if (isBehindClose) return 'behind-a-close';
  if (stage === 'rehearsing') return 'serve';
  if (rules.some((rule) => rule.declines?.(request))) return 'declined';
  if (stage === 'announced') return 'serve';
  // An upgrade begins something new, whoever asks for it.
  if (isUpgrade) return 'late';
  if (isInTime || rules.some((rule) => rule.continues?.(request))) return 'serve';
  return rules.some((rule) => rule.exempts?.(request)) ? 'exempt' : 'late';
}

/** The rules of one application, to which whoever knows some of its requests adds one. */
export class Admission {
  private readonly rules: AdmissionRule[] = [];
  private readonly observers: Required<Pick<AdmissionRule, 'arrived'>>[] = [];

  constructor(...rules: readonly AdmissionRule[]) {
    for (const rule of rules) this.add(rule);
  }

  add(rule: AdmissionRule): void {
    this.rules.push(rule);
    if (rule.arrived) this.observers.push(rule as Required<AdmissionRule>);
  }

  judge(arrival: Arrival): Verdict {
    return admit(arrival, this.rules);
  }

  /** Reports whether a request could lead to a route that is served during a shutdown, and so is no traffic. */
  couldBeExempt(request: RequestHead): boolean {
    return this.rules.some((rule) => rule.exempts?.(request));
  }

  /** A request has arrived, and nothing of its response is out. */
  arrived(request: RequestHead, response: object): void {
    for (const observer of this.observers) observer.arrived(request, response);
  }
}

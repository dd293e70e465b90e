import { describe, expect, it } from '@jest/globals';
import {
  admit,
  Admission,
  type AdmissionRule,
  type Arrival,
  type RequestHead,
} from '../../../src/admission/admission.js';

const request: RequestHead = { method: 'GET', url: '/orders', headers: {} };
const says = (yes: (keyof AdmissionRule)[]): AdmissionRule =>
  Object.fromEntries(yes.map((question) => [question, () => true]));

function admitted(arrival: Partial<Arrival>, ...rules: AdmissionRule[]) {
  const onTime = { request, stage: 'refusing', isBehindClose: false, isInTime: false, isUpgrade: false } as const;
  return admit({ ...onTime, ...arrival }, rules);
}

describe('admit', () => {
  it('serves everything while serving, whatever the rules say', () => {
    const everything = { isBehindClose: true, isUpgrade: true };
    expect(admitted({ stage: 'serving', ...everything }, says(['declines']))).toBe('serve');
  });

  it.each(['rehearsing', 'announced', 'refusing'] as const)('executes nothing behind a close while %s', (stage) => {
    expect(admitted({ stage, isBehindClose: true, isInTime: true }, says(['continues', 'exempts']))).toBe(
      'behind-a-close',
    );
  });

  it('serves in a rehearsal what a rule would decline', () => {
    expect(admitted({ stage: 'rehearsing' }, says(['declines']))).toBe('serve');
  });

  it('serves what has been announced to leave, upgrades too', () => {
    expect(admitted({ stage: 'announced' })).toBe('serve');
    expect(admitted({ stage: 'announced', isUpgrade: true })).toBe('serve');
  });

  it.each(['announced', 'refusing'] as const)(
    'declines what a rule declines while %s, in time though it is',
    (stage) => {
      expect(admitted({ stage, isInTime: true }, says([]), says(['declines']))).toBe('declined');
    },
  );

  it('is late when it has not begun to arrive before new work was refused', () => {
    expect(admitted({})).toBe('late');
    expect(admitted({ isInTime: true })).toBe('serve');
  });

  it('is not late when it goes on with something that began in time', () => {
    expect(admitted({}, says([]), says(['continues']))).toBe('serve');
  });

  it('is exempt when it could lead to a route that is served all the same', () => {
    expect(admitted({}, says(['exempts']))).toBe('exempt');
    expect(admitted({ isInTime: true }, says(['exempts']))).toBe('serve');
  });

  it('is late as an upgrade, whoever asks for it', () => {
    expect(admitted({ isUpgrade: true, isInTime: true }, says(['continues', 'exempts']))).toBe('late');
  });

  it('asks the rules about the request', () => {
    const asked: unknown[] = [];
    const rule: AdmissionRule = {
      declines: (each) => asked.push(each) === 0,
      continues: (each) => asked.push(each) === 0,
      exempts: (each) => asked.push(each) === 0,
    };
    expect(admitted({}, rule)).toBe('late');
    expect(asked).toEqual([request, request, request]);
  });
});

describe('Admission', () => {
  it('judges by the rules that have been added', () => {
    const admission = new Admission(says([]));
    const arrival: Arrival = { request, stage: 'refusing', isBehindClose: false, isInTime: false, isUpgrade: false };
    expect(admission.judge(arrival)).toBe('late');
    admission.add(says(['exempts']));
    expect(admission.judge(arrival)).toBe('exempt');
  });

  it('knows what could be exempt, at any time', () => {
    expect(new Admission(says(['continues'])).couldBeExempt(request)).toBe(false);
    expect(new Admission(says([]), says(['exempts'])).couldBeExempt(request)).toBe(true);
  });

  it('tells those who listen of each request that arrives', () => {
    const heard: unknown[] = [];
    const listening: AdmissionRule = { arrived: (...args) => void heard.push(args) };
    const response = {};
    new Admission(says(['exempts']), listening).arrived(request, response);
    expect(heard).toEqual([[request, response]]);
  });
});

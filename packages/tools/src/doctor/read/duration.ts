const unitsMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  msec: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  seconds: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hr: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** A time as `90`, `1m30s`, `1min 30s` or `1500ms`, in ms; `undefined` for what is none. A bare number has this unit. */
export function durationMs(text: string, bareUnitMs = 1_000): number | undefined {
  const trimmed = text.trim().replace(/^["']|["']$/g, '');
  if (/^\d+(\.\d+)?$/.test(trimmed)) return Number(trimmed) * bareUnitMs;
  const parts = [...trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)\s*/gy)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('').length !== trimmed.length) return undefined;
  let sumMs = 0;
  for (const [, count, unit] of parts) {
    if (!Object.hasOwn(unitsMs, unit!)) return undefined;
    sumMs += Number(count) * unitsMs[unit!]!;
  }
  return sumMs;
}

/** A process's clock, moved: timers go on as they were, and whoever asks what time it is gets another answer. */
const RealDate = Date;

/** `aheadMs` is asked for each time; below zero the clock is behind. */
export function moveClock(aheadMs: () => number): void {
  const now = () => RealDate.now() + aheadMs();
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length ? given : [now()], newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, property) => (property === 'now' ? now : Reflect.get(target, property)),
  });
}

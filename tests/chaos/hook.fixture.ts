/** A process with a crash point, for the test of the hook: it passes the point when it is told to, and tells the time. */
process.on('message', (message) => {
  if (!Object.hasOwn(Object(message), 'pass')) return;
  // crash point: fixture, told to pass
  const date = new Date();
  process.send?.({ now: Date.now(), date: date.toISOString(), isDate: date instanceof Date });
});
process.send?.({ ready: true });

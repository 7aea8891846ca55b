/** A process as platform/process.ts makes them, that does nothing. */
process.send?.({ ready: true });
setInterval(() => {}, 60_000);

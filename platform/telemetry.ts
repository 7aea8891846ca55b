/**
 * OpenTelemetry's traces, where the environment names a collector by the standard variables; what else there is to set (sampler,
 * headers, batches) the SDK reads from there by itself. Without a collector nothing of it is loaded.
 */
import { DiagLogLevel, diag } from '@opentelemetry/api';
import { type Config, readConfig, type Setting } from './config.ts';
import type { Log } from './log.ts';
import { traceWith } from './trace.ts';
import { version } from './version.ts';

const settings = [
  'OTEL_SDK_DISABLED',
  'OTEL_TRACES_EXPORTER',
  'OTEL_EXPORTER_OTLP_ENDPOINT',
  'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
  'OTEL_EXPORTER_OTLP_PROTOCOL',
  'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL',
] as const satisfies Setting[];

/** What is not at the collector by then is lost. */
const FLUSH_MS = 1000;
/** A collector that is away is told of so often. */
const COMPLAIN_MS = 60_000;

export interface Tracing {
  /** Sends what is left, in a second at most. */
  stop(): Promise<void>;
}

const OFF: Tracing = { stop: async () => {} };

export async function startTracing(service: string, log: Log): Promise<Tracing> {
  const config = readConfig(settings);
  if (!isOn(config)) return OFF;
  complainBy(log);
  const [{ BasicTracerProvider, BatchSpanProcessor }, { detectResourcesSync, envDetectorSync, Resource }, exporter] =
    await Promise.all([
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/resources'),
      exporters[protocolIn(config)](),
    ]);
  const own = new Resource({
    'service.name': service,
    'service.namespace': 'rentabook',
    'service.version': version,
    'service.instance.id': crypto.randomUUID(),
  });
  const provider = new BasicTracerProvider({
    resource: own.merge(detectResourcesSync({ detectors: [envDetectorSync] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  traceWith(provider.getTracer('rentabook', version));
  return {
    async stop() {
      const late = new Promise<void>((resolve) => setTimeout(resolve, FLUSH_MS).unref());
      await Promise.race([provider.shutdown().catch(() => {}), late]); // the collector may be away
    },
  };
}

type TracingConfig = Config<(typeof settings)[number]>;

const isOn = (config: TracingConfig): boolean =>
  !config.OTEL_SDK_DISABLED &&
  config.OTEL_TRACES_EXPORTER === 'otlp' &&
  Boolean(config.OTEL_EXPORTER_OTLP_ENDPOINT ?? config.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT);

const protocolIn = (config: TracingConfig) =>
  config.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? config.OTEL_EXPORTER_OTLP_PROTOCOL;

const exporters = {
  'http/protobuf': async () => new (await import('@opentelemetry/exporter-trace-otlp-proto')).OTLPTraceExporter(),
  'http/json': async () => new (await import('@opentelemetry/exporter-trace-otlp-http')).OTLPTraceExporter(),
};

/** What the SDK complains of: once a minute at most, since a collector that is away fails every batch. */
function complainBy(log: Log): void {
  let quietUntil = 0;
  const complain = (message: string) => {
    if (performance.now() < quietUntil) return;
    quietUntil = performance.now() + COMPLAIN_MS;
    const [, reason = message] = /"message":"([^"]*)"/.exec(message) ?? []; // errors come as JSON, with their stack
    log.warn({ reason: reason.slice(0, 300) }, 'OpenTelemetry has trouble');
  };
  const nothing = () => {};
  diag.setLogger(
    { error: complain, warn: complain, info: nothing, debug: nothing, verbose: nothing },
    { logLevel: DiagLogLevel.WARN },
  );
}

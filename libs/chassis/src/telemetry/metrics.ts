import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Metrics } from '../platform.ts';

const PREFIX = 'smartlite_';

/** Metrics of one process in a registry of their own, so that several can live in one test. */
export function createMetrics(service: string, { process = true }: { readonly process?: boolean } = {}): Metrics {
  const register = new Registry();
  register.setDefaultLabels({ service });
  if (process) collectDefaultMetrics({ register, prefix: PREFIX });
  const known = <M>(name: string, make: () => M): M => (register.getSingleMetric(name) as M | undefined) ?? make();
  const options = (name: string, help: string, labelNames: readonly string[]) => ({
    name,
    help,
    labelNames: [...labelNames],
    registers: [register],
  });
  return {
    counter: (name, help, labels = []) => known(PREFIX + name, () => new Counter(options(PREFIX + name, help, labels))),
    gauge: (name, help, labels = []) => known(PREFIX + name, () => new Gauge(options(PREFIX + name, help, labels))),
    histogram: (name, help, labels, bucketsSeconds) =>
      known(PREFIX + name, () => new Histogram({ ...options(PREFIX + name, help, labels), buckets: [...bucketsSeconds] })),
    text: () => register.metrics(),
  };
}

import type { SpanRecord } from '@smartlite/contracts';
import { shown } from '@smartlite/trust';

const BAR_COLUMNS = 40;
const NAME_COLUMNS = 46;

/** One span as a row of a waterfall: times in milliseconds from the trace's first start. */
export interface WaterfallRow {
  readonly span: SpanRecord;
  readonly depth: number;
  readonly startMs: number;
  readonly tookMs: number;
}

/** Orders the spans of one trace as a tree. A span whose parent is not in the store starts a tree of its own. */
export function waterfall(spans: readonly SpanRecord[]): WaterfallRow[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentSpanId }) => (parentSpanId && ids.has(parentSpanId) ? parentSpanId : ''));
  const zero = spans
    .map(({ startUnixNano }) => BigInt(startUnixNano))
    .reduce((a, b) => (a < b ? a : b), BigInt(spans[0]?.startUnixNano ?? 0));
  const rowsUnder = (parent: string, depth: number): WaterfallRow[] =>
    (children.get(parent) ?? [])
      .toSorted(byStart)
      .flatMap((span) => [rowOf(span, depth, zero), ...rowsUnder(span.spanId, depth + 1)]);
  return rowsUnder('', 0);
}

/** The rows as text: where, what, when, how long; then which models answered, and why these. */
export function drawWaterfall(rows: readonly WaterfallRow[]): string {
  const endMs = Math.max(1, ...rows.map(({ startMs, tookMs }) => startMs + tookMs));
  return [...rows.map((row) => drawRow(row, endMs)), ...rows.flatMap(({ span }) => reasonOf(span))].join('\n');
}

function reasonOf({ service, attributes }: SpanRecord): readonly string[] {
  const model = attributes['gen_ai.response.model'];
  if (model !== undefined) return [shown(`${service} by ${String(model)}: ${String(attributes['smartlite.because'] ?? '')}`)];
  const chosen = ['smartlite.asr_because', 'smartlite.llm_because'].map((name) => attributes[name]);
  return chosen.flatMap((because) => (because === undefined ? [] : [shown(`${service}: ${String(because)}`)]));
}

function drawRow({ span, depth, startMs, tookMs }: WaterfallRow, endMs: number): string {
  const name = `${'  '.repeat(depth)}${span.service}: ${span.name}`;
  const from = Math.min(BAR_COLUMNS - 1, Math.floor((startMs / endMs) * BAR_COLUMNS));
  const length = Math.max(1, Math.round((tookMs / endMs) * BAR_COLUMNS));
  const bar = `${' '.repeat(from)}${'▇'.repeat(Math.min(length, BAR_COLUMNS - from))}`;
  const mark = span.status === 'error' ? ' error' : '';
  return `${cut(name).padEnd(NAME_COLUMNS)} |${bar.padEnd(BAR_COLUMNS)}| ${startMs.toFixed(1).padStart(8)} + ${tookMs.toFixed(1)} ms${mark}`;
}

function cut(name: string): string {
  return name.length <= NAME_COLUMNS ? name : `${name.slice(0, NAME_COLUMNS - 1)}…`;
}

function rowOf(span: SpanRecord, depth: number, zero: bigint): WaterfallRow {
  const start = BigInt(span.startUnixNano);
  return { span, depth, startMs: milliseconds(start - zero), tookMs: milliseconds(BigInt(span.endUnixNano) - start) };
}

function milliseconds(nanoseconds: bigint): number {
  return Number(nanoseconds) / 1e6;
}

function byStart(a: SpanRecord, b: SpanRecord): number {
  return Number(BigInt(a.startUnixNano) - BigInt(b.startUnixNano));
}

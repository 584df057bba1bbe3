import type { AuditEntry, SpanRecord } from '@smartlite/contracts';
import type { LockStatus } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { type Evidence, replayVerifiedBytes } from './verifiedbytes.ts';

const LOCK = 'sha256:lock';
const DIGEST = 'sha256:mind';
const entry = (part: Partial<AuditEntry>) =>
  ({ id: 'e', producer: 'llm-1', atUnixMs: 0, counter: 0, kind: 'turn.answered', ...part }) as AuditEntry;
const use = (facts: object = {}) =>
  entry({ facts: { llm_model: 'mind', llm_artifacts: [DIGEST], llm_lock: LOCK, llm_order: '1.1.1.0', ...facts } });
const mode = (to: string, atUnixMs: number) => entry({ kind: 'mode.changed', facts: { to }, atUnixMs, counter: atUnixMs });
const status = (part: Partial<LockStatus> = {}) =>
  ({
    generation: 1,
    epoch: 1,
    revision: 1,
    beat: 0,
    mode: 'normal',
    lockDigest: LOCK,
    refusedArtifacts: [],
    ...part,
  }) as unknown as LockStatus;
const span = (endMs: number) =>
  ({
    name: 'smartlite.v1.LlmService/Generate',
    kind: 1,
    status: 'ok',
    instance: 'llm-1',
    traceId: 't',
    endUnixNano: String(endMs * 1e6),
  }) as SpanRecord;
const sound: Evidence = {
  entries: [mode('normal', 10), use(), mode('safe', 100)],
  spans: [span(50)],
  statuses: [status()],
  locks: new Map([[LOCK, new Map([[DIGEST, 'mind-script']])]]),
};

describe('the replay of verified-bytes', () => {
  it('finds nothing wrong with a sound run', () => {
    expect(replayVerifiedBytes(sound)).toEqual({ uses: 1, violations: [] });
  });

  it.each<[string, Partial<Evidence>]>([
    ['bytes that no lock lists', { entries: [use({ llm_artifacts: ['sha256:evil'] })], spans: [] }],
    ['an answer that names no bytes', { entries: [use({ llm_artifacts: [] })], spans: [] }],
    ['a lock that nobody has signed', { entries: [use({ llm_lock: 'sha256:other' })], spans: [] }],
    ['an order that nobody has broadcast', { entries: [use({ llm_order: '1.1.9.0' })], spans: [] }],
    ['a status that did not permit', { statuses: [status({ mode: 'safe' })] }],
    ['a status that had refused the artifact', { statuses: [status({ refusedArtifacts: ['mind-script'] })] }],
    ['an answer that ended well behind a shut gate', { spans: [span(200)] }],
    ['an answer before any status', { entries: [use()] }],
  ])('finds %s', (_name, change) => {
    expect(replayVerifiedBytes({ ...sound, ...change }).violations).toHaveLength(1);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { convertLatencyProfile, parseLatencyProfile, profileContradictions } from './latencyprofile.ts';
import { parsePack } from './pack.ts';

const OPS = new URL('../../../ops/', import.meta.url);
const PACK = parsePack(readFileSync(new URL('MODEL_PACK.json', OPS)));
const target = (targetMs: unknown, p99Ms: unknown) => ({ target_ms: targetMs, p99_threshold_ms: p99Ms });
const OLDER = {
  version: '1.0',
  services: { asr: target('800ms', '1.6s'), llm: target(500, 1500), tts: target(300, 900) },
  end_to_end: target('1.2s', 3000),
  asr_tiers: { realtime_streaming: { target_ms: 250, device: 'GPU' } },
};
const parse = (value: object) => parseLatencyProfile(new TextEncoder().encode(JSON.stringify(value)));

describe('a latency profile of the older form', () => {
  it('becomes the pack’s, whatever unit it is written in', () => {
    expect(convertLatencyProfile(parse(OLDER))).toEqual(PACK.latency_profile);
  });

  it('that is committed agrees with the pack', () => {
    const committed = parseLatencyProfile(readFileSync(new URL('latency_profile.json', OPS)));
    expect(profileContradictions(committed, PACK)).toEqual([]);
    expect(convertLatencyProfile(committed)).toEqual(PACK.latency_profile);
  });

  it('that says something else is told place by place', () => {
    const older = {
      ...OLDER,
      services: { ...OLDER.services, tts: target(300, 901) },
      asr_tiers: { realtime_streaming: { target_ms: 251, device: 'cpu' }, turbo: { target_ms: 1, device: 'cpu' } },
    };
    expect(profileContradictions(parse(older), PACK)).toEqual([
      '/services/tts/p99_threshold_ms is 901, but /latency_profile/tts/p99_ms of the pack is 900',
      '/asr_tiers/realtime_streaming/target_ms is 251, but /asr_pack/tiers/realtime_streaming/target_ms of the pack is 250',
      '/asr_tiers/realtime_streaming/device is cpu, but /asr_pack/tiers/realtime_streaming/device of the pack is gpu',
      '/asr_tiers/turbo: the pack has no such tier',
    ]);
  });
});

describe('a latency profile that is none', () => {
  it.each([
    ['{', /latency_profile\.json/],
    [JSON.stringify({ ...OLDER, end_to_end: undefined }), /at \/end_to_end: /],
    [JSON.stringify({ ...OLDER, end_to_end: target('soon', 1) }), /at \/end_to_end\/target_ms: /],
    [JSON.stringify({ ...OLDER, end_to_end: target(0, 1) }), /at \/end_to_end\/target_ms: must be more than 0/],
    [JSON.stringify({ ...OLDER, region: 'eu' }), /region/],
    ['{"version":"1","version":"2"}', /version/],
  ])('is refused with the place and the reason: %s', (text, reason) => {
    expect(() => parseLatencyProfile(new TextEncoder().encode(text))).toThrow(reason);
  });
});

import { latencyProfileJsonSchema, lockJsonSchema, packJsonSchema } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { read } from './sources.ts';

describe('the published JSON Schemas', () => {
  it.each([
    ['model-pack.schema.json', packJsonSchema],
    ['model-lock.schema.json', lockJsonSchema],
    ['latency-profile.schema.json', latencyProfileJsonSchema],
  ])('say what the parser takes: %s (else: npm run schemas)', (name, schema) => {
    expect(JSON.parse(read(`ops/schemas/${name}`).text)).toEqual(schema());
  });
});

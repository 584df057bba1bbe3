import { Metadata, status } from '@grpc/grpc-js';
import { CODES, MeshError } from '@smartlite/contracts';
import { describe, expect, it } from 'vitest';
import { meshError, wireError } from './error.ts';

const overTheWire = (error: MeshError) => meshError(Object.assign(new Error(error.message), wireError(error)));

const factsOf = ({ code, message, facts, retryAfterMs, retryable }: MeshError) => ({
  code,
  message,
  facts,
  retryAfterMs,
  retryable,
});

describe('a failure that crosses the wire', () => {
  it.each(CODES)('keeps its code, message, facts and waiting time: %s', (code) => {
    const sent = new MeshError(code, 'what is wrong', {
      facts: { limit: 'user' },
      retryAfterMs: 250,
      cause: new Error('secret'),
    });
    const got = overTheWire(sent);
    expect(factsOf(got)).toEqual(factsOf(sent));
  });

  it('does not carry its cause', () => {
    const { metadata, details } = wireError(
      new MeshError('internal', 'unexpected failure', { cause: new Error('a user said hello') }),
    );
    expect(details + JSON.stringify(metadata.getMap())).not.toContain('hello');
    expect(Buffer.from(metadata.get('grpc-status-details-bin')[0] as Buffer).toString('latin1')).not.toContain('hello');
  });

  it('says SAFE_MODE with FAILED_PRECONDITION', () => {
    const { code, metadata } = wireError(new MeshError('safe-mode', 'refused'));
    expect(code).toBe(status.FAILED_PRECONDITION);
    expect(Buffer.from(metadata.get('grpc-status-details-bin')[0] as Buffer).toString('latin1')).toContain('SAFE_MODE');
  });
});

describe('a failure of the transport itself', () => {
  it.each([
    [status.UNAVAILABLE, 'unavailable'],
    [status.DEADLINE_EXCEEDED, 'deadline-exceeded'],
    [status.CANCELLED, 'cancelled'],
    [status.UNKNOWN, 'internal'],
  ] as const)('is told by its status: %s is %s', (code, expected) => {
    expect(meshError(Object.assign(new Error('x'), { code, details: 'x', metadata: new Metadata() })).code).toBe(expected);
  });

  it('with details that are no protobuf is told by its status', () => {
    const metadata = new Metadata();
    metadata.set('grpc-status-details-bin', Buffer.from([255, 255, 255]));
    expect(meshError(Object.assign(new Error('x'), { code: status.UNAVAILABLE, details: 'x', metadata })).code).toBe(
      'unavailable',
    );
  });
});

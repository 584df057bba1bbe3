import { RELEASE } from '@smartlite/trust';
import { describe, expect, it } from 'vitest';
import { read } from './sources.ts';

describe('the release that the code says it is of', () => {
  it('is that of the package: whoever moves the version moves its date, the floor of every clock', () => {
    expect(RELEASE.version).toBe((JSON.parse(read('package.json').text) as { version: string }).version);
    expect(new Date(RELEASE.date).toISOString()).toBe(RELEASE.date.replace('Z', '.000Z'));
  });
});

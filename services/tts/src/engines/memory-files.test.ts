import { describe, expect, it } from 'vitest';
import { FileTooLarge, MemoryFiles } from './memory-files.ts';

const WRITE = { create: true, truncate: true };

describe('files in memory', () => {
  it('give back what was written, over-writing included', () => {
    const files = new MemoryFiles(100);
    const descriptor = files.open('a', WRITE) as number;
    files.write(descriptor, Uint8Array.of(1, 2, 3, 4));
    expect(files.seek(descriptor, 1, 0)).toBe(1);
    files.write(descriptor, Uint8Array.of(9));
    expect(files.content('a')).toEqual(Uint8Array.of(1, 9, 3, 4));
    expect(files.read(descriptor, 10)).toEqual(Uint8Array.of(3, 4));
  });

  it('are not there until they are made', () => {
    const files = new MemoryFiles(100);
    expect(files.open('a', { create: false, truncate: false })).toBeUndefined();
    expect(files.content('a')).toBeUndefined();
  });

  it('never grow beyond their most', () => {
    const files = new MemoryFiles(10);
    const descriptor = files.open('a', WRITE) as number;
    files.write(descriptor, new Uint8Array(10));
    expect(() => files.write(descriptor, new Uint8Array(1))).toThrow(FileTooLarge);
  });

  it('cannot be reached by a descriptor that is closed', () => {
    const files = new MemoryFiles(10);
    const descriptor = files.open('a', WRITE) as number;
    files.close(descriptor);
    expect(() => files.read(descriptor, 1)).toThrow(`descriptor ${descriptor} is not open`);
  });
});
